/**
 * The patterns of `.gitignore` files, as Flower applies them when it builds a FAB: each file is
 * judged by itself, and the last pattern that matches it or one of its folders decides.
 *
 * @module
 */

import { FabError } from "./fab_error.ts";

/** Whether a path, relative and with `/` between folders, is matched. */
export type PathFilter = (path: string) => boolean;

/** Compiles patterns into one filter. Throws {@linkcode FabError} for one that cannot be read. */
export function matchPatterns(patterns: readonly string[]): PathFilter {
  const rules = patterns.flatMap(parsePattern);
  return (path) => {
    const folders = path.split("/");
    const last = rules.findLast(({ segments, folderOnly }) =>
      matches(segments, folders, folderOnly)
    );
    return last !== undefined && !last.negated;
  };
}

/** The patterns in a `.gitignore` file; none if it is not UTF-8 text. */
export function readPatterns(content: Uint8Array): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return [];
  }
  return text.split(/[\n\r]/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** A folder, any number of folders, or a glob for one name. */
type Segment = "**" | RegExp;

interface Rule {
  readonly negated: boolean;
  readonly segments: readonly Segment[];
  /** The pattern ends in a slash: what it names must be a folder above the file. */
  readonly folderOnly: boolean;
}

function parsePattern(pattern: string): Rule[] {
  const negated = pattern.startsWith("!");
  const body = negated ? pattern.slice(1) : pattern;
  const parts = body.split("/");
  const folderOnly = parts.length > 1 && parts.at(-1) === "";
  if (folderOnly) parts.pop();
  const anchored = parts.length > 1;
  if (parts[0] === "") parts.shift();
  if (parts.length === 0) return [];
  const names = anchored ? parts : ["**", ...parts];
  const segments = names.map((part) => part === "**" ? part : globExpression(part, pattern));
  return [{ negated, segments, folderOnly }];
}

/**
 * Whether the pattern names the file or, because what is in an ignored folder is ignored, one of
 * the folders that it is in.
 */
function matches(
  segments: readonly Segment[],
  path: readonly string[],
  folderOnly: boolean,
): boolean {
  const [segment, ...rest] = segments;
  if (segment === undefined) return !folderOnly || path.length > 0;
  const [name, ...below] = path;
  if (segment === "**") {
    // At the end, `**` stands for what is in a folder, not for the folder.
    if (rest.length === 0) return path.length > (folderOnly ? 1 : 0);
    return matches(rest, path, folderOnly) ||
      name !== undefined && matches(segments, below, folderOnly);
  }
  return name !== undefined && segment.test(name) && matches(rest, below, folderOnly);
}

function globExpression(glob: string, pattern: string): RegExp {
  if (glob === "*") return /^.+$/su;
  let expression = "";
  for (let at = 0; at < glob.length;) {
    const token = /^(?:\*+|\?|\\[^]|\[[!^]?\]?[^\]]*\]|[^])/.exec(glob.slice(at))?.[0] ?? "";
    at += token.length;
    if (token === "\\") {
      throw new FabError(`The pattern "${pattern}" in .gitignore ends in a lone backslash.`);
    }
    expression += tokenExpression(token);
  }
  try {
    return new RegExp(`^${expression}$`, "s");
  } catch (cause) {
    throw new FabError(`The pattern "${pattern}" in .gitignore cannot be read.`, { cause });
  }
}

function tokenExpression(token: string): string {
  if (token.startsWith("*")) return ".*";
  if (token === "?") return ".";
  if (token.startsWith("\\")) return escapeSign(token.slice(1));
  const set = /^\[([!^]?)([^]+)\]$/.exec(token);
  if (set) return `[${set[1] ? "^" : ""}${(set[2] ?? "").replace(/[\\\][^]/g, "\\$&")}]`;
  return escapeSign(token);
}

function escapeSign(sign: string): string {
  return sign.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
