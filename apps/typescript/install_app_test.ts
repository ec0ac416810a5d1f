import { createHash } from "node:crypto";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { assertEquals, assertRejects } from "@std/assert";
import { FabError } from "../../fab/fab_error.ts";
import { FabSchema } from "../../proto/gen/flwr/proto/fab_pb.ts";
import { installApp } from "./install_app.ts";
import { fabOf } from "./testing/app_source.ts";

const content = await fabOf({ serverapp: "return undefined;" });
const hashStr = createHash("sha256").update(content).digest("hex");

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("processes that unpack one FAB at the same time share its folder", () =>
  inDirectory(async (directory) => {
    const fab = create(FabSchema, { content, hashStr });
    const apps = await Promise.all(Array.from({ length: 8 }, () => installApp(fab, directory)));
    const folder = join(directory, "apps", `trellis.tested.1.0.0.${hashStr.slice(0, 8)}`);
    assertEquals(new Set(apps.map((app) => app.folder)), new Set([folder]));
    const left = Array.from(Deno.readDirSync(join(directory, "apps")), ({ name }) => name);
    assertEquals(left.length, 1);
  }));

Deno.test("a FAB under the hash of another one is refused", () =>
  inDirectory(async (directory) => {
    const fab = create(FabSchema, { content, hashStr: "ab".repeat(32) });
    await assertRejects(() => installApp(fab, directory), FabError, "the run names abab");
  }));
