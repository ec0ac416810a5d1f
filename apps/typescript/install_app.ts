import { FabError } from "../../fab/fab_error.ts";
import { installFab } from "../../fab/install_fab.ts";
import { type Fab, readFab } from "../../fab/read_fab.ts";
import type { Fab as WireFab } from "../../proto/gen/flwr/proto/fab_pb.ts";

/** An app in a folder of its own. */
export interface InstalledApp {
  readonly folder: string;
  readonly fab: Fab;
}

/**
 * Unpacks a run's FAB below `flwrDirectory`, unless that was done before.
 *
 * @throws {FabError} when the FAB is malformed or not the one that the run names.
 */
export async function installApp(
  { content, hashStr }: WireFab,
  flwrDirectory: string,
): Promise<InstalledApp> {
  const fab = readFab(content);
  if (fab.hash !== hashStr) {
    throw new FabError(`The FAB has the hash ${fab.hash}, and the run names ${hashStr}.`);
  }
  const { directory } = await installFab(fab, flwrDirectory);
  return { folder: directory, fab };
}
