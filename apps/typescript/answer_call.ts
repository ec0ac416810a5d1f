import { decodeEnvelope, encodeEnvelope } from "../../sdk/runtime/host_api.ts";
import { handOver } from "../../sdk/runtime/hand_over.ts";
import type { Call } from "../../sdk/runtime/protocol.ts";
import type { PushTarget, ServerAppApi } from "../../sdk/server_app_api.ts";

/** Makes a call of a ServerApp's worker. Throws what `api` throws. */
export async function answerServerApp(
  call: Call,
  api: ServerAppApi,
  transfer: ArrayBuffer[],
): Promise<unknown> {
  switch (call.method) {
    case "getNodeIds":
      return await api.getNodeIds();
    case "pullMessages":
      return (await api.pullMessages(call.request)).map(encodeEnvelope);
    case "pullObject": {
      const content = await api.pullObject(call.request);
      return content === undefined ? null : handOver(content, transfer);
    }
    case "confirmMessage":
      return await api.confirmMessage(call.request);
    default:
      return await answerClientApp(call, api);
  }
}

/** Makes a call of a ClientApp's worker, which can only push. Throws what `api` throws. */
export async function answerClientApp(call: Call, api: PushTarget): Promise<unknown> {
  switch (call.method) {
    case "pushMessages": {
      const { messageIds, objectsToPush } = await api.pushMessages(
        call.request.map(decodeEnvelope),
        call.carried ?? [],
      );
      return { messageIds, objectsToPush };
    }
    case "pushObject":
      return await api.pushObject(call.request.objectId, call.request.content);
    default:
      throw new TypeError(`A ClientApp cannot call ${call.method}.`);
  }
}
