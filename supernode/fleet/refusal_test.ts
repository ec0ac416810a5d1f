import { assertEquals } from "@std/assert";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { readRefusal, type RefusalKind } from "./refusal.ts";

const json = (code: number, message: string) =>
  JSON.stringify({ code, public_message: message, public_details: null });

const CASES: [StatusName, details: string, RefusalKind, words?: string][] = [
  ["FAILED_PRECONDITION", "Public key already in use", "key-in-use"],
  ["FAILED_PRECONDITION", json(23, "Public key already in use."), "key-in-use"],
  [
    "FAILED_PRECONDITION",
    "SuperNode authentication is enabled. All SuperNodes must be registered via the CLI.",
    "managed-by-cli",
  ],
  ["FAILED_PRECONDITION", json(2001, "SuperNode authentication is enabled."), "managed-by-cli"],
  ["FAILED_PRECONDITION", "No SuperNode found with the given public key.", "unknown-key"],
  [
    "FAILED_PRECONDITION",
    "SuperNode with node ID 16875388061703453715 could not be activated.",
    "already-online",
  ],
  ["FAILED_PRECONDITION", json(2004, "Failed to activate SuperNode."), "activation-failed"],
  ["FAILED_PRECONDITION", json(2999, "Something new."), "other"],
  ["UNAUTHENTICATED", "Invalid timestamp", "clock"],
  ["UNAUTHENTICATED", "Invalid node ID", "unknown-node"],
  ["UNAUTHENTICATED", "Invalid signature", "other"],
  ["UNKNOWN", "Exception calling application: Node ID 5 not found", "unknown-node"],
  ["UNKNOWN", "Exception calling application: database is locked", "other"],
  ["UNIMPLEMENTED", "Method not found!", "no-fleet-api"],
  ["UNIMPLEMENTED", "", "no-fleet-api", "UNIMPLEMENTED"],
  ["PERMISSION_DENIED", "This SuperNode is suspended by the SuperLink's operator.", "shut-out"],
  ["UNAVAILABLE", "This SuperNode is suspended by the SuperLink's operator.", "shut-out"],
  ["PERMISSION_DENIED", "Run ID 5 is not running.", "other"],
  ["INTERNAL", "Public key already in use", "other"],
  // Details that only look like Flower's JSON are words.
  ["FAILED_PRECONDITION", "{No SuperNode found", "unknown-key"],
  ["FAILED_PRECONDITION", '{"code":"23","public_message":"x"}', "other"],
  ["FAILED_PRECONDITION", '{"code":23}', "other"],
  ["FAILED_PRECONDITION", "{}", "other"],
];

Deno.test("readRefusal reads the words of Flower to 1.32 and the codes of later versions", () => {
  for (const [status, details, kind, words] of CASES) {
    const refusal = readRefusal(new StatusError(status, details));
    assertEquals(refusal.kind, kind, details);
    if (words !== undefined) assertEquals(refusal.words, words);
  }
});

Deno.test("readRefusal shows the SuperLink's words without their wrapping", () => {
  const error = new StatusError("FAILED_PRECONDITION", json(2004, "Failed to activate SuperNode."));
  assertEquals(readRefusal(error).words, "Failed to activate SuperNode.");
});

Deno.test("readRefusal reads the codes of errors over HTTP", () => {
  const http = { status: 412, code: 2004, detail: "Failed to activate SuperNode." };
  const error = new StatusError("FAILED_PRECONDITION", http.detail, { http });
  assertEquals(readRefusal(error), { kind: "activation-failed", words: http.detail });
});

Deno.test("readRefusal takes a refused proof for different clocks when the answer's time says so", () => {
  const table: [aheadS: number, kind: RefusalKind][] = [
    [0, "other"],
    [4, "other"],
    [10, "clock"],
    [-250, "other"],
    [-310, "clock"],
  ];
  for (const [aheadS, kind] of table) {
    const answeredAtMs = Date.now() - aheadS * 1000;
    const http = { status: 401, detail: "Invalid SuperNode authentication", answeredAtMs };
    const error = new StatusError("UNAUTHENTICATED", http.detail, { http });
    assertEquals(readRefusal(error).kind, kind, `${aheadS} s ahead`);
  }
});
