/**
 * The log of a server: a line that a person can read, or one JSON object a line for a machine.
 *
 * Nothing secret may be passed in: keys are named by their fingerprint, and private keys, tokens
 * and signatures not at all.
 *
 * @module
 */

import { type Paint, paintFor, plain, type Style } from "./colour.ts";

/** How grave a line is. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** What a line is about, besides its sentence. Identifiers are strings, because they are 64 bits. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes log lines. `event` names the kind of line for machines, for example `node.joined`. */
export interface Log {
  debug(event: string, sentence: string, fields?: LogFields): void;
  info(event: string, sentence: string, fields?: LogFields): void;
  warning(event: string, sentence: string, fields?: LogFields): void;
  error(event: string, sentence: string, fields?: LogFields): void;
}

/** How lines are written. */
export interface LogOptions {
  readonly format: "text" | "json";
  /** Lines below this level are dropped. */
  readonly level?: LogLevel;
  /** Takes one line without its line end. */
  readonly write?: (line: string) => void;
  readonly paint?: Paint;
  readonly now?: () => Date;
}

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };
const STYLES: Readonly<Record<LogLevel, Style>> = {
  debug: "brightBlue",
  info: "brightGreen",
  warning: "brightYellow",
  error: "brightRed",
};
/** The width of Flower's level column. */
const LEVEL_WIDTH = 8;

/**
 * Makes a {@linkcode Log} that writes to stderr unless told otherwise. Where Deno exports what goes
 * through `console` as OTLP logs, lines go there, each with its level: then Deno prints those of
 * `debug` and `info` to stdout, or none (`OTEL_DENO_CONSOLE`).
 */
export function createLog(options: LogOptions): Log {
  const { format, level: lowest = "info", now = () => new Date() } = options;
  const exported = options.write === undefined && isConsoleExported();
  const paint = options.paint ?? (exported ? plain : paintFor(Deno.stderr));
  const write: (line: string, level: LogLevel) => void = options.write ??
    (exported ? toConsole : (line) => writeFully(encoder.encode(`${line}\n`)));
  const line = (level: LogLevel) => (event: string, sentence: string, fields: LogFields = {}) => {
    if (RANKS[level] < RANKS[lowest]) return;
    if (format === "json") {
      write(
        escaped(
          JSON.stringify({ time: now().toISOString(), level, event, message: sentence, ...fields }),
        ),
        level,
      );
      return;
    }
    const label = paint(level.toUpperCase().padEnd(LEVEL_WIDTH), STYLES[level]);
    const time = paint(now().toISOString().slice(11, 19), "brightBlack");
    write(`${label} ${time}  ${oneLine(sentence)}`, level);
  };
  return {
    debug: line("debug"),
    info: line("info"),
    warning: line("warning"),
    error: line("error"),
  };
}

/** Whether Deno's OpenTelemetry takes what goes through `console`. */
function isConsoleExported(): boolean {
  const on = Deno.env.get("OTEL_DENO");
  return (on === "true" || on === "1") && Deno.env.get("OTEL_DENO_CONSOLE") !== "ignore";
}

function toConsole(line: string, level: LogLevel): void {
  console[level === "warning" ? "warn" : level](line);
}

const encoder = new TextEncoder();

function writeFully(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += Deno.stderr.writeSync(bytes.subarray(written));
}

/** Whatever ends a line, drives a terminal, or turns the order of what stands in one around. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** JSON leaves most of it as it is, and people read it in terminals, too. */
function escaped(json: string): string {
  return json.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A peer's words must not be able to forge a line, or what it says. */
function oneLine(sentence: string): string {
  return sentence.replace(UNSAFE, (c) => c === "\n" ? " " : "\ufffd");
}
