import type { TaskUsage } from "../../proto/gen/flwr1_41/proto/task_pb.ts";
import type { Log } from "../../terminal/log.ts";

/** Says in the log what an app used of others' services, which is for the operator to know. */
export function logTaskUsage(log: Log, run: bigint, usage: TaskUsage | undefined): void {
  const runId = String(run);
  const { inputTokens = 0n, outputTokens = 0n } = usage ?? {};
  const usageType = shortText(usage?.usageType);
  const provider = shortText(usage?.provider);
  const tokens = usage?.totalTokens ?? inputTokens + outputTokens;
  log.info("run.usage", `Run ${runId} used ${usageType} of ${provider}: ${tokens} tokens.`, {
    runId,
    usageType,
    provider,
    tokens: String(tokens),
  });
}

/** What an app calls a thing, for the log. */
function shortText(text = "", longest = 100): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`.toWellFormed();
}
