/**
 * `trellis.v1.Registry`: the registry as Trellis's own CLI asks for it, beside Flower's Control API
 * and open to the same callers.
 *
 * @module
 */

import { Registry as RegistryService } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { type Call, defineService, type Service } from "../../wire/service.ts";
import type { ControlAccess } from "../control/access.ts";
import { type ControlCaller, controlCaller } from "../control/caller.ts";
import type { NodeRow } from "../state/layout.ts";
import { registeredNode } from "./node_view.ts";
import { Registry, type RegistryOptions } from "./registry.ts";

/** What the service works on. */
export interface RegistryServiceOptions extends RegistryOptions {
  readonly controlAccess: ControlAccess;
}

/** Makes the service. */
export function registryService(options: RegistryServiceOptions): Service {
  const { clock, controlAccess } = options;
  const registry = new Registry(options);

  return defineService(RegistryService, (call) => controlCaller(call, controlAccess), {
    async listNodes({ nodeIds }, { caller }: Call<ControlCaller>) {
      const nodes = await registry.list(caller, nodeIds);
      return { nodes: nodes.map(registeredNode), now: BigInt(clock.nowMicros()) };
    },

    async suspendNodes({ nodeIds }, { caller }: Call<ControlCaller>) {
      return idsOf(await registry.suspend(caller, nodeIds));
    },

    async resumeNodes({ nodeIds }, { caller }: Call<ControlCaller>) {
      return idsOf(await registry.resume(caller, nodeIds));
    },
  });
}

function idsOf(rows: readonly NodeRow[]) {
  return { nodeIds: rows.map(({ nodeId }) => nodeId) };
}
