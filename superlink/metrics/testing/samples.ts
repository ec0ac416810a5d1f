import { fail } from "@std/assert";

/**
 * The samples of Prometheus' text format (0.0.4) by their names and labels as they are written. Fails
 * on what is not of the format, and on a sample whose metric was not declared before it.
 */
export function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ")) continue;
    const [, typed, type] = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (typed !== undefined && type !== undefined) {
      if (types.has(typed)) fail(`${typed} is declared twice.`);
      types.set(typed, type);
      continue;
    }
    const [, name = "", labels = "", value] =
      /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+)$/.exec(line) ??
        fail(`Not a sample: ${line}`);
    const declared = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ""));
    if (declared === undefined) fail(`${name} is not declared.`);
    if (samples.has(name + labels)) fail(`${name}${labels} is there twice.`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}
