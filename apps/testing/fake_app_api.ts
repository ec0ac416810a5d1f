/**
 * The APIs that app processes call, as far as their first calls: each is noted, and the pull of the
 * inputs is held until the test refuses it.
 *
 * @module
 */

import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import type { Address } from "../../wire/address.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { defineService } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";

/** One app that has called. */
export interface CallingApp {
  readonly token: string;
  /** When it asked for its inputs, as `performance.now()` has it. */
  readonly askedAtMs: number;
  /** Answers that its token is not known, which ends it. */
  readonly refuse: () => void;
}

/** A server that apps call. */
export class FakeAppApi implements AsyncDisposable {
  readonly address: Address;
  readonly #server: GrpcServer;
  readonly #arrivals = new EventTarget();
  readonly #apps = new Map<string, CallingApp>();

  private constructor(address: Address, server: GrpcServer) {
    this.address = address;
    this.#server = server;
  }

  static async start(): Promise<FakeAppApi> {
    const server = new GrpcServer({ maxMessageBytes: 64 * 1024 });
    const inputs = ({ token }: { readonly token: string }) => api.#hold(token);
    const sendAppHeartbeat = () => Promise.resolve({ success: true });
    const admit = () => undefined;
    server.add(
      defineService(ClientAppIo, admit, { pullClientAppInputs: inputs, sendAppHeartbeat }),
    );
    server.add(defineService(ServerAppIo, admit, { pullAppInputs: inputs, sendAppHeartbeat }));
    const api = new FakeAppApi(await server.listen({ host: "127.0.0.1", port: 0 }), server);
    return api;
  }

  /** Waits until the app with this token asks for its inputs. */
  async app(token: string): Promise<CallingApp> {
    for (;;) {
      const app = this.#apps.get(token);
      if (app) return app;
      const { promise, resolve } = Promise.withResolvers<unknown>();
      this.#arrivals.addEventListener("arrival", resolve, { once: true });
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { refuse } of this.#apps.values()) refuse();
    await this.#server.drain(0);
  }

  async #hold(token: string): Promise<never> {
    const askedAtMs = performance.now();
    const held = Promise.withResolvers<void>();
    this.#apps.set(token, { token, askedAtMs, refuse: held.resolve });
    this.#arrivals.dispatchEvent(new Event("arrival"));
    await held.promise;
    throw new StatusError("PERMISSION_DENIED", "Invalid token.");
  }
}
