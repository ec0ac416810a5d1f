/**
 * How far a run is and how it does, read from what its ServerApp logs: the strategies of Flower and of
 * Trellis say the round that begins, and each round's aggregated metrics. No model is looked at.
 *
 * @module
 */

/** One metric over the rounds. */
export interface Series {
  /** What it is of: `train`, `evaluate` or `central evaluation`. */
  readonly phase: string;
  readonly name: string;
  readonly points: [round: number, value: number][];
}

/** What a log says. */
export interface Progress {
  readonly round: number;
  /** How many rounds there will be; unknown for strategies up to Flower 1.20, before their end. */
  readonly rounds: number | undefined;
  readonly series: readonly Series[];
}

/** What an app's log may make of memory. */
const SERIES_LIMIT = 40;
const POINTS_LIMIT = 5_000;
const LINE_LIMIT_CHARACTERS = 20_000;

// deno-lint-ignore no-control-regex
const COLOUR = /\u001b\[[\d;]*m/g;
const ROUND = /\[ROUND (\d{1,9})(?:\/(\d{1,9}))?\]/;
const FLOWER_PHASE = /\b(?:aggregate|configure)_(train|fit|evaluate)\b|\b(Global evaluation)\b/;
const FLOWER_METRICS = /(?:Aggregated |──> |results: )MetricRecord: ?(\{.*)|results: (\{.*)/;
const TRELLIS_METRICS = /^ {2}(train|evaluate|central evaluation): (.*)$/;
/** `'loss': 0.5`, as Python prints a dictionary, or `loss: 0.5`. */
const VALUE =
  /(?:'([^']{1,200})'|([^\s{},:']{1,200})): '?(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=[\s,}']|$)/gi;
const CENTRAL = "central evaluation";

/** Reads a log as it grows. */
export class ProgressReader {
  #rest = "";
  #round = 0;
  #rounds: number | undefined;
  #phase = "train";
  readonly #series = new Map<string, Series>();

  /** Reads what comes next; a line that is not at its end is read with what follows. */
  read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, LINE_LIMIT_CHARACTERS);
    for (const line of lines) this.#readLine(line.slice(0, LINE_LIMIT_CHARACTERS));
  }

  get progress(): Progress {
    return { round: this.#round, rounds: this.#rounds, series: [...this.#series.values()] };
  }

  #readLine(coloured: string): void {
    const line = coloured.replace(COLOUR, "").trimEnd();
    const round = ROUND.exec(line);
    if (round) {
      this.#round = Number(round[1]);
      if (round[2] !== undefined) this.#rounds = Number(round[2]);
      return;
    }
    const phase = FLOWER_PHASE.exec(line);
    if (phase) this.#phase = phase[2] ? CENTRAL : phase[1] === "fit" ? "train" : phase[1] ?? "";
    const ours = TRELLIS_METRICS.exec(line);
    if (ours) return this.#note(ours[1] ?? "", ours[2] ?? "");
    const flowers = FLOWER_METRICS.exec(line);
    const initial = line.includes("Initial global evaluation results");
    if (flowers) this.#note(initial ? CENTRAL : this.#phase, flowers[1] ?? flowers[2] ?? "");
  }

  #note(phase: string, text: string): void {
    for (const [, quoted, bare, value] of text.matchAll(VALUE)) {
      if (!Number.isFinite(Number(value))) continue;
      const name = quoted ?? bare ?? "";
      const key = `${phase}/${name}`;
      let series = this.#series.get(key);
      if (!series) {
        if (this.#series.size >= SERIES_LIMIT) return;
        series = { phase, name, points: [] };
        this.#series.set(key, series);
      }
      // A strategy that starts again begins with its first round.
      if ((series.points.at(-1)?.[0] ?? -1) >= this.#round) series.points.length = 0;
      if (series.points.length < POINTS_LIMIT) series.points.push([this.#round, Number(value)]);
    }
  }
}
