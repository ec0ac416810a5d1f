import { create } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import { type ObjectTree, ObjectTreeSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { MAX_OBJECTS } from "./object_head.ts";
import { buildTree, postOrder } from "./object_tree.ts";
import { RecordError } from "./record_error.ts";

/** An object id from a short name. */
const id = (name: string) => name.padStart(64, "0");

const tree = (name: string, ...children: ObjectTree[]) =>
  create(ObjectTreeSchema, { objectId: id(name), children });

const shared = () => tree("a", tree("c1"), tree("c2"));

Deno.test("postOrder() lists children before parents and each id once", () => {
  assertEquals(postOrder(tree("e", shared(), tree("b", tree("c2"), tree("c3")), tree("d"))), [
    { objectId: id("c1"), children: [] },
    { objectId: id("c2"), children: [] },
    { objectId: id("a"), children: [id("c1"), id("c2")] },
    { objectId: id("c3"), children: [] },
    { objectId: id("b"), children: [id("c2"), id("c3")] },
    { objectId: id("d"), children: [] },
    { objectId: id("e"), children: [id("a"), id("b"), id("d")] },
  ]);
});

Deno.test("buildTree() writes out what objects share, as it was sent", () => {
  const sent = tree("e", tree("f1", shared()), tree("f2", shared()));
  const entries = new Map(postOrder(sent).map((entry) => [entry.objectId, entry.children]));
  assertEquals(buildTree(id("e"), (objectId) => entries.get(objectId) ?? []), sent);
});

const malformed: readonly [string, ObjectTree, string][] = [
  ["an empty id", create(ObjectTreeSchema), "not an object id"],
  ["an id in upper case", tree("A"), "not an object id"],
  ["an id deep inside that is none", tree("a", tree("b", tree("xyz"))), "xyz"],
  ["a child twice", tree("a", tree("b"), tree("b")), "twice"],
  ["two lists of children for one id", tree("a", shared(), tree("b", tree("a"))), "two lists"],
  [
    "the same children in another order",
    tree("e", tree("f1", shared()), tree("f2", tree("a", tree("c2"), tree("c1")))),
    "two lists",
  ],
  ["a loop", tree("a", tree("b", tree("a"))), "two lists"],
];

for (const [what, hostile, why] of malformed) {
  Deno.test(`postOrder() refuses ${what}`, () => {
    assertThrows(() => postOrder(hostile), RecordError, why);
  });
}

Deno.test("postOrder() refuses a tree that is very deep", () => {
  let deep = tree("0");
  for (let level = 1; level < 100_000; level++) deep = tree(level.toString(16), deep);
  assertThrows(() => postOrder(deep), RecordError, "16 objects deep");
});

Deno.test("buildTree() refuses a few objects that would make a tree without bound", () => {
  // A hundred objects on each of eight levels, each with all those of the next level as children.
  const childrenOf = (objectId: string) => {
    const level = Number(objectId.split("/")[0]) + 1;
    return Array.from({ length: level > 8 ? 0 : 100 }, (_, index) => `${level}/${index}`);
  };
  assertThrows(() => buildTree("0/0", childrenOf), RecordError, "too large");
});

Deno.test("buildTree() refuses loops, and sub-trees that are too deep where they come again", () => {
  assertThrows(() => buildTree("a", (objectId) => [objectId]), RecordError, "too deep");
  // Objects 10 to 1 each have the next as child, and so have f to a; a has 10, which was seen before.
  const chain = (objectId: string): string[] => {
    if (objectId === "root") return ["10", "f"];
    if (objectId === "a") return ["10"];
    const number = Number(objectId);
    if (number > 0) return number === 1 ? [] : [String(number - 1)];
    return [String.fromCharCode(objectId.charCodeAt(0) - 1)];
  };
  assertThrows(() => buildTree("root", chain), RecordError, "too deep");
});

Deno.test("postOrder() refuses a tree with too many nodes", () => {
  const leaves = Array.from({ length: 1000 }, (_, index) => tree(`c${index}`));
  const bush = (name: string) => create(ObjectTreeSchema, { objectId: id(name), children: leaves });
  const bushes = Array.from({ length: MAX_OBJECTS / 1000 }, (_, index) => bush(`b${index}`));
  assertThrows(() => postOrder(tree("a", ...bushes)), RecordError, `${MAX_OBJECTS} nodes`);
});
