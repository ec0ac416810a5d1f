/**
 * Texts in columns: how wide a terminal shows them, and what it must not be shown.
 *
 * @module
 */

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Scripts whose signs take two columns, and emoji. Box drawing and Latin take one. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/** The columns that a terminal gives to `text`. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return Array.from(graphemes.segment(text), ({ segment }) => signWidth(segment))
    .reduce((sum, width) => sum + width, 0);
}

/** `text` with blanks up to `width` columns, after it or on both sides. */
export function pad(text: string, width: number, align: "left" | "centre" = "left"): string {
  const missing = Math.max(0, width - displayWidth(text));
  const before = align === "left" ? 0 : Math.floor(missing / 2);
  return " ".repeat(before) + text + " ".repeat(missing - before);
}

/** Lines of at most `width` columns, broken at blanks where there are any. Nothing is cut off. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (displayWidth(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    for (const { segment } of graphemes.segment(word)) {
      if (line !== "" && displayWidth(line + segment) > width) {
        lines.push(line);
        line = "";
      }
      line += segment;
    }
  }
  return [...lines, line];
}

/** A peer's words in one line, without anything that could drive the terminal. */
export function printable(text: string): string {
  const oneLine = text.trimEnd().replace(/ *[\t\r\n][\t\r\n ]*/g, " ");
  return oneLine.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

function signWidth(sign: string): number {
  if (NO_WIDTH.test(sign)) return 0;
  return WIDE.test(sign) ? 2 : 1;
}
