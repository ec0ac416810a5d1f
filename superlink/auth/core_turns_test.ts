import { assertEquals, assertRejects } from "@std/assert";
import { CoreTurns } from "./core_turns.ts";

/** Pieces of work that end when they are told to, and how many of them run. */
class Work {
  readonly started: number[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];

  piece(number: number): () => Promise<number> {
    return async () => {
      this.started.push(number);
      await (this.#ends[number] = Promise.withResolvers<void>()).promise;
      return number;
    };
  }

  end(number: number): void {
    this.#ends[number]?.resolve();
  }

  fail(number: number): void {
    this.#ends[number]?.reject(new Error(`number ${number} failed`));
  }
}

Deno.test("Work has its turn when a core is free, first come first", async () => {
  const turns = new CoreTurns(2);
  const work = new Work();
  const results = [0, 1, 2, 3].map((number) => turns.run(work.piece(number)));
  assertEquals(work.started, [0, 1]);

  work.end(1);
  assertEquals(await results[1], 1);
  assertEquals(work.started, [0, 1, 2]);

  work.end(0);
  work.end(2);
  await Promise.all([results[0], results[2]]);
  assertEquals(work.started, [0, 1, 2, 3]);
  work.end(3);
  assertEquals(await results[3], 3);
});

Deno.test("Work that fails gives its turn to the next", async () => {
  const turns = new CoreTurns(1);
  const work = new Work();
  const failing = turns.run(work.piece(0));
  const next = turns.run(work.piece(1));
  work.fail(0);
  await assertRejects(() => failing, Error, "number 0 failed");
  assertEquals(work.started, [0, 1]);
  work.end(1);
  assertEquals(await next, 1);

  const later = turns.run(work.piece(2));
  assertEquals(work.started, [0, 1, 2]);
  work.end(2);
  await later;
});
