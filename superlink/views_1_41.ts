/**
 * How Flower 1.37 to 1.42 call things that 1.25 calls otherwise: the names of the one federation and
 * of the account that all are, and what runs and nodes have besides.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { NodeInfoSchema } from "../proto/gen/flwr/proto/node_pb.ts";
import type { RunSchema } from "../proto/gen/flwr/proto/run_pb.ts";
import { NO_ACCOUNT } from "./accounts.ts";
import { nodeInfo } from "./control/node_info.ts";
import { runView } from "./runs/run_view.ts";
import type { RunRow } from "./state/layout.ts";
import type { Node } from "./state/node.ts";

/** The one federation. */
export const FEDERATION_1_41 = "@none/default";

/** What the account of everybody is called. */
export const ACCOUNT_1_41 = { id: NO_ACCOUNT.id, name: "none" } as const;

/** A run. Its one task has its id. */
export function runView141(row: RunRow): MessageInitShape<typeof RunSchema> {
  return {
    ...runView(row),
    federation: FEDERATION_1_41,
    primaryTaskId: row.runId,
    accountName: ACCOUNT_1_41.name,
  };
}

/** A node, with its name and place. */
export function nodeInfo141(node: Node): MessageInitShape<typeof NodeInfoSchema> {
  const { name, location, ownerName } = node.row;
  return {
    ...nodeInfo(node),
    ownerName: ownerName === NO_ACCOUNT.name ? ACCOUNT_1_41.name : ownerName,
    ...(name === undefined ? {} : { name }),
    ...(location === undefined ? {} : { location }),
  };
}
