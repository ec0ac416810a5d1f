import { assertEquals } from "@std/assert";
import { parseWorkerMessage } from "./worker_message.ts";

const bytes = new Uint8Array([1]);
const envelope = { message: bytes, tree: bytes };
const object = { objectId: "a", content: bytes };

const accepted: unknown[] = [
  { kind: "ready", protocol: 1 },
  { kind: "loaded" },
  { kind: "log", stream: "stderr", text: "x" },
  { kind: "finished", context: bytes },
  { kind: "failed", stage: "load", name: "E", message: "m", stack: "s", context: undefined },
  { kind: "call", id: 1, method: "getNodeIds", request: null },
  { kind: "call", id: 1, method: "pushMessages", request: [envelope] },
  { kind: "call", id: 1, method: "pushMessages", request: [envelope], carried: [object] },
  { kind: "call", id: 1, method: "pushObject", request: { objectId: "a", content: bytes } },
  { kind: "call", id: 1, method: "pullMessages", request: ["a", "b"] },
  { kind: "call", id: 1, method: "pullObject", request: "a" },
  { kind: "call", id: 1, method: "confirmMessage", request: "a" },
];

Deno.test("parseWorkerMessage() reads what the protocol has", () => {
  for (const data of accepted) assertEquals<unknown>(parseWorkerMessage(data), data);
});

Deno.test("parseWorkerMessage() leaves out what the protocol does not have", () => {
  assertEquals<unknown>(parseWorkerMessage({ kind: "loaded", token: "x" }), { kind: "loaded" });
  assertEquals<unknown>(parseWorkerMessage({ kind: "log", stream: "/etc/passwd", text: "x" }), {
    kind: "log",
    stream: "stdout",
    text: "x",
  });
});

const refused: unknown[] = [
  undefined,
  null,
  1,
  "ready",
  [],
  {},
  { kind: "start" },
  { kind: "ready" },
  { kind: "ready", protocol: "1" },
  { kind: "log", stream: "stdout" },
  { kind: "log", text: 1 },
  { kind: "finished" },
  { kind: "finished", context: "bytes" },
  { kind: "failed", stage: "run", name: "E", message: "m" },
  { kind: "call", method: "getNodeIds" },
  { kind: "call", id: "1", method: "getNodeIds" },
  { kind: "call", id: 1, method: "toString" },
  { kind: "call", id: 1, method: "pushMessages", request: [{ message: bytes }] },
  { kind: "call", id: 1, method: "pushMessages", request: envelope },
  { kind: "call", id: 1, method: "pushObject", request: { objectId: 1, content: bytes } },
  { kind: "call", id: 1, method: "pushObject", request: { objectId: "a", content: [1] } },
  { kind: "call", id: 1, method: "pushObject", request: null },
  { kind: "call", id: 1, method: "pullMessages", request: [1] },
  { kind: "call", id: 1, method: "pullMessages", request: "a" },
  { kind: "call", id: 1, method: "pullObject", request: 1 },
  { kind: "call", id: 1, method: "confirmMessage" },
];

Deno.test("parseWorkerMessage() refuses everything else", () => {
  for (const data of refused) assertEquals(parseWorkerMessage(data), undefined, String(data));
});
