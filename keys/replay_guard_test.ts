import { assertEquals } from "@std/assert";
import { ReplayGuard } from "./replay_guard.ts";

const SECOND = 1_000_000;
const WINDOW = 305 * SECOND;
const NOW = 1_760_000_000 * SECOND;
const N384 = BigInt(
  "0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
);

Deno.test("ReplayGuard accepts a proof once", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW });
  assertEquals(guard.accept("key", true, NOW, 12345n), "fresh");
  assertEquals(guard.accept("key", true, NOW, 12345n), "seen");
  assertEquals(guard.size, 1);
});

Deno.test("ReplayGuard accepts two proofs of one timestamp, and the same r for another key", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW });
  assertEquals(guard.accept("key", true, NOW, 1n), "fresh");
  assertEquals(guard.accept("key", true, NOW, 2n), "fresh");
  assertEquals(guard.accept("other", true, NOW, 1n), "fresh");
  assertEquals(guard.accept("key", true, NOW, 2n), "seen");
  assertEquals(guard.accept("key", true, NOW, 1n), "seen");
});

Deno.test("ReplayGuard finds proofs that arrived out of order", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW });
  const offsets = [5, 1, 9, 3, 3, 7, 0, 2, 8, 4, 6, 11, 10];
  offsets.forEach((offset, index) =>
    assertEquals(guard.accept("key", true, NOW + offset, BigInt(index) << 3n), "fresh")
  );
  offsets.forEach((offset, index) =>
    assertEquals(guard.accept("key", true, NOW + offset, BigInt(index) << 3n), "seen")
  );
});

Deno.test("ReplayGuard raises a key's mark past the oldest when its share is full", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW, shareLimit: 3 });
  for (const offset of [0, 1, 2, 3]) {
    assertEquals(guard.accept("key", true, NOW + offset, BigInt(offset)), "fresh");
  }
  assertEquals(guard.size, 3);
  assertEquals(guard.accept("key", true, NOW, 0n), "too-old", "pushed out, and not forgotten");
  assertEquals(guard.accept("key", true, NOW, 77n), "too-old", "at the mark");
  assertEquals(guard.accept("key", true, NOW + 1, 1n), "seen", "still remembered");
  assertEquals(guard.accept("key", true, NOW + 4, 4n), "fresh");
  assertEquals(guard.accept("other", true, NOW, 0n), "fresh", "another key has its own share");
});

Deno.test("ReplayGuard judges nothing at or below the mark on disk, or the floor of a lost state", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW, floorMicros: NOW });
  assertEquals(guard.accept("key", true, NOW, 1n), "too-old");
  assertEquals(guard.accept("key", true, NOW + 5, 2n, NOW + 5), "too-old");
  assertEquals(guard.accept("key", true, NOW + 6, 2n, NOW + 5), "fresh");
  assertEquals(guard.accept("key", true, NOW + 6, 2n, NOW + 5), "seen");
});

Deno.test("ReplayGuard remembers a stranger's proofs when its key is registered", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW });
  assertEquals(guard.accept("key", false, NOW, 1n), "fresh");
  assertEquals(guard.accept("key", true, NOW, 1n), "seen");
});

Deno.test("ReplayGuard.adopt() keeps the proof by which a key came to own a node from being used again", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW, strangerLimit: 1 });
  assertEquals(guard.accept("key", false, NOW, 1n), "fresh");
  assertEquals(guard.accept("other", false, NOW, 1n), "fresh", "and the first is pushed out");
  guard.adopt("key", NOW);
  assertEquals(guard.accept("key", true, NOW, 1n), "too-old");
  assertEquals(guard.accept("key", true, NOW - 1, 2n), "too-old");
  assertEquals(guard.accept("key", true, NOW + 1, 3n), "fresh");
});

Deno.test("ReplayGuard.adopt() keeps what was seen of a stranger", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW });
  assertEquals(guard.accept("key", false, NOW, 1n), "fresh");
  assertEquals(guard.accept("key", false, NOW + 1, 2n), "fresh");
  guard.adopt("key", NOW);
  assertEquals(guard.accept("key", true, NOW + 1, 2n), "seen");
});

Deno.test("ReplayGuard bounds what strangers can make it remember", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW, strangerLimit: 10 });
  for (let key = 0; key < 100; key++) {
    for (let proof = 0; proof < 100; proof++) {
      guard.accept(`key${key}`, false, NOW + proof, BigInt(proof));
    }
  }
  assertEquals(guard.size, 160);
});

Deno.test("ReplayGuard lets go of proofs that have left the window, and of nothing else", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW });
  guard.accept("key", true, NOW, 1n);
  guard.accept("key", true, NOW + 100 * SECOND, 2n);
  guard.prune(NOW + WINDOW + SECOND);
  assertEquals(guard.size, 1);
  assertEquals(guard.accept("key", true, NOW + 100 * SECOND, 2n), "seen");
  guard.prune(NOW + 3 * WINDOW);
  assertEquals(guard.size, 0);
});

Deno.test("ReplayGuard agrees with a plain set over a long random history", () => {
  const guard = new ReplayGuard({ windowMicros: WINDOW, shareLimit: 10_000 });
  const seen = new Set<string>();
  let state = 42;
  const random = (n: number) => (state = (state * 1103515245 + 12345) % 2147483648) % n;
  for (let step = 0; step < 5_000; step++) {
    const timestamp = NOW + random(400);
    const r = BigInt(random(6)) * (N384 / 7n);
    const id = `${timestamp}/${r}`;
    assertEquals(guard.accept("key", true, timestamp, r), seen.has(id) ? "seen" : "fresh", id);
    seen.add(id);
  }
});
