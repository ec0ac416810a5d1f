import { assertEquals } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { pathOf } from "./route.ts";

Deno.test("pathOf() names methods as Flower does", () => {
  assertEquals(pathOf(Fleet.method.sendNodeHeartbeat), "/v1/fleet/send-node-heartbeat");
  assertEquals(pathOf(Control.method.listNodes), "/v1/control/list-nodes");
  assertEquals(
    pathOf(Runtime.method.confirmMessageReceived),
    "/v1/runtime/confirm-message-received",
  );
});
