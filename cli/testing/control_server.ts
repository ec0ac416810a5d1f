import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Control as Control141 } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { httpHandler } from "../../wire/http/handler.ts";
import { HttpServer } from "../../wire/http/server.ts";
import { defineService, type IncomingCall, type Methods } from "../../wire/service.ts";
import { type RecordingTerminal, recordingTerminal } from "./recording_terminal.ts";
import { cliCommand } from "../main.ts";
import { describeFailure } from "../../terminal/failure.ts";

/** A SuperLink's Control API that answers as a test says, and an app that points to it. */
export interface ControlScene extends AsyncDisposable {
  readonly address: Address;
  /** A directory with a `pyproject.toml` whose federation `fed` is the server. */
  readonly app: string;
  /** Runs a command line of the CLI, as the program would. */
  run(...args: string[]): Promise<Outcome>;
}

/** How a command line ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ANYWHERE = { host: "127.0.0.1", port: 0 } as const;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** A SuperLink of Flower 1.25. */
export async function controlScene(
  methods: Methods<typeof Control, undefined>,
): Promise<ControlScene> {
  const server = new GrpcServer({ maxMessageBytes: MAX_MESSAGE_BYTES });
  server.add(defineService(Control, () => undefined, methods));
  return await sceneOf(await server.listen(ANYWHERE), server);
}

/** A SuperLink of Flower 1.41; `admitted` is told of the headers of each call. */
export async function controlScene141(
  methods: Methods<typeof Control141, undefined>,
  admitted: (call: IncomingCall) => void = () => {},
): Promise<ControlScene> {
  const service = defineService(Control141, (call) => void admitted(call), methods);
  const bindings = [{ service, maxMessageBytes: MAX_MESSAGE_BYTES }];
  const server = new HttpServer(httpHandler({ bindings }), undefined);
  return await sceneOf(server.listen(ANYWHERE), server);
}

async function sceneOf(
  address: Address,
  server: { drain(graceMs: number): Promise<void> },
): Promise<ControlScene> {
  const app = await Deno.makeTempDir({ prefix: "app" });
  await Deno.writeTextFile(
    `${app}/pyproject.toml`,
    `[tool.flwr.federations.fed]\naddress = "${formatAddress(address)}"\ninsecure = true\n`,
  );
  return {
    address,
    app,
    run: (...args) => runCli(args),
    async [Symbol.asyncDispose]() {
      await server.drain(1000);
      await Deno.remove(app, { recursive: true });
    },
  };
}

/** Runs a command line with a terminal that remembers, and turns errors into exit codes. */
export async function runCli(
  args: readonly string[],
  terminal: RecordingTerminal = recordingTerminal(),
): Promise<Outcome> {
  let code: number;
  try {
    code = await cliCommand(args, terminal);
  } catch (error) {
    const failure = describeFailure(error);
    terminal.say(failure.message);
    if (failure.remedy !== undefined) terminal.say(failure.remedy);
    code = failure.exitCode;
  }
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}
