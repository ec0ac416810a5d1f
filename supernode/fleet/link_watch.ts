/**
 * What a person is told of the link to the SuperLink.
 *
 * @module
 */

import { ExitError } from "../../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../../terminal/exit_codes.ts";
import type { Log } from "../../terminal/log.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import { type ConnectionProblem, type ConnectionProblemKind } from "../../wire/diagnose.ts";
import { probePlaintext } from "../../wire/probe.ts";
import type { StatusError } from "../../wire/status.ts";
import type { TransportChoice } from "../../wire/transport.ts";
import type { Clock } from "../clock.ts";
import { readRefusal } from "./refusal.ts";
import type { RetryObserver } from "./retry.ts";

/** What the watch needs. */
export interface LinkWatchOptions {
  readonly superlink: Address;
  /** How the SuperLink is spoken to. */
  readonly transport: TransportChoice;
  /** Says why there is no connection, `undefined` if there could be one. */
  readonly diagnose: () => Promise<ConnectionProblem | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** While the link is down, the log says so this often. */
const REMINDER_MS = 60_000;
const PROBE_TIMEOUT_MS = 3_000;

/**
 * Logs that the link is lost, that it still is, and that it is back. Before the SuperLink was heard
 * for the first time, a fault that no wait heals (TLS on one side only, a certificate that is not
 * trusted) ends the program, as in Flower 1.26 and later; afterwards it may be a passing mishap.
 */
export class LinkWatch implements RetryObserver {
  readonly #options: LinkWatchOptions;
  readonly #name: string;
  #heard = false;
  #down: Down | undefined;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#name = `The SuperLink at ${formatAddress(options.superlink)}`;
  }

  /** Throws an `ExitError` when trying again is no use. */
  async failed(error: StatusError): Promise<void> {
    const { clock, diagnose, log } = this.#options;
    const nowMs = clock.nowMs();
    const refusal = readRefusal(error);
    const shutOut = refusal.kind === "shut-out";
    if (this.#down?.shutOut !== shutOut) {
      this.#down = { sinceMs: nowMs, tries: 0, ...this.#down, shutOut, toldMs: -Infinity };
    }
    this.#down.tries++;
    if (nowMs - this.#down.toldMs < REMINDER_MS) return;
    this.#down.toldMs = nowMs;
    if (shutOut) {
      this.#heard = true;
      const sentence = `${this.#name} answers: ${refusal.words} Waiting until it is let in again.`;
      log.warning("node.shut-out", sentence);
      return;
    }
    const problem = await diagnose();
    const remedy = problem ? REMEDIES[problem.kind] : undefined;
    if (problem && !this.#heard && await this.#isCertain(problem)) {
      throw new ExitError(problem.sentence, {
        flowerCode: FLOWER_EXIT_CODES.connectionNotInitialised,
        ...(remedy === undefined ? {} : { remedy }),
      });
    }
    const sentence = problem?.sentence ??
      `${this.#name} cannot serve now: ${withoutNoise(error.message)}.`;
    const lost = this.#heard ? "The link to the SuperLink is down." : "No SuperLink yet.";
    const parts = [lost, sentence, ...(remedy === undefined ? [] : [remedy]), "Trying again."];
    log.warning("link.down", parts.join(" "));
  }

  answered(): void {
    const { clock, log } = this.#options;
    this.#heard = true;
    if (!this.#down) return;
    const { sinceMs, tries, shutOut } = this.#down;
    this.#down = undefined;
    const seconds = ((clock.nowMs() - sinceMs) / 1000).toFixed(1);
    if (shutOut) {
      log.info("node.let-in", `${this.#name} lets this SuperNode in again.`);
      return;
    }
    log.info(
      "link.up",
      `${this.#name} answers, after ${seconds} s and ${tries} tries without an answer.`,
      { downSeconds: Number(seconds), tries },
    );
  }

  async #isCertain({ kind }: ConnectionProblem): Promise<boolean> {
    if (kind !== "wrong-protocol") return CERTAIN.has(kind);
    // A tunnel or a load balancer whose SuperLink is not there yet takes connections too; an answer
    // in HTTP/1 is certain.
    const { transport } = this.#options;
    return transport === "grpc" &&
      await probePlaintext(this.#options.superlink, PROBE_TIMEOUT_MS) === "http1";
  }
}

/** Since when nothing was answered but refusals that pass. */
interface Down {
  readonly sinceMs: number;
  toldMs: number;
  tries: number;
  /** The SuperLink answers, and refuses this node for now. */
  readonly shutOut: boolean;
}

/** What grpc-js says of a failed connection, without what it says of every one; no full stop. */
export function withoutNoise(message: string): string {
  const cause = /Last error: (?:Error: )?(.+?)\.? Resolution note:/.exec(message)?.[1];
  return (cause ?? message).replace(/\.$/, "");
}

const CERTAIN: ReadonlySet<ConnectionProblemKind> = new Set([
  "server-without-tls",
  "server-with-tls",
  "untrusted-certificate",
  "wrong-name",
  "certificate-not-valid-now",
]);

const REMEDIES: Readonly<Partial<Record<ConnectionProblemKind, string>>> = {
  "server-without-tls": "Start the SuperLink with its certificates; for development only, start " +
    "this SuperNode with --insecure.",
  "server-with-tls": "Start this SuperNode with --root-certificates and the CA file of the " +
    "SuperLink, and without --insecure.",
  "untrusted-certificate": "Give the CA file of the SuperLink with --root-certificates.",
  "wrong-name": "Use a name or address of its certificate for --superlink, or issue a " +
    "certificate that names it.",
  "certificate-not-valid-now":
    "Issue a new certificate for the SuperLink, and check the clock of this machine.",
  "wrong-protocol":
    "Check --superlink: the Fleet API of a SuperLink has port 9092 by default, and " +
    "8000 from Flower 1.40 on, where it is HTTP; --transport has to fit.",
};
