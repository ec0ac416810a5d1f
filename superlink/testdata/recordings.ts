import file from "./http-1.41.json" with { type: "json" };

/** A request and what Flower 1.41.0 answered. */
export interface Recording {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body_hex: string;
  readonly status: number;
  /** When it was, to the second. */
  readonly date: string;
  /** What the answer said, where that does not depend on what else had happened. */
  readonly answer?: unknown;
  readonly answer_hex?: string;
}

/** The requests, as their programs sent them. */
export const RECORDINGS: readonly Recording[] = file.recordings.map(
  ({ headers, ...recording }): Recording => ({
    ...recording,
    headers: Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  }),
);

/** The secret that SuperExec and SuperLink shared. */
export const SUPEREXEC_SECRET = new TextEncoder().encode(file.superexec_secret);
