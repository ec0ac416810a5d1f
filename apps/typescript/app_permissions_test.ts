import { resolve } from "node:path";
import { assertEquals, assertThrows } from "@std/assert";
import { parseCommand } from "../../terminal/command.ts";
import { UsageError } from "../../terminal/errors.ts";
import { appPermissionArgs, appPermissionFlags, appPermissions } from "./app_permissions.ts";

Deno.test("permissions go through a command line unchanged", () => {
  const permissions = appPermissions(
    ["data", "/srv/a b"],
    ["localhost", "10.0.0.1:8080", "[::1]:80"],
    ["CUDA_DEVICES"],
  );
  assertEquals(permissions.read, [resolve("data"), "/srv/a b"]);
  const spec = { name: "x", summary: "", flags: Object.values(appPermissionFlags) };
  const { flags } = parseCommand(spec, appPermissionArgs(permissions));
  const { allowAppRead, allowAppNet, allowAppEnv } = appPermissionFlags;
  assertEquals(
    appPermissions(allowAppRead.of(flags), allowAppNet.of(flags), allowAppEnv.of(flags)),
    permissions,
  );
});

Deno.test("a host or a variable that would mean more than itself is refused", () => {
  for (const host of ["a,b", "", "http://a", "a:b", "a/b", "*", "a:123456"]) {
    assertThrows(() => appPermissions([], [host], []), UsageError, "--allow-app-net");
  }
  for (const name of ["A,B", "", "A*", "A=1"]) {
    assertThrows(() => appPermissions([], [], [name]), UsageError, "--allow-app-env");
  }
});
