/**
 * What the processes of apps print.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Writes all of a text to an output of this process. */
export function writeText(stream: "stdout" | "stderr", text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let sent = 0; sent < bytes.length;) sent += Deno[stream].writeSync(bytes.subarray(sent));
  } catch (error) {
    // Nobody reads any more, which is no reason to end.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
