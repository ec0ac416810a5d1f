import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Address } from "../../wire/address.ts";
import type { LocalCallOptions } from "../../wire/local/client.ts";

/** What carries an app process's calls. */
export interface AppChannel extends Disposable {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: LocalCallOptions,
  ): Promise<MessageShape<O>>;
}

/** What an app process calls: ServerAppIo or ClientAppIo. */
export interface AppApi {
  readonly address: Address;
  /** A channel to it, which connects when a call is made. */
  open(): AppChannel;
}

/**
 * The API at an address: that of the program which started this process, by the key that it gave;
 * without one over gRPC, without TLS, as every SuperLink and SuperNode serves it.
 */
export async function appApi(
  address: Address,
  key?: Uint8Array<ArrayBuffer>,
): Promise<AppApi> {
  if (key) {
    const { LocalChannel } = await import("../../wire/local/client.ts");
    return { address, open: () => new LocalChannel({ address, key }) };
  }
  // 64 modules that only those wait for who need them.
  const { GrpcChannel } = await import("../../wire/grpc/client.ts");
  return {
    address,
    open() {
      const channel = new GrpcChannel(address, { insecure: true });
      return {
        unary: (method, request, options) => channel.unary(method, request, options),
        [Symbol.dispose]: () => channel.close(),
      };
    },
  };
}
