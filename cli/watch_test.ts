import { assertEquals } from "@std/assert";
import { recordingTerminal } from "./testing/recording_terminal.ts";
import { watch } from "./watch.ts";

Deno.test("watch shows it again until Ctrl-C, and what failed meanwhile", async () => {
  for (const isTerminal of [false, true]) {
    const terminal = recordingTerminal();
    const interrupt = new AbortController();
    const interrupts = () => ({ signal: interrupt.signal, [Symbol.dispose]() {} });
    let times = 0;
    const show = (shown: typeof terminal) => {
      times++;
      if (times === 2) {
        interrupt.abort();
        throw new Error("It is away.");
      }
      shown.print(`time ${times}`);
      return Promise.resolve(0);
    };
    const shown = watch((to) => show({ ...terminal, ...to }), terminal, {
      isTerminal,
      interrupts,
      periodMs: 1,
    });
    assertEquals(await shown, 0);
    assertEquals([times, terminal.stdout().includes("\x1b[2J")], [2, isTerminal]);
    assertEquals(
      terminal.stdout().startsWith(isTerminal ? "\x1b[H\x1b[2Jtime 1\n" : "time 1\n\n"),
      true,
    );
  }
});

Deno.test("watch ends when nobody reads it any more", async () => {
  const left = new AbortController();
  const terminal = { ...recordingTerminal(), unread: left.signal };
  const interrupts = () => ({ signal: new AbortController().signal, [Symbol.dispose]() {} });
  let times = 0;
  const show = () => {
    if (++times === 2) left.abort();
    return Promise.resolve(0);
  };
  assertEquals(await watch(show, terminal, { isTerminal: false, interrupts, periodMs: 1 }), 0);
  assertEquals(times, 2);
});

Deno.test("watch ends with the exit code when what is shown first says that it failed", async () => {
  const terminal = recordingTerminal();
  const interrupts = () => ({ signal: new AbortController().signal, [Symbol.dispose]() {} });
  const show = (to: typeof terminal) => {
    to.print('{"success": false}');
    return Promise.resolve(3);
  };
  const shown = watch((to) => show({ ...terminal, ...to }), terminal, {
    isTerminal: true,
    interrupts,
  });
  assertEquals([await shown, terminal.stdout()], [3, '{"success": false}\n']);
});
