import { format } from "node:util";

/** Takes what an app prints, piece by piece. */
export type Print = (stream: "stdout" | "stderr", text: string) => void;

/** Prints everything that `console` is told, so that it can be sent on as well as shown. */
export function mirrorConsole(target: Console, print: Print): void {
  const counts = new Map<string, number>();
  const timersMs = new Map<string, number>();
  let indent = "";

  const line = (stream: "stdout" | "stderr", args: readonly unknown[]) => {
    const text = format(...args);
    print(stream, `${indent}${text.replaceAll("\n", `\n${indent}`)}\n`);
  };
  const out = (...args: unknown[]) => line("stdout", args);
  const err = (...args: unknown[]) => line("stderr", args);
  const group = (...args: unknown[]) => {
    if (args.length > 0) out(...args);
    indent += "  ";
  };
  const elapsed = (label: string, more: readonly unknown[] = []) => {
    const startMs = timersMs.get(label);
    if (startMs === undefined) err(`The timer '${label}' was not started.`);
    else out(`${label}: ${(performance.now() - startMs).toFixed(3)} ms`, ...more);
  };

  Object.assign(target, {
    log: out,
    info: out,
    debug: out,
    dir: (value: unknown) => out(value),
    dirxml: out,
    table: (value: unknown) => out(value),
    warn: err,
    error: err,
    trace: (...args: unknown[]) => err("Trace:", ...args),
    assert: (condition?: boolean, ...args: unknown[]) => {
      if (!condition) err("Assertion failed", ...args);
    },
    group,
    groupCollapsed: group,
    groupEnd: () => {
      indent = indent.slice(2);
    },
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      out(`${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => counts.delete(label),
    time: (label = "default") => timersMs.set(label, performance.now()),
    timeLog: (label = "default", ...args: unknown[]) => elapsed(label, args),
    timeEnd: (label = "default") => {
      elapsed(label);
      timersMs.delete(label);
    },
  });
}
