/**
 * Tables in the look of Flower's: a heavy head, a line between rows, one blank beside each cell.
 *
 * @module
 */

import { type Paint, plain, type Style } from "./colour.ts";
import { displayWidth, pad, printable, wrapText } from "./display_width.ts";

/** A text and how it is shown. */
export interface Cell {
  readonly text: string;
  readonly styles?: readonly Style[];
}

/** A column. One that is kept whole is never wrapped: identifiers must survive a copy. */
export interface Column {
  readonly header: string;
  readonly keepWhole?: boolean;
}

/** How a table is drawn. */
export interface TableOptions {
  readonly paint?: Paint;
  /** Columns of the screen; wider tables have their cells wrapped. No limit without. */
  readonly maxWidth?: number | undefined;
  /** Centred above the table. */
  readonly title?: string;
}

/** Columns below this are of no use to a reader. */
const MIN_COLUMN_WIDTH = 8;

/** A table with a head. Each row has one cell for each column. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string {
  const { paint = plain, maxWidth, title } = options;
  const widths = fitWidths(columns, rows, maxWidth);
  const head = columns.map(({ header }, index) => wrapText(header, widths[index] ?? 0));
  const height = Math.max(...head.map((cell) => cell.length));
  const headLines = Array.from(
    { length: height },
    (_, line) =>
      join("┃", "┃", widths, (index, width) => {
        const cell = head[index] ?? [];
        const text = cell[line - (height - cell.length)] ?? "";
        return paint(pad(text, width, "centre"), "bold", "cyan");
      }),
  );
  const lines = [
    rule(widths, "┏━┳┓"),
    ...headLines,
    rule(widths, "┡━╇┩"),
    ...body(rows, widths, paint, rule(widths, "├─┼┤")),
    rule(widths, "└─┴┘"),
  ];
  if (title !== undefined) {
    const width = displayWidth(lines[0] ?? "");
    lines.unshift(pad(title, width, "centre").trimEnd());
  }
  return lines.join("\n");
}

/** Names and values side by side, without a head. */
export function renderSheet(
  rows: readonly (readonly [string, Cell])[],
  options: Pick<TableOptions, "paint"> = {},
): string {
  const cells = rows.map(([name, value]) => [{ text: name }, value]);
  const widths = fitWidths([{ header: "" }, { header: "" }], cells, undefined);
  return [
    rule(widths, "┌─┬┐"),
    ...body(cells, widths, options.paint ?? plain, undefined),
    rule(widths, "└─┴┘"),
  ].join("\n");
}

function body(
  rows: readonly (readonly Cell[])[],
  widths: readonly number[],
  paint: Paint,
  separator: string | undefined,
): string[] {
  return rows.flatMap((cells, row) => {
    const wrapped = cells.map(({ text }, index) => wrapText(printable(text), widths[index] ?? 0));
    const height = Math.max(1, ...wrapped.map((lines) => lines.length));
    const lines = Array.from(
      { length: height },
      (_, line) =>
        join("│", "│", widths, (index, width) => {
          const text = wrapped[index]?.[line] ?? "";
          const styled = paint(text, ...(cells[index]?.styles ?? []));
          return styled + " ".repeat(Math.max(0, width - displayWidth(text)));
        }),
    );
    return row > 0 && separator !== undefined ? [separator, ...lines] : lines;
  });
}

function join(
  edge: string,
  between: string,
  widths: readonly number[],
  cell: (index: number, width: number) => string,
): string {
  return `${edge} ${widths.map((width, index) => cell(index, width)).join(` ${between} `)} ${edge}`;
}

/** `signs` are the left end, the line, the crossing and the right end. */
function rule(widths: readonly number[], signs: string): string {
  const [left = "", line = "", crossing = "", right = ""] = signs;
  return left + widths.map((width) => line.repeat(width + 2)).join(crossing) + right;
}

function fitWidths(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  maxWidth: number | undefined,
): number[] {
  const widths = columns.map(({ header }, index) =>
    rows.reduce(
      (width, cells) => Math.max(width, displayWidth(printable(cells[index]?.text ?? ""))),
      displayWidth(header),
    )
  );
  if (maxWidth === undefined) return widths;
  let excess = widths.reduce((sum, width) => sum + width + 3, 1) - maxWidth;
  while (excess > 0) {
    const shrinkable = widths.map((width, index) =>
      columns[index]?.keepWhole || width <= MIN_COLUMN_WIDTH ? 0 : width
    );
    const widest = Math.max(...shrinkable);
    if (widest === 0) break;
    widths[shrinkable.indexOf(widest)] = widest - 1;
    excess--;
  }
  return widths;
}
