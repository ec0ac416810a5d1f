/**
 * The ClientAppIo API: what the processes of ClientApps ask of a SuperNode (Flower 1.25 over gRPC).
 *
 * As in Flower, the objects of messages are known by their run and id and not guarded by the token,
 * so the API listens on loopback unless the operator says otherwise.
 *
 * @module
 */

import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { defineService, type Service } from "../../wire/service.ts";
import type { NodeRun } from "../work/node_runs.ts";
import type { ObjectStore } from "../work/object_store.ts";
import type { ClientApps } from "./client_apps.ts";

/** What the service works on. */
export interface ClientAppServiceOptions {
  readonly apps: ClientApps;
  readonly objects: ObjectStore;
  readonly runOf: (runId: bigint) => NodeRun | undefined;
  /** How long a pull waits for an object that is on its way. */
  readonly holdMs: number;
}

/** Makes the ClientAppIo service. */
export function clientAppService(options: ClientAppServiceOptions): Service {
  const { apps, objects, runOf, holdMs } = options;

  return defineService(ClientAppIo, () => undefined, {
    listAppsToLaunch: () => Promise.resolve({ runIds: apps.launchable() }),

    requestToken: ({ runId }) => Promise.resolve({ token: apps.requestToken(runId) ?? "" }),

    getRun({ runId }) {
      const known = runOf(runId);
      return Promise.resolve(known ? { run: known.run } : {});
    },

    pullClientAppInputs({ token }) {
      const { context, run, fab } = apps.runOf(token);
      return Promise.resolve({ context, run, fab });
    },

    pullMessage({ token }) {
      const { message, tree } = apps.takeMessage(token);
      return Promise.resolve({ messagesList: [message], messageObjectTrees: [tree] });
    },

    pushMessage({ token, messagesList, messageObjectTrees }) {
      const objectsToPush = apps.pushReply(token, messagesList[0], messageObjectTrees[0]);
      return Promise.resolve({ objectsToPush });
    },

    pushClientAppOutputs({ token, context }) {
      apps.finish(token, context);
      return Promise.resolve({});
    },

    sendAppHeartbeat: ({ token }) => Promise.resolve({ success: apps.heartbeat(token) }),

    pushObject({ runId, objectId, objectContent }) {
      const stored = objects.put(runId, objectId, objectContent);
      if (stored) apps.objectArrived();
      return Promise.resolve({ stored });
    },

    async pullObject({ runId, objectId }, { signal }) {
      // Flower's app waits a second and more before it asks again for what is not there yet.
      const found = await objects.untilStored(runId, objectId, holdMs, signal);
      return {
        objectFound: found.state !== "unknown",
        objectAvailable: found.state === "stored",
        ...(found.state === "stored" ? { objectContent: found.content } : {}),
      };
    },

    confirmMessageReceived({ messageObjectId }) {
      objects.release(messageObjectId);
      return Promise.resolve({});
    },
  });
}
