/**
 * What every bench comes to: figures with a unit, beside Flower's where it has one, as JSON that the
 * next run is compared with.
 *
 * @module
 */

import { join } from "node:path";

/** One measured value. */
export interface Figure {
  /** What was measured, for people; the same in every run. */
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly better: "more" | "less";
  /** The same of Flower, from the same run, and which Flower. */
  readonly flower?: { readonly title: string; readonly value: number };
}

/** How something grows, for a plot with a logarithmic axis of what it grows with. */
export interface Curve {
  /** What grows, and its unit. */
  readonly title: string;
  /** What it grows with. */
  readonly across: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [across: number, value: number])[];
  }[];
}

/** What a bench came to. */
export interface Saved {
  readonly figures: readonly Figure[];
  readonly curves: readonly Curve[];
}

/** How many times as good ours is as Flower's; above 1 is better for ours. */
export function timesAsGood({ ours, better, flower }: Figure): number | undefined {
  if (!flower) return undefined;
  return better === "more" ? ours / flower.value : flower.value / ours;
}

/** Writes `<name>.json` in `folder`: the figures, curves, and all that was measured for them. */
export async function saveFigures(
  folder: string,
  name: string,
  figures: readonly Figure[],
  measured: unknown,
  curves: readonly Curve[] = [],
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const text = JSON.stringify({ figures, curves, measured }, undefined, 2);
  await Deno.writeTextFile(join(folder, `${name}.json`), text);
}

/** What an earlier run wrote to `<name>.json`; nothing when there is no such file. */
export async function savedFigures(folder: string, name: string): Promise<Saved> {
  let text: string;
  try {
    text = await Deno.readTextFile(join(folder, `${name}.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { figures: [], curves: [] };
    throw error;
  }
  const { figures = [], curves = [] }: Partial<Saved> = JSON.parse(text);
  return { figures, curves };
}
