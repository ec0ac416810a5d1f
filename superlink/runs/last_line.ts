/**
 * Why an app ended, as far as the end of its log tells.
 *
 * @module
 */

const MAX_CHARACTERS = 500;
/** What a ServerApp of Flower 1.25 says when its app raises a RuntimeError, and no more than that. */
const START_REFUSED = "Failed to start run.";
const RUNTIME_ERROR = "Flower 1.25 says so of an app that raises a RuntimeError, too.";

/**
 * The last line that says anything of the app itself, without colours and level. Flower's programs
 * end with some lines about their exit code and where to read about it, which are passed over.
 */
export function lastLine(log: string): string | undefined {
  // deno-lint-ignore no-control-regex
  const plain = log.replace(/\x1b\[[0-9;]*m/g, "");
  const farewell = plain.lastIndexOf("Exit Code: ");
  const isLast = farewell >= 0 && /\nFor more information, visit: \S+\s*$/.test(plain);
  const lines = plain.slice(0, isLast ? farewell : undefined).split("\n").map(withoutLevel);
  const line = lines.findLast((line) => line !== "");
  return line === START_REFUSED
    ? `${line} ${RUNTIME_ERROR}`
    : line?.slice(0, MAX_CHARACTERS).toWellFormed();
}

/** Without the level that a line of Flower's logger begins with: `ERROR :     `. */
function withoutLevel(line: string): string {
  return line.replace(/^(DEBUG|INFO|WARNING|ERROR|CRITICAL) *: */, "").trim();
}
