/** What every blob store promises: folders, Deno KV, and a cache in front of one. */

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { keys } from "../state/layout.ts";
import { type Blobs, FileBlobs } from "./blobs.ts";
import { CachedBlobs } from "./cached_blobs.ts";
import { KvBlobs } from "./kv_blobs.ts";
import { SharedReads } from "./shared_reads.ts";

const STORES: readonly [string, (kv: Deno.Kv, folder: string) => Blobs][] = [
  ["A folder", (_kv, folder) => new FileBlobs(folder)],
  ["A folder whose reads are shared", (_kv, folder) => new SharedReads(new FileBlobs(folder))],
  ["Deno KV", (kv) => new KvBlobs(kv)],
  ["A cache of Deno KV", (kv) => new CachedBlobs(new KvBlobs(kv), 1_000_000)],
];
const CHUNK_BYTES = 60_000;
/** Around the sizes of chunks, and of commits of chunks. */
const SIZES = [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 10 * CHUNK_BYTES, 25 * CHUNK_BYTES + 17];

async function onStore(
  make: (kv: Deno.Kv, folder: string) => Blobs,
  play: (blobs: Blobs, kv: Deno.Kv) => Promise<void>,
): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const folder = await Deno.makeTempDir();
  try {
    await play(make(kv, folder), kv);
  } finally {
    kv.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function bytesOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index * 31 % 251);
}

/** A store that notes what is read of it. */
function counted(stored: Blobs): { asked: string[]; counting: Blobs } {
  const asked: string[] = [];
  const counting: Blobs = {
    put: (...what) => stored.put(...what),
    get(space, name) {
      asked.push(name);
      return stored.get(space, name);
    },
    delete: (...what) => stored.delete(...what),
    deleteSpace: (space) => stored.deleteSpace(space),
    spaces: () => stored.spaces(),
  };
  return { asked, counting };
}

for (const [name, make] of STORES) {
  Deno.test(`${name} keeps bytes of every size`, () =>
    onStore(make, async (blobs) => {
      for (const size of SIZES) {
        await blobs.put("1", `size ${size}`, bytesOf(size));
        assertEquals(await blobs.get("1", `size ${size}`), bytesOf(size));
      }
      await blobs.put("1", "size 1", bytesOf(1));
      assertEquals(await blobs.get("1", "size 1"), bytesOf(1), "written twice");
      assertEquals(await blobs.get("2", "size 1"), undefined);
      assertEquals(await blobs.get("1", "size 2"), undefined);
    }));

  Deno.test(`${name} deletes bytes and spaces, and nothing else`, () =>
    onStore(make, async (blobs) => {
      for (const space of ["1", "10", "fabs"]) {
        for (const blob of ["a", "ab"]) await blobs.put(space, blob, bytesOf(70_000));
      }
      assertEquals((await blobs.spaces()).toSorted(), ["1", "10", "fabs"]);
      await blobs.delete("1", "a");
      await blobs.delete("1", "never written");
      assertEquals(await blobs.get("1", "a"), undefined);
      assertEquals(await blobs.get("1", "ab"), bytesOf(70_000));
      await blobs.deleteSpace("1");
      await blobs.deleteSpace("never written");
      assertEquals(await blobs.get("1", "ab"), undefined);
      assertEquals(await blobs.get("10", "a"), bytesOf(70_000));
      assertEquals((await blobs.spaces()).toSorted(), ["10", "fabs"]);
    }));
}

Deno.test("Bytes of which not all chunks were written are not there, and go with their space", () =>
  onStore((kv) => new KvBlobs(kv), async (blobs, kv) => {
    await kv.set(keys.chunk("1", "half", 0), bytesOf(10));
    assertEquals(await blobs.get("1", "half"), undefined);
    assertEquals(await blobs.spaces(), ["1"]);
    await blobs.put("1", "half", bytesOf(CHUNK_BYTES * 2));
    assertEquals(await blobs.get("1", "half"), bytesOf(CHUNK_BYTES * 2));
    await kv.delete(keys.chunk("1", "half", 1));
    assertEquals(await blobs.get("1", "half"), undefined, "a chunk is gone");
    await blobs.deleteSpace("1");
    assertEquals(await Array.fromAsync(kv.list({ prefix: [] })), []);
  }));

Deno.test("A cache asks for what it has not, keeps what is small, and stays within its bounds", () =>
  onStore((kv) => new KvBlobs(kv), async (stored) => {
    const { asked, counting } = counted(stored);
    const cache = new CachedBlobs(counting, 100);
    for (const name of ["a", "b", "c", "d", "e"]) await cache.put("1", name, bytesOf(25));
    assertEquals(cache.sizeBytes, 100);
    await cache.get("1", "b");
    assertEquals(asked, []);
    await cache.get("1", "a");
    assertEquals([asked, cache.sizeBytes], [["a"], 100]);
    await cache.get("1", "c");
    assertEquals(asked, ["a", "c"], "the least recently used one went");
    await cache.put("1", "large", bytesOf(26));
    assertEquals(cache.sizeBytes, 100);
    await cache.deleteSpace("1");
    assertEquals([cache.sizeBytes, await cache.get("1", "a")], [0, undefined]);
  }));

Deno.test("What is being read or in use is read once for all who ask, and again once it was deleted", () =>
  onStore((_kv, folder) => new FileBlobs(folder), async (stored) => {
    const { asked, counting } = counted(stored);
    const shared = new SharedReads(counting);
    await shared.put("1", "a", bytesOf(70_000));
    const [one, two] = await Promise.all([shared.get("1", "a"), shared.get("1", "a")]);
    const three = await shared.get("1", "a");
    assertStrictEquals(one, two);
    assertStrictEquals(one, three);
    assertEquals(asked, ["a"]);
    for (const remove of [() => shared.delete("1", "a"), () => shared.deleteSpace("1")]) {
      const reading = shared.get("1", "a");
      await remove();
      await reading;
      assertEquals(await shared.get("1", "a"), undefined);
      await shared.put("1", "a", bytesOf(70_000));
      assertEquals(await shared.get("1", "a"), bytesOf(70_000));
    }
  }));

Deno.test("A read that failed is begun anew by whoever asks next", () =>
  onStore((_kv, folder) => new FileBlobs(folder), async (stored) => {
    await stored.put("1", "a", bytesOf(10));
    let fails = true;
    const { counting } = counted(stored);
    const shared = new SharedReads({
      ...counting,
      get: (...what) => fails ? Promise.reject(new Error("no disk")) : counting.get(...what),
    });
    await assertRejects(() => shared.get("1", "a"), Error, "no disk");
    fails = false;
    assertEquals(await shared.get("1", "a"), bytesOf(10));
  }));
