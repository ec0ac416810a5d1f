/**
 * The SuperNodes of a SuperLink with all that it tells of them: what the registry of Trellis has,
 * and from a SuperLink of Flower what its Control API says.
 *
 * @module
 */

import type { RegisteredNode } from "../proto/gen/trellis/v1/registry_pb.ts";
import type { OpenControl } from "./control.ts";
import { type ListedNode, listNodes, nodeStatus } from "./node_view.ts";
import { isoTime } from "./timestamp.ts";
import { isMissingService } from "./trellis_only.ts";

/** The nodes, oldest first, and the time by the SuperLink's clock. */
export interface FleetList {
  readonly nodes: readonly ListedNode[];
  readonly now: string;
}

/** Asks for all nodes, unregistered ones too. */
export async function fleetList(control: OpenControl): Promise<FleetList> {
  const { Registry } = await import("../proto/gen/trellis/v1/registry_pb.ts");
  try {
    const { nodes, now } = await control.call(Registry.method.listNodes, {});
    return { nodes: nodes.map(listedNode), now: isoTime(now) };
  } catch (error) {
    if (!isMissingService(error)) throw error;
    const { nodes, now } = await control.listNodes();
    return { nodes: listNodes(nodes), now };
  }
}

/** A node of the registry as lists show it. */
export function listedNode(facts: RegisteredNode): ListedNode {
  const info: ListedNode["info"] = {
    nodeId: facts.nodeId,
    ownerAid: facts.ownerAid,
    ownerName: facts.ownerName,
    status: facts.status,
    registeredAt: isoTime(facts.registeredAt),
    ...at("lastActivatedAt", facts.activatedAt),
    ...at("lastDeactivatedAt", facts.deactivatedAt),
    ...at("unregisteredAt", facts.unregisteredAt),
    ...(facts.name === "" ? {} : { name: facts.name }),
    ...(facts.location === "" ? {} : { location: facts.location }),
  };
  return { info, status: nodeStatus(facts.status), facts };
}

function at<K extends string>(key: K, micros: bigint | undefined) {
  return micros === undefined ? {} : { [key]: isoTime(micros) };
}
