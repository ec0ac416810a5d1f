/**
 * What an operator says of a node, and the limits of it. Texts are cleaned of what could drive a
 * terminal or turn a line around, because lists show them.
 *
 * @module
 */

import { StatusError } from "../../wire/status.ts";

/** The longest name, label and number of labels, in characters; a row must fit a Deno KV value. */
export const MAX_NAME_CHARACTERS = 128;
export const MAX_LABEL_KEY_CHARACTERS = 63;
export const MAX_LABEL_VALUE_CHARACTERS = 256;
export const MAX_LABELS = 32;

/** Labels of a node, by their keys. */
export type Labels = Readonly<Record<string, string>>;

const LABEL_KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$/;

/** A name as it is kept. Throws `INVALID_ARGUMENT` when it is too long. */
export function cleanName(text: string): string {
  const name = cleanText(text);
  requireLength(name, MAX_NAME_CHARACTERS, "A name");
  return name;
}

/**
 * Labels as they are kept, in the order of their keys. Throws `INVALID_ARGUMENT` for too many, a key
 * of other signs and what is too long.
 */
export function cleanLabels(labels: Labels): Labels {
  const entries = Object.entries(labels).map(([key, value]) => {
    requireLabelKey(key);
    const clean = cleanText(value);
    requireLength(clean, MAX_LABEL_VALUE_CHARACTERS, `The value of the label "${key}"`);
    return [key, clean] as const;
  });
  if (entries.length > MAX_LABELS) {
    throw invalid(`A SuperNode has at most ${MAX_LABELS} labels, not ${entries.length}.`);
  }
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

const LOCATION = /^\s*([+-]?\d{1,20}(?:\.\d{1,20})?)\s*,\s*([+-]?\d{1,20}(?:\.\d{1,20})?)\s*$/;

/** What is wrong with a location, if anything is: latitude and longitude in decimal degrees. */
export function locationFault(location: string): string | undefined {
  const match = LOCATION.exec(location);
  if (!match) return "Location must be two decimal numbers: latitude,longitude.";
  if (Math.abs(Number(match[1])) <= 90 && Math.abs(Number(match[2])) <= 180) return undefined;
  return "Latitude must be between -90 and 90 and longitude must be between -180 and 180.";
}

/** Throws `INVALID_ARGUMENT` for a location that is none; none at all is well. */
export function requireLocation(location: string): void {
  const fault = location === "" ? undefined : locationFault(location);
  if (fault !== undefined) throw invalid(fault);
}

/** One line in the composed form of Unicode, without signs that are no text. */
function cleanText(text: string): string {
  return text.normalize("NFC").replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, "").trim();
}

function requireLabelKey(key: string): void {
  if (key.length > MAX_LABEL_KEY_CHARACTERS) {
    throw invalid(
      `The label "${shortened(key)}" has ${key.length} characters; it may have ` +
        `${MAX_LABEL_KEY_CHARACTERS}.`,
    );
  }
  if (LABEL_KEY.test(key)) return;
  throw invalid(
    `"${cleanText(key)}" is no label: one has letters, digits and . _ - / between them.`,
  );
}

function requireLength(text: string, max: number, what: string): void {
  const { length } = Array.from(text);
  if (length > max) throw invalid(`${what} may have ${max} characters, not ${length}.`);
}

function shortened(text: string): string {
  return `${cleanText(text).slice(0, 20)}…`;
}

function invalid(sentence: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", sentence);
}
