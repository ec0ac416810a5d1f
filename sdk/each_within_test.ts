import { assertEquals, assertRejects } from "@std/assert";
import { eachWithin } from "./each_within.ts";

/** Calls that end when they are told to. */
class Calls {
  readonly started: number[] = [];
  readonly #ends = new Map<number, PromiseWithResolvers<void>>();

  readonly call = (item: number): Promise<void> => {
    this.started.push(item);
    const end = Promise.withResolvers<void>();
    this.#ends.set(item, end);
    return end.promise;
  };

  async end(item: number, error?: Error): Promise<void> {
    const end = this.#ends.get(item);
    if (error === undefined) end?.resolve();
    else end?.reject(error);
    // Lets what waits for it go on.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("eachWithin() has no more calls under way than told", async () => {
  const calls = new Calls();
  const all = eachWithin({ count: 2 }, [1, 2, 3, 4], calls.call);
  assertEquals(calls.started, [1, 2]);
  await calls.end(2);
  assertEquals(calls.started, [1, 2, 3]);
  await calls.end(1);
  assertEquals(calls.started, [1, 2, 3, 4]);
  await calls.end(3);
  await calls.end(4);
  await all;
});

Deno.test("eachWithin() keeps to the weight, and lets what is heavier go alone", async () => {
  const calls = new Calls();
  const limits = { count: 10, weight: 5, weightOf: (item: number) => item };
  const all = eachWithin(limits, [2, 3, 9, 1], calls.call);
  assertEquals(calls.started, [2, 3]);
  await calls.end(2);
  assertEquals(calls.started, [2, 3]);
  await calls.end(3);
  assertEquals(calls.started, [2, 3, 9]);
  await calls.end(9);
  assertEquals(calls.started, [2, 3, 9, 1]);
  await calls.end(1);
  await all;
});

Deno.test("eachWithin() starts nothing more once a call has failed", async () => {
  const calls = new Calls();
  const all = eachWithin({ count: 2 }, [1, 2, 3], calls.call);
  const failed = assertRejects(() => all, Error, "broken");
  await calls.end(1, new Error("broken"));
  await failed;
  await calls.end(2);
  assertEquals(calls.started, [1, 2]);
});
