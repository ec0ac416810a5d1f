import { UsageError } from "../terminal/errors.ts";

/** Labels by their keys. */
export type Labels = Readonly<Record<string, string>>;

/** Reads `key=value`; a key alone has an empty value. The SuperLink says what a key may be. */
export function readLabels(texts: readonly string[]): Labels {
  return Object.fromEntries(texts.map((text) => {
    const [key = "", ...value] = text.split("=");
    if (key === "") throw new UsageError(`"${text}" is no label.`, "Write key=value.");
    return [key, value.join("=")];
  }));
}

/** What is to become of labels. */
export interface LabelChanges {
  readonly set: Labels;
  readonly remove: readonly string[];
}

const CHANGE = /^[^=\s]+(?:=|-$)/;

/** Whether an argument is a change of a label, `key=value` or `key-`, and not the name of an app. */
export function isLabelChange(text: string): boolean {
  return CHANGE.test(text);
}

/** Reads changes: `key=value` sets a label, `key-` takes it away. */
export function readLabelChanges(texts: readonly string[]): LabelChanges {
  const set = texts.filter((text) => text.includes("="));
  const remove = texts.filter((text) => !text.includes("=")).map((text) => text.slice(0, -1));
  return { set: readLabels(set), remove };
}
