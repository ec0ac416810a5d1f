import { assertEquals } from "@std/assert";
import { sendSignal, startProcess } from "./app_process.ts";

/** Keeps the event loop from turning, so that a process ends without that being noticed. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const sleeping = {
  program: Deno.execPath(),
  args: ["eval", "setTimeout(() => {}, 60_000)"],
  env: {},
};

Deno.test("A process that ends while it is being stopped is not signalled again", async () => {
  for (let round = 0; round < 50; round++) {
    const process = startProcess(sleeping);
    const stopped = process.stop(0);
    // The timer of SIGKILL and the end of the process are both due when the loop turns again.
    block(5);
    await stopped;
    assertEquals((await process.exited).success, false);
  }
});

Deno.test("A signal to a process that has ended does nothing", async () => {
  const child = new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" }).spawn();
  await child.status;
  sendSignal(child, "SIGKILL");
});
