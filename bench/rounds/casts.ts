/**
 * Who plays in the federations whose rounds are measured. The first is Flower's own; each one after
 * it has one more part of ours.
 *
 * @module
 */

import { flower, type Program, TRELLIS } from "../../tests/harness/programs.ts";

/** The release that is measured beside ours, and that runs Python apps. */
export const FLOWER_VERSION = "1.25.0";

/** One federation and the app that it runs. */
export interface Cast {
  /** Short, for the command line and JSON. */
  readonly name: string;
  readonly title: string;
  readonly superlink: Program;
  readonly supernode: Program;
  readonly app: "python" | "typescript";
}

const REAL = flower(FLOWER_VERSION);

const COLD = withFlag(TRELLIS.supernode, "--no-preload");

function withFlag(program: Program, flag: string): Program {
  return { ...program, title: `${program.title} ${flag}`, args: [...program.args, flag] };
}

export const CASTS: readonly Cast[] = [
  {
    name: "flower",
    title: `SuperLink (--database) and SuperNodes of Flower ${FLOWER_VERSION}, Python app`,
    superlink: REAL.superlink,
    supernode: REAL.supernode,
    app: "python",
  },
  {
    name: "superlink",
    title: `our SuperLink, SuperNodes of Flower ${FLOWER_VERSION}, Python app`,
    superlink: TRELLIS.superlink,
    supernode: REAL.supernode,
    app: "python",
  },
  {
    name: "cold",
    title: "our SuperLink and SuperNodes, Python app, a Python start for each message",
    superlink: TRELLIS.superlink,
    supernode: COLD,
    app: "python",
  },
  {
    name: "ours",
    title: "our SuperLink and SuperNodes, Python app, forked from a preload process",
    superlink: TRELLIS.superlink,
    supernode: TRELLIS.supernode,
    app: "python",
  },
  {
    name: "typescript",
    title: "our SuperLink and SuperNodes, the same app in TypeScript",
    superlink: TRELLIS.superlink,
    supernode: TRELLIS.supernode,
    app: "typescript",
  },
];
