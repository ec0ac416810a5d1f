/**
 * `supernode show`: all that is known of one SuperNode.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import { printable } from "../terminal/display_width.ts";
import type { RegisteredNode } from "../proto/gen/trellis/v1/registry_pb.ts";
import { type Cell, renderSheet } from "../terminal/table.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { listedNode } from "./fleet_list.ts";
import { parseId, requireUint64 } from "./id.ts";
import { labelsText, nodeCells, nodeJson } from "./node_view.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { isoTime, showTimestamp } from "./timestamp.ts";
import { onlyTrellis } from "./trellis_only.ts";

/** `trellis supernode show`. */
export const show: Command = {
  spec: {
    name: "trellis supernode show",
    summary: "Show all that is known of a SuperNode.",
    positionals: [
      { name: "NODE_ID", help: "As `supernode list` shows it", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
  },
  run({ flags, positionals: [id = "", ...target] }, terminal) {
    const nodeId = parseId(id, "NODE_ID");
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      requireUint64(nodeId);
      const connection = await findConnection(target, processContext(flags));
      const { Registry: { method } } = await import("../proto/gen/trellis/v1/registry_pb.ts");
      const request = { nodeIds: [nodeId], publicKeys: true };
      const { nodes: [facts], now } = await withControl(
        connection,
        (control) => onlyTrellis(() => control.call(method.listNodes, request)),
      );
      if (!facts) throw new ExitError(`The SuperLink has no SuperNode with the ID ${nodeId}.`);
      return {
        json: {
          "success": true,
          "node": { ...nodeJson(listedNode(facts), isoTime(now)), ...more(facts) },
        },
        view: renderSheet(sheet(facts), { paint: terminal.paint }),
      };
    });
  },
};

/** What lists do not show. */
function more(facts: RegisteredNode) {
  return {
    "fingerprint": facts.fingerprint,
    "public-key": new TextDecoder().decode(facts.publicKey),
    "registered-by": facts.keyless ? "itself" : "an operator",
    "last-seen-at": showTimestamp(isoTime(facts.lastSeenAt)),
    "heartbeat-interval": facts.heartbeatInterval,
    "version": facts.version,
    "transport": facts.transport,
    "labels": { ...facts.labels },
    "earlier-keys": facts.earlierKeys.map(({ fingerprint, validUntil }) => ({
      "fingerprint": fingerprint,
      "valid-until": showTimestamp(isoTime(validUntil)),
    })),
  };
}

type Row = readonly [name: string, value: Cell];

function sheet(facts: RegisteredNode): readonly Row[] {
  const [id, owner, status] = nodeCells(listedNode(facts));
  const text = (name: string, value: string): Row[] =>
    value === "" ? [] : [[name, { text: printable(value) }]];
  const time = (name: string, micros: bigint | undefined): Row[] =>
    micros === undefined ? [] : [[name, { text: showTimestamp(isoTime(micros)) }]];
  return [
    ["Node ID", id ?? { text: "" }],
    ...text("Name", facts.name),
    ...text("Labels", labelsText(facts.labels)),
    ...text("Location", facts.location),
    ["Owner", owner ?? { text: "" }],
    ["Status", status ?? { text: "" }],
    ["Key", { text: facts.fingerprint }],
    ...facts.earlierKeys.map(({ fingerprint, validUntil }): Row => [
      "Earlier key",
      { text: `${fingerprint} until ${showTimestamp(isoTime(validUntil))}` },
    ]),
    ["Registered by", { text: facts.keyless ? "itself" : "an operator" }],
    ...time("Registered @", facts.registeredAt),
    ...time("Online since", facts.status === "online" ? facts.activatedAt : undefined),
    ...time("Last online @", facts.status === "online" ? undefined : facts.activatedAt),
    ...time("Last seen @", facts.lastSeenAt),
    ...time("Suspended @", facts.suspendedAt),
    ...time("Expires @", facts.expiresAt),
    ...time("Unregistered @", facts.unregisteredAt),
    ...text("Flower", facts.version),
    ...text("Transport", facts.transport === "grpc" ? "gRPC" : facts.transport.toUpperCase()),
  ];
}
