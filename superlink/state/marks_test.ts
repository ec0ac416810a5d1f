import { assertEquals, assertRejects } from "@std/assert";
import { StatusError } from "../../wire/status.ts";
import { keys } from "./layout.ts";
import { AHEAD_MICROS, Marks } from "./marks.ts";

const NOW = 1_760_000_000_000_000;

async function withKv(test: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await test(kv);
  } finally {
    kv.close();
  }
}

/** Counts the commits, and can make them fail. */
function watched(kv: Deno.Kv) {
  const watch = { commits: 0, broken: false };
  const proxy = new Proxy(kv, {
    get(target, name) {
      if (name === "atomic") {
        watch.commits++;
        if (watch.broken) {
          const operation = {
            set: () => operation,
            commit: () => Promise.reject(new Error("full")),
          };
          return () => operation;
        }
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { watch, kv: proxy };
}

const markOf = async (kv: Deno.Kv, keyId: string) => (await kv.get<number>(keys.mark(keyId))).value;

Deno.test("Marks.cover() has a mark on disk when it comes back, ahead of the proof", () =>
  withKv(async (kv) => {
    const marks = new Marks(kv);
    await marks.cover("key", NOW);
    assertEquals(await markOf(kv, "key"), NOW + AHEAD_MICROS);
  }));

Deno.test("Marks.cover() writes once for all proofs of a key up to the mark", () =>
  withKv(async (plain) => {
    const { kv, watch } = watched(plain);
    const marks = new Marks(kv);
    for (let age = 0; age < 100; age++) await marks.cover("key", NOW + age * 20_000);
    assertEquals(watch.commits, 1);
    await marks.cover("key", NOW + AHEAD_MICROS);
    await marks.cover("key", NOW - 1_000_000_000);
    assertEquals(watch.commits, 1);
    await marks.cover("key", NOW + AHEAD_MICROS + 1);
    assertEquals(watch.commits, 2);
    assertEquals(await markOf(kv, "key"), NOW + 2 * AHEAD_MICROS + 1);
  }));

Deno.test("Marks.cover() shares commits between calls that come at once", () =>
  withKv(async (plain) => {
    const { kv, watch } = watched(plain);
    const marks = new Marks(kv);
    const calls = Array.from({ length: 2000 }, (_, n) => marks.cover(`key ${n}`, NOW + n));
    await Promise.all(calls);
    assertEquals(watch.commits, 4);
    for (const n of [0, 499, 500, 1999]) {
      assertEquals(await markOf(kv, `key ${n}`), NOW + n + AHEAD_MICROS);
    }
  }));

Deno.test("Marks.cover() covers the newest of proofs that come at once, in any order", () =>
  withKv(async (kv) => {
    const marks = new Marks(kv);
    const offsets = [3, 9, 1, 7].map((seconds) => NOW + seconds * 1_000_000);
    await Promise.all(offsets.map((timestamp) => marks.cover("key", timestamp)));
    assertEquals(await markOf(kv, "key"), NOW + 9_000_000 + AHEAD_MICROS);
  }));

Deno.test("Marks.before() gives what an earlier process left, until this one has written", () =>
  withKv(async (kv) => {
    await new Marks(kv).cover("key", NOW);
    const marks = new Marks(kv);
    assertEquals(await marks.before("other"), undefined);
    assertEquals(await marks.before("key"), NOW + AHEAD_MICROS);
    await marks.cover("key", NOW + 5_000_000);
    assertEquals(await marks.before("key"), undefined);
  }));

Deno.test("Marks.before() reads the disk again when a mark is behind the window", () =>
  withKv(async (kv) => {
    const marks = new Marks(kv);
    await marks.cover("key", NOW);
    marks.prune(NOW + AHEAD_MICROS);
    assertEquals(await marks.before("key"), undefined, "not behind yet");
    marks.prune(NOW + AHEAD_MICROS + 1);
    assertEquals(await marks.before("key"), NOW + AHEAD_MICROS);
  }));

Deno.test("Marks.cover() fails as UNAVAILABLE while the disk is full, and works again after", () =>
  withKv(async (plain) => {
    const { kv, watch } = watched(plain);
    const marks = new Marks(kv);
    watch.broken = true;
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await assertRejects(() => marks.cover("key", NOW), StatusError);
      assertEquals(error.status, "UNAVAILABLE");
    }
    watch.broken = false;
    await marks.cover("key", NOW);
    assertEquals(await markOf(kv, "key"), NOW + AHEAD_MICROS);
  }));

Deno.test("Marks.whileEnding() lets no call that is under way bring a deleted mark back", () =>
  withKv(async (kv) => {
    const marks = new Marks(kv);
    await marks.cover("key", NOW);
    const later = NOW + AHEAD_MICROS + 1;
    const underWay = [marks.cover("key", later), marks.cover("other", NOW)];
    const ending = marks.whileEnding("key", async () => {
      await kv.delete(keys.mark("key"));
    });
    const [refused, other] = await Promise.allSettled([...underWay, ending]);
    assertEquals([refused?.status, other?.status], ["rejected", "fulfilled"]);
    for (let prune = 0; prune < 2; prune++) {
      const error = await assertRejects(() => marks.cover("key", later), StatusError);
      assertEquals(error.status, "UNAVAILABLE");
      assertEquals(await markOf(kv, "key"), null);
      marks.prune(NOW);
    }
  }));

Deno.test("Marks.whileEnding() waits for a mark that is being written", () =>
  withKv(async (kv) => {
    const marks = new Marks(kv);
    const covered = marks.cover("key", NOW);
    await Promise.resolve();
    await Promise.resolve();
    await marks.whileEnding("key", async () => {
      await kv.delete(keys.mark("key"));
    });
    await covered;
    assertEquals(await markOf(kv, "key"), null);
  }));

Deno.test("Marks.whileEnding() covers on when the node could not be unregistered", () =>
  withKv(async (kv) => {
    const marks = new Marks(kv);
    const failing = marks.whileEnding("key", () => Promise.reject(new Error("full")));
    await assertRejects(() => failing, Error, "full");
    await marks.cover("key", NOW);
    assertEquals(await markOf(kv, "key"), NOW + AHEAD_MICROS);
  }));
