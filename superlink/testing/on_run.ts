import { AppClient } from "./app_client.ts";
import { assertNothingLeft } from "./leftovers.ts";
import { type Carried, instruction, type InstructionOptions } from "./test_messages.ts";
import { TestNode } from "./test_node.ts";
import {
  startTestSuperLink,
  type TestSuperLink,
  type TestSuperLinkOptions,
} from "./test_superlink.ts";

/** Shorter than a ServerApp may be silent after its start. */
const HEARTBEAT_S = 20;

/** A SuperLink with a run that is `running` and nodes that are online. */
export interface RunStage {
  readonly link: TestSuperLink;
  readonly app: AppClient;
  readonly runId: bigint;
  readonly token: string;
  readonly nodes: readonly TestNode[];
  /** Lets time pass in which the ServerApp is heard of, as one that waits for nodes is. */
  passTime(seconds: number): Promise<void>;
  /** An instruction of the run, not pushed yet; no two are the same. */
  instruct(node: TestNode, rest?: Partial<InstructionOptions>): Carried;
}

/** How a stage differs from one with a single node. */
export interface RunStageOptions extends TestSuperLinkOptions {
  readonly nodeCount?: number;
}

/** Sets a stage; the end of its `await using` block takes it down as it is. */
export async function runStage(
  { nodeCount = 1, ...options }: RunStageOptions = {},
): Promise<RunStage & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const link = stack.use(await startTestSuperLink(options));
  const app = stack.use(new AppClient(link));
  const nodes: TestNode[] = [];
  for (let index = 0; index < nodeCount; index++) {
    nodes.push(stack.use(await TestNode.join(link)));
  }
  const { runId, token } = await app.running();
  let count = 0;
  const instruct = (node: TestNode, rest: Partial<InstructionOptions> = {}) =>
    instruction({
      runId,
      nodeId: node.nodeId,
      nowMicros: link.clock.nowMicros(),
      groupId: String(count++),
      ...rest,
    });
  const passTime = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= HEARTBEAT_S) {
      link.clock.advance({ seconds: Math.min(left, HEARTBEAT_S) });
      const { success } = await app.call(app.method.sendAppHeartbeat, { token });
      if (!success) throw new Error("The ServerApp was silent for too long.");
    }
  };
  const down = stack.move();
  const dispose = () => down.disposeAsync();
  return { link, app, runId, token, nodes, passTime, instruct, [Symbol.asyncDispose]: dispose };
}

/**
 * Plays on a stage. Afterwards the run is ended, if it has not, and nothing of its messages may be
 * left, neither in the database nor among the blobs.
 */
export async function onRun(
  options: RunStageOptions,
  play: (stage: RunStage) => Promise<void>,
): Promise<void> {
  await using stage = await runStage(options);
  await play(stage);
  const { app, runId, link } = stage;
  if (!(await app.statusOf(runId)).startsWith("finished")) await app.finish(runId);
  await assertNothingLeft(link.database);
}
