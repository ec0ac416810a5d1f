/**
 * The part of a list that somebody looks at: what matches, in an order, from one row to another. The
 * page shows lists of any length, and asks for no more of them than it shows.
 *
 * @module
 */

/** What of a list is asked for. */
export interface Wanted {
  /** Words that all have to be in a row. */
  readonly search: string;
  readonly sort: string;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

/** A part of a list. */
export interface Window<Row> {
  readonly rows: readonly Row[];
  /** How many match. */
  readonly total: number;
}

/** What is compared: a row's value in a column. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => string | number | undefined>>;

const MAX_ROWS = 200;

/** Reads what is asked for from a query; what makes no sense is the default. */
export function wantedOf(query: URLSearchParams): Wanted {
  return {
    search: (query.get("search") ?? "").slice(0, 200),
    sort: query.get("sort") ?? "",
    descending: query.get("descending") === "true",
    offset: wholeNumber(query.get("offset"), 0),
    limit: Math.min(wholeNumber(query.get("limit"), MAX_ROWS), MAX_ROWS),
  };
}

/** The rows that are asked for. `textOf` is what is searched; without a known column the order stays. */
export function windowOf<Row>(
  rows: readonly Row[],
  { search, sort, descending, offset, limit }: Wanted,
  textOf: (row: Row) => string,
  columns: Columns<Row>,
): Window<Row> {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const matching = words.length === 0 ? [...rows] : rows.filter((row) => {
    const text = textOf(row).toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const column = Object.hasOwn(columns, sort) ? columns[sort] : undefined;
  if (column) {
    const sign = descending ? -1 : 1;
    const keyed = matching.map((row) => ({ row, key: column(row) }));
    keyed.sort((a, b) => compare(a.key, b.key, sign));
    matching.splice(0, matching.length, ...keyed.map(({ row }) => row));
  }
  return { rows: matching.slice(offset, offset + limit), total: matching.length };
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

/** What is not there comes last, in either direction. */
function compare(a: string | number | undefined, b: typeof a, sign: number): number {
  if (a === undefined || a === "") return b === undefined || b === "" ? 0 : 1;
  if (b === undefined || b === "") return -1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * COLLATOR.compare(String(a), String(b));
}

function wholeNumber(text: string | null, otherwise: number): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
}
