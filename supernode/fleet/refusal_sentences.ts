/**
 * What a person is told when the SuperLink refuses a SuperNode for good.
 *
 * @module
 */

import { ExitError } from "../../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../../terminal/exit_codes.ts";
import type { Refusal, RefusalKind } from "./refusal.ts";

/** Who was refused, and where. */
export interface RefusedNode {
  /** `HOST:PORT` of the SuperLink. */
  readonly superlink: string;
  readonly fingerprint: string;
  /** Whether the operator gave the key. */
  readonly ownKey: boolean;
}

type Sentences = (node: RefusedNode, words: string) => readonly [message: string, remedy: string];

/**
 * The end of a SuperNode that was not admitted. The exit code is 1, as for Flower's at the start;
 * also later, where Flower 1.25 ends with 0, so that a supervisor sees it.
 */
export function joinRefusedFinally({ kind, words }: Refusal, node: RefusedNode): ExitError {
  const [message, remedy] = SENTENCES[kind](node, words);
  return new ExitError(message, { remedy, flowerCode: FLOWER_EXIT_CODES.connectionNotInitialised });
}

/** The end of a SuperNode that was cut off while it was online. */
export function removedFromFleet({ words }: Refusal, superlink: string): ExitError {
  return new ExitError(
    `The SuperLink at ${superlink} does not admit this SuperNode any more: it was unregistered, ` +
      `or its key is refused (${words}).`,
    {
      remedy: "Ask who runs the SuperLink.",
      flowerCode: FLOWER_EXIT_CODES.connectionNotInitialised,
    },
  );
}

const other: Sentences = ({ superlink }, words) => [
  `The SuperLink at ${superlink} refused this SuperNode: ${words}`,
  "Its log may say more.",
];

const notActivated: Sentences = ({ superlink, fingerprint }) => [
  `The SuperLink at ${superlink} still does not activate the key ${fingerprint}.`,
  "Stop the other SuperNode that uses this key; each SuperNode needs a key of its own.",
];

const SENTENCES: Readonly<Record<RefusalKind, Sentences>> = {
  "managed-by-cli": ({ superlink }) => [
    `The SuperLink at ${superlink} admits only SuperNodes that were registered with the CLI.`,
    "Make a key pair with `trellis keys generate`, register its `.pub` file with `trellis " +
    "supernode register`, and start with --auth-supernode-private-key.",
  ],
  "unknown-key": ({ superlink, fingerprint, ownKey }) => [
    `The SuperLink at ${superlink} does not know the key ${fingerprint}: ` +
    "it was never registered there, or it was unregistered or replaced.",
    ownKey
      ? "Register its `.pub` file with `trellis supernode register`; a key that was unregistered " +
        "or replaced never comes back, so use another one then."
      : "Start the SuperNode again: it makes a new key each time.",
  ],
  "activation-failed": ({ superlink, fingerprint }) => [
    `The SuperLink at ${superlink} does not activate the key ${fingerprint}: it was never ` +
    "registered there, it was unregistered, or another SuperNode uses it.",
    "Look at `trellis supernode list`. Register the `.pub` file with `trellis supernode " +
    "register`, and give each SuperNode a key of its own.",
  ],
  "already-online": notActivated,
  clock: ({ superlink }) => [
    `The SuperLink at ${superlink} refuses the time of this machine ` +
    `(${new Date().toISOString().slice(0, 19)} UTC).`,
    "Set both clocks by NTP: this one may be 5 s ahead of the SuperLink's or 5 minutes behind it.",
  ],
  "no-fleet-api": ({ superlink }) => [
    `The server at ${superlink} has no Fleet API.`,
    "Check --superlink: the Fleet API of a SuperLink has port 9092 by default.",
  ],
  "key-in-use": other,
  "unknown-node": other,
  "shut-out": other,
  other,
};
