/**
 * What an app process that is kept says to the program that started it, in between what its apps
 * print. Apps can print what looks like it, so a report is a hint about their own process only.
 *
 * @module
 */

/** What became of the token that was handed over last. */
export type ProcessReport =
  /** It was read, and is used from now on. */
  | { readonly kind: "taken" }
  /** Its app has ended, and the process waits for another one. */
  | { readonly kind: "done"; readonly exitCode: number };

/** A control character that no text needs begins a report; the line's end ends it. */
const START = "\x1e";
const REPORT = /^(taken|done (\d{1,3}))$/;
const MAX_CHARACTERS = 16;

/** A report as it is printed. */
export function formatReport(report: ProcessReport): string {
  return `${START}${report.kind === "done" ? `done ${report.exitCode}` : report.kind}\n`;
}

/** Takes reports out of what a process prints. */
export class ReportReader {
  readonly #print: (text: string) => void;
  readonly #report: (report: ProcessReport) => void;
  /** What may be the beginning of a report. */
  #begun = "";

  constructor(print: (text: string) => void, report: (report: ProcessReport) => void) {
    this.#print = print;
    this.#report = report;
  }

  /** Takes the next piece. */
  take(text: string): void {
    let rest = this.#begun + text;
    this.#begun = "";
    for (;;) {
      const start = rest.indexOf(START);
      if (start < 0) return this.#show(rest);
      this.#show(rest.slice(0, start));
      rest = rest.slice(start);
      const end = rest.indexOf("\n");
      if (end < 0 && rest.length <= MAX_CHARACTERS) {
        this.#begun = rest;
        return;
      }
      const report = end < 0 ? undefined : parseReport(rest.slice(START.length, end));
      if (report) this.#report(report);
      else this.#show(START);
      rest = rest.slice(report ? end + 1 : START.length);
    }
  }

  /** Shows what turned out to be none. */
  end(): void {
    this.#show(this.#begun);
    this.#begun = "";
  }

  #show(text: string): void {
    if (text !== "") this.#print(text);
  }
}

function parseReport(text: string): ProcessReport | undefined {
  const [, kind, exitCode] = REPORT.exec(text) ?? [];
  if (kind === undefined) return undefined;
  return exitCode === undefined ? { kind: "taken" } : { kind: "done", exitCode: Number(exitCode) };
}
