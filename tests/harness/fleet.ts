/**
 * A federation for runs: a SuperLink with authentication over TLS, and registered SuperNodes.
 *
 * @module
 */

import type { AppOptions } from "./app_flags.ts";
import { makeCli } from "./cli.ts";
import { makeCertificates, makeKeyPair } from "./credentials.ts";
import { FLOWER_VERSIONS } from "./flower_env.ts";
import { freePort } from "./ports.ts";
import type { RunningProcess } from "./process.ts";
import { type Program, TRELLIS } from "./programs.ts";
import type { Scene } from "./scene.ts";
import { startSuperLink, type SuperLink } from "./superlink.ts";
import { startSuperNode } from "./supernode.ts";

/** Who plays in a federation. */
export interface FleetOptions {
  readonly superlink: Program;
  /** As that of {@linkcode SuperLinkOptions}. */
  readonly database?: string;
  /** Each has the partition of its place in the list. */
  readonly supernodes: readonly Program[];
  /** Who starts ServerApps; the SuperLink by default. */
  readonly serverApps?: AppOptions;
  /** Who starts ClientApps; the SuperNodes by default. */
  readonly clientApps?: AppOptions;
}

/**
 * Where `flower-superlink` has its state when its own SuperNodes are to get every message: with a file
 * it loses one at times when two of them pull at once, and the run waits for it for ever (1.25.0).
 */
export const FLOWER_MEMORY = ":flwr-in-memory:";

/** A federation whose SuperNodes are on their way. */
export interface Fleet {
  readonly link: SuperLink;
  readonly nodes: readonly FleetNode[];
}

/** A SuperNode of a fleet. */
export interface FleetNode {
  readonly process: RunningProcess;
  /** Where its ClientApps connect. */
  readonly clientAppAddress: string;
  /** Starts it again with the same flags once it is gone. */
  restart(): RunningProcess;
}

/** Python apps run with this release, wherever their programs are started. */
const PYTHON_APPS: AppOptions = { isolation: "subprocess", python: FLOWER_VERSIONS[0] };

/** Starts a federation. */
export async function startFleet(
  scene: Scene,
  { superlink, database, supernodes, serverApps = PYTHON_APPS, clientApps = PYTHON_APPS }:
    FleetOptions,
): Promise<Fleet> {
  const link = await startSuperLink(scene, superlink, {
    certificates: await makeCertificates(scene),
    enableSuperNodeAuth: true,
    ...(database === undefined ? {} : { database }),
    ...serverApps,
  });
  const cli = await makeCli(scene, TRELLIS.cli, link);
  const nodes: FleetNode[] = [];
  for (const [partition, supernode] of supernodes.entries()) {
    const { publicKey, privateKey } = await makeKeyPair(scene, `key_${partition + 1}`);
    await cli.register(publicKey);
    const clientAppPort = freePort();
    const restart = () =>
      startSuperNode(scene, supernode, link, {
        name: `SuperNode ${partition + 1}`,
        partition,
        partitions: supernodes.length,
        privateKey,
        clientAppPort,
        ...clientApps,
      });
    nodes.push({
      process: restart(),
      clientAppAddress: `127.0.0.1:${clientAppPort}`,
      restart,
    });
  }
  return { link, nodes };
}
