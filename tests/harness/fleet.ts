/**
 * A federation for runs: a SuperLink with authentication over TLS, and registered SuperNodes.
 *
 * @module
 */

import type { AppOptions } from "./app_flags.ts";
import { makeCli } from "./cli.ts";
import { makeCertificates, makeKeyPair } from "./credentials.ts";
import type { RunningProcess } from "./process.ts";
import { type Program, TRELLIS } from "./programs.ts";
import type { Scene } from "./scene.ts";
import { startSuperLink, type SuperLink } from "./superlink.ts";
import { startSuperNode } from "./supernode.ts";

/** Who plays in a federation. */
export interface FleetOptions extends AppOptions {
  readonly superlink: Program;
  /** Each has the partition of its place in the list. */
  readonly supernodes: readonly Program[];
}

/** A federation whose SuperNodes are on their way. */
export interface Fleet {
  readonly link: SuperLink;
  readonly nodes: readonly RunningProcess[];
}

/** Starts a federation, whose programs start app processes themselves unless told otherwise. */
export async function startFleet(
  scene: Scene,
  { superlink, supernodes, isolation = "subprocess", ...apps }: FleetOptions,
): Promise<Fleet> {
  const link = await startSuperLink(scene, superlink, {
    certificates: await makeCertificates(scene),
    enableSuperNodeAuth: true,
    isolation,
    ...apps,
  });
  const cli = await makeCli(scene, TRELLIS.cli, link);
  const nodes: RunningProcess[] = [];
  for (const [partition, supernode] of supernodes.entries()) {
    const name = `SuperNode ${partition + 1}`;
    const key = await makeKeyPair(scene, `client_credentials_${partition + 1}`);
    await cli.register(key.publicKey);
    nodes.push(startSuperNode(scene, supernode, link, {
      name,
      partition,
      isolation,
      ...apps,
      privateKey: key.privateKey,
    }));
  }
  return { link, nodes };
}
