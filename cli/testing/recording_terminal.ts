import { plain } from "../../terminal/colour.ts";
import type { Terminal } from "../../terminal/terminal.ts";

/** A terminal that remembers what was written to it, without colours. */
export interface RecordingTerminal extends Terminal {
  stdout(): string;
  stderr(): string;
}

export function recordingTerminal(columns?: number): RecordingTerminal {
  let stdout = "";
  let stderr = "";
  return {
    print: (text) => void (stdout += `${text}\n`),
    write: (text) => void (stdout += text),
    say: (text) => void (stderr += `${text}\n`),
    ask: (text) => void (stderr += `${text}\n`),
    progress: () => {},
    paint: plain,
    paintTalk: plain,
    columns,
    unread: new AbortController().signal,
    stdout: () => stdout,
    stderr: () => stderr,
  };
}
