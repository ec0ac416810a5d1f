/**
 * `trellis.v1.Registry`: the registry as Trellis's own CLI asks for it, beside Flower's Control API
 * and open to the same callers.
 *
 * @module
 */

import {
  Registry as RegistryService,
  type UpdateNodeRequest,
} from "../../proto/gen/trellis/v1/registry_pb.ts";
import { type Call, defineService, type Service } from "../../wire/service.ts";
import type { ControlAccess } from "../control/access.ts";
import { type ControlCaller, controlCaller } from "../control/caller.ts";
import type { NodeRow } from "../state/layout.ts";
import { enrol } from "./enrolment.ts";
import type { Imports } from "./imports.ts";
import { registeredNode } from "./node_view.ts";
import { Registry, type RegistryOptions } from "./registry.ts";

/** What the service works on. */
export interface RegistryServiceOptions extends RegistryOptions {
  readonly controlAccess: ControlAccess;
  readonly imports: Imports;
}

/** Makes the service. */
export function registryService(options: RegistryServiceOptions): Service {
  const { clock, controlAccess } = options;
  const registry = new Registry(options);

  return defineService(RegistryService, (call) => controlCaller(call, controlAccess), {
    async listNodes({ nodeIds, publicKeys }, { caller }: Call<ControlCaller>) {
      const nodes = await registry.list(caller, nodeIds);
      const now = clock.nowMicros();
      return {
        nodes: nodes.map((node) => registeredNode(node, now, publicKeys)),
        now: BigInt(now),
      };
    },

    async registerNodes({ nodes: newNodes, checkOnly }, { caller }: Call<ControlCaller>) {
      const { enrolled, faults } = await enrol(
        newNodes.map(({ labels, expiry, ...node }) => ({
          ...node,
          labels: labels?.labels,
          expiresAt: expiresAtOf(expiry),
        })),
        caller,
        { ...options, checkOnly },
      );
      return { nodes: [...enrolled], faults: [...faults] };
    },

    async updateNode(request, { caller }: Call<ControlCaller>) {
      const { nodeId, name, location, setLabels, removeLabels, expiry } = request;
      const node = await registry.update(caller, nodeId, {
        ...{ name, location, setLabels, removeLabels },
        expiresAt: expiresAtOf(expiry),
      });
      return { node: registeredNode(node, clock.nowMicros(), true) };
    },

    async rotateKey({ nodeId, publicKey, graceSeconds }, { caller }: Call<ControlCaller>) {
      const node = await registry.rotateKey(caller, nodeId, publicKey, Number(graceSeconds));
      return { node: registeredNode(node, clock.nowMicros(), true) };
    },

    async suspendNodes({ nodeIds }, { caller }: Call<ControlCaller>) {
      return idsOf(await registry.suspend(caller, nodeIds));
    },

    async resumeNodes({ nodeIds }, { caller }: Call<ControlCaller>) {
      return idsOf(await registry.resume(caller, nodeIds));
    },
  });
}

function expiresAtOf(expiry: UpdateNodeRequest["expiry"]): number | "never" | undefined {
  if (expiry.case === undefined) return undefined;
  if (expiry.case === "expiresAt") return Number(expiry.value);
  return expiry.value ? "never" : undefined;
}

function idsOf(rows: readonly NodeRow[]) {
  return { nodeIds: rows.map(({ nodeId }) => nodeId) };
}
