import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { assert } from "@std/assert";
import type { TaskSeekers } from "../../apps/runtime/caller.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import { httpHandler } from "../../wire/http/handler.ts";
import { pathOf } from "../../wire/http/route.ts";
import { ClientApps } from "../apps/client_apps.ts";
import { clientAppServices } from "../apps/service.ts";
import { NodeRuns } from "../work/node_runs.ts";
import { ObjectStore } from "../work/object_store.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeSuperLink } from "./fake_superlink.ts";
import { makeInstruction, NODE_ID, RUN_ID } from "./messages.ts";

/** The largest request that it takes. */
export const MAX_MESSAGE_BYTES = 100_000;
const HOLD_MS = 5_000;
const TYPE = "application/protobuf";
/** What a SuperExec asks for. */
export const CLIENTAPPS = { supportedTaskTypes: ["flwr-serverapp", "flwr-clientapp"] };
const never = new AbortController().signal;

/** The answer to a call, or the HTTP status and the number of its error. */
export type Answered<O extends DescMessage> =
  | { readonly status: 200; readonly message: MessageShape<O> }
  | { readonly status: number; readonly message?: undefined; readonly code: number | undefined };

/** The services of a node that knows of two runs, with ClientApps that others start. */
export async function runtimeStage(
  { seekers = "anybody" }: { readonly seekers?: TaskSeekers } = {},
) {
  const objects = new ObjectStore(1e6);
  const logged = new LogLines();
  const apps = new ClientApps({
    objects,
    clock: new FakeClock(),
    log: logged.log,
    start: undefined,
  });
  const superlink = new FakeSuperLink();
  const runs = new NodeRuns(NODE_ID, new Map());
  for (const runId of [RUN_ID, RUN_ID + 1n]) await runs.learn(superlink.fleet, runId, never);
  const services = clientAppServices({
    apps,
    objects,
    runOf: (runId) => runs.get(runId),
    seekers,
    holdMs: HOLD_MS,
    log: logged.log,
  });
  const handler = httpHandler({
    bindings: [{ service: services.http, maxMessageBytes: MAX_MESSAGE_BYTES }],
  });
  /** Has a message handled whose objects are there. */
  const send = (value = 1n, runId = RUN_ID) => {
    const test = makeInstruction(value, runId);
    const { metadata: { messageId }, objects: entries } = test.instruction;
    objects.announce(runId, messageId, entries);
    for (const [id, content] of test.contents) objects.put(runId, id, content);
    return { test, ended: apps.handle(test.instruction, runs.get(runId)!) };
  };
  const post = async (path: string, body: BodyInit, headers: Record<string, string> = {}) => {
    const request = new Request(`http://node${path}`, {
      method: "POST",
      body,
      headers: { "content-type": TYPE, ...headers },
    });
    return await handler(request, "127.0.0.1:5");
  };
  const ask = async <I extends DescMessage, O extends DescMessage>(
    called: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    token = "",
    headers: Record<string, string> = {},
  ): Promise<Answered<O>> => {
    const body = new Uint8Array(toBinary(called.input, create(called.input, request)));
    const response = await post(pathOf(called), body, {
      ...headers,
      ...(token === "" ? {} : { "flwr-task-token": token }),
    });
    const bytes = await response.bytes();
    if (response.status === 200) return { status: 200, message: fromBinary(called.output, bytes) };
    const { code } = JSON.parse(new TextDecoder().decode(bytes));
    return { status: response.status, code };
  };
  const acquire = async () => {
    const { message } = await ask(Runtime.method.acquireTask, CLIENTAPPS);
    assert(message);
    return message;
  };
  const stop = () => apps.stop("The test is over.");
  return { apps, objects, runs, logged, services, send, post, ask, acquire, stop };
}
