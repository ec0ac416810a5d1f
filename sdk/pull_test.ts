import { assert, assertEquals, assertRejects } from "@std/assert";
import { MAX_CHUNK_BYTES } from "../records/deflate.ts";
import type { TreeEntry } from "../records/object_tree.ts";
import { pullObjects } from "./pull.ts";

/** Counts the pulls that are under way, which end one turn of the event loop after another. */
class SlowPulls {
  readonly pulled: string[] = [];
  #underWay = new Set<string>();
  /** The most at a time, of all and of those that this says. */
  most = 0;
  mostOf: Record<string, number> = {};

  readonly pull = async (objectId: string): Promise<Uint8Array> => {
    this.pulled.push(objectId);
    this.#underWay.add(objectId);
    const kind = objectId.replace(/\d+$/, "");
    const ofKind = [...this.#underWay].filter((id) => id.startsWith(kind)).length;
    this.most = Math.max(this.most, this.#underWay.size);
    this.mostOf[kind] = Math.max(this.mostOf[kind] ?? 0, ofKind);
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#underWay.delete(objectId);
    return new Uint8Array([objectId.length]);
  };
}

const entries = (kind: string, count: number, children: readonly string[] = []): TreeEntry[] =>
  Array.from({ length: count }, (_, index) => ({ objectId: `${kind}${index}`, children }));

Deno.test("what may be chunks of arrays is pulled with at most 64 MiB under way", async () => {
  const pulls = new SlowPulls();
  const contents = await pullObjects(entries("chunk", 100), pulls.pull);
  assertEquals(contents.size, 100);
  assertEquals(pulls.most, Math.floor(64 * 1024 ** 2 / MAX_CHUNK_BYTES));
});

Deno.test("what only names others is pulled beside that, 32 at a time", async () => {
  const pulls = new SlowPulls();
  const all = entries("name", 60, ["chunk0"]).flatMap((entry, index) => [
    entry,
    ...entries("chunk", 1).map(() => ({ objectId: `chunk${index}`, children: [] })),
  ]);
  await pullObjects(all, pulls.pull);
  assertEquals(pulls.pulled.length, 120);
  assert((pulls.mostOf["name"] ?? 0) > 8);
  assertEquals((pulls.mostOf["chunk"] ?? 0) <= 12, true);
  assert(pulls.most <= 32);
});

Deno.test("an object that several share is pulled once, and one that is gone is left out", async () => {
  const pulled: string[] = [];
  const contents = await pullObjects(
    [...entries("a", 3), ...entries("a", 3)],
    (objectId) => {
      pulled.push(objectId);
      return Promise.resolve(objectId === "a1" ? undefined : new Uint8Array(1));
    },
  );
  assertEquals(pulled, ["a0", "a1", "a2"]);
  assertEquals([...contents.keys()], ["a0", "a2"]);
});

Deno.test("a pull that fails ends the others", async () => {
  await assertRejects(
    () => pullObjects(entries("a", 3), () => Promise.reject(new TypeError("no flowers"))),
    TypeError,
    "no flowers",
  );
});
