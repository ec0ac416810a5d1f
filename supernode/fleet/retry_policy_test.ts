import { assertEquals } from "@std/assert";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { backoffMs, isTransient } from "./retry_policy.ts";

Deno.test("backoffMs doubles from a second to 20 seconds, times a random factor", () => {
  const cases: [retry: number, random: number, ms: number][] = [
    [1, 1, 1_000],
    [2, 1, 2_000],
    [3, 1, 4_000],
    [4, 1, 8_000],
    [5, 1, 16_000],
    [6, 1, 20_000],
    [7, 1, 20_000],
    [100_000, 1, 20_000],
    [3, 0.25, 1_000],
    [6, 0, 0],
  ];
  for (const [retry, random, ms] of cases) assertEquals(backoffMs(retry, () => random), ms);
});

Deno.test("isTransient tells a broken line from a refusal", () => {
  const cases: [StatusName, string, boolean][] = [
    ["UNAVAILABLE", "No connection established.", true],
    ["UNAVAILABLE", "Sign again.", true],
    ["CANCELLED", "Cancelled on client", true],
    ["INTERNAL", "Received RST_STREAM with code 2 (Internal server error)", true],
    ["INTERNAL", "Received RST_STREAM with code 0 (Call ended without gRPC status)", false],
    ["INTERNAL", "Internal server error.", false],
    ["RESOURCE_EXHAUSTED", "Concurrent RPC limit exceeded!", true],
    ["RESOURCE_EXHAUSTED", "Received message larger than max (9 vs 4)", false],
    ["UNKNOWN", "Exception calling application: Node ID 5 not found", false],
    ["UNAUTHENTICATED", "Invalid signature", false],
    ["PERMISSION_DENIED", "Run is finished.", false],
    ["FAILED_PRECONDITION", "Public key already in use", false],
    ["DEADLINE_EXCEEDED", "Deadline exceeded", true],
    ["UNIMPLEMENTED", "Method not found!", false],
  ];
  for (const [status, message, transient] of cases) {
    assertEquals(isTransient(new StatusError(status, message)), transient, `${status} ${message}`);
  }
});
