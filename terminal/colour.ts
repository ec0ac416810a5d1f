/**
 * ANSI styles, applied only where a person sees them: on a terminal, unless `NO_COLOR` is set
 * (https://no-color.org) or the terminal knows no styles (`TERM=dumb`).
 *
 * @module
 */

const CODES = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  blue: 34,
  cyan: 36,
  brightBlack: 90,
  brightRed: 91,
  brightGreen: 92,
  brightYellow: 93,
  brightBlue: 94,
} as const;

/** The name of a style. */
export type Style = keyof typeof CODES;

/** Puts styles around a text, or leaves it plain. */
export type Paint = (text: string, ...styles: Style[]) => string;

/** The {@linkcode Paint} for a stream: plain unless it is a terminal and colours are wanted. */
export function paintFor(stream: { isTerminal(): boolean }): Paint {
  const wanted = stream.isTerminal() && !Deno.env.get("NO_COLOR") &&
    Deno.env.get("TERM") !== "dumb";
  return wanted ? colourful : plain;
}

/** Leaves the text as it is. */
export const plain: Paint = (text) => text;

/** Puts the escape sequences of the styles around the text. */
export const colourful: Paint = (text, ...styles) =>
  styles.length === 0 || text === ""
    ? text
    : `\x1b[${styles.map((style) => CODES[style]).join(";")}m${text}\x1b[0m`;
