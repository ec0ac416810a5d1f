/**
 * What the page does with SuperNodes and runs.
 *
 * @module
 */

import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { textOf, textsOf } from "./json_body.ts";
import type { OperatorCall } from "./operator_calls.ts";
import { json, type PageRequest, type Route } from "./routes.ts";

/** A route of something that is done. `changed` is told of it, so that all is looked up again. */
export function actionRoute(
  path: RegExp,
  changed: () => void,
  act: (request: PageRequest, id: bigint) => Promise<unknown>,
): Route {
  return {
    method: "POST",
    path,
    to: "signed-in",
    async answer(request) {
      try {
        return json(await act(request, BigInt(request.caught.id ?? 0)));
      } finally {
        changed();
      }
    },
  };
}

/** The routes of actions. Each answers what it did. */
export function actionRoutes(call: OperatorCall, changed: () => void): Route[] {
  const post = (path: RegExp, act: (request: PageRequest, id: bigint) => Promise<unknown>) =>
    actionRoute(path, changed, act);
  return [
    post(/^\/api\/nodes$/, async (asked) => {
      const publicKey = new TextEncoder().encode(textOf(asked.body, "publicKey"));
      const name = textOf(asked.body, "name").trim();
      const { nodeId } = await call(Control.method.registerNode, { publicKey, name }, asked);
      return { id: String(nodeId) };
    }),
    post(/^\/api\/nodes\/(?<id>\d{1,20})\/update$/, async (asked, nodeId) => {
      await call(Registry.method.updateNode, {
        nodeId,
        name: textOf(asked.body, "name").trim(),
        location: textOf(asked.body, "location").trim(),
        setLabels: textsOf(asked.body, "setLabels"),
        removeLabels: Object.keys(textsOf(asked.body, "removeLabels")),
      }, asked);
      return {};
    }),
    post(/^\/api\/nodes\/(?<id>\d{1,20})\/unregister$/, async (asked, nodeId) => {
      await call(Control.method.unregisterNode, { nodeId }, asked);
      return {};
    }),
    post(/^\/api\/nodes\/(?<id>\d{1,20})\/suspend$/, async (asked, nodeId) => {
      await call(Registry.method.suspendNodes, { nodeIds: [nodeId] }, asked);
      return {};
    }),
    post(/^\/api\/nodes\/(?<id>\d{1,20})\/resume$/, async (asked, nodeId) => {
      await call(Registry.method.resumeNodes, { nodeIds: [nodeId] }, asked);
      return {};
    }),
    post(/^\/api\/runs\/(?<id>\d{1,20})\/stop$/, async (asked, runId) => {
      const { success } = await call(Control.method.stopRun, { runId }, asked);
      return { stopped: success };
    }),
  ];
}
