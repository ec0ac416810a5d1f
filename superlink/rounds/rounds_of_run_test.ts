import { assertEquals } from "@std/assert";
import { newRound } from "./round.ts";
import { RoundsOfRun } from "./rounds_of_run.ts";

Deno.test("RoundsOfRun gives training first, also when evaluation was restored before it", () => {
  const rounds = new RoundsOfRun();
  // In the order in which the database has them.
  for (const phase of ["evaluate", "train"]) {
    for (const number of [2, 1]) rounds.restore(phase, number, newRound());
  }
  const found = [...rounds.all()].map(({ phase, number }) => `${phase} ${number}`);
  assertEquals(found, ["train 1", "train 2", "evaluate 1", "evaluate 2"]);
  assertEquals([rounds.current?.phase, rounds.current?.number], ["evaluate", 2]);
});
