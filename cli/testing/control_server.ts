import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { defineService, type Methods } from "../../wire/service.ts";
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

export async function controlScene(
  methods: Methods<typeof Control, undefined>,
): Promise<ControlScene> {
  const server = new GrpcServer({ maxMessageBytes: 64 * 1024 * 1024 });
  server.add(defineService(Control, () => undefined, methods));
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
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
