/**
 * Drives a CLI, ours or Flower's, and reads its JSON.
 *
 * @module
 */

import { assert } from "@std/assert";
import { delay } from "@std/async";
import type { CommandOutcome } from "./process.ts";
import type { Program } from "./programs.ts";
import type { Scene } from "./scene.ts";
import type { SuperLink } from "./superlink.ts";

/** A row of `supernode list --format json`, with 1.25's names. */
export interface NodeRow {
  readonly "node-id": string;
  readonly "owner-aid": string;
  readonly "owner-name": string;
  readonly status: string;
  readonly "created-at": string;
  readonly "online-at": string;
  readonly "online-elapsed": number;
  readonly "offline-at": string;
  readonly "deleted-at": string;
}

/** A CLI with an app folder whose federation `local-deployment` is a SuperLink. */
export class Cli {
  readonly #scene: Scene;
  readonly #program: Program;
  readonly #app: string;

  constructor(scene: Scene, program: Program, app: string) {
    this.#scene = scene;
    this.#program = program;
    this.#app = app;
  }

  /** Runs `<command…> <app> local-deployment <options…>` in the scene's folder. */
  run(command: readonly string[], ...options: string[]): Promise<CommandOutcome> {
    return this.#scene.run(this.#program, {
      name: command.join(" "),
      args: [...command, this.#app, "local-deployment", ...options],
    });
  }

  /** Registers a public key, which must succeed, and gives the node id. */
  async register(publicKey: string): Promise<string> {
    const outcome = await this.run(["supernode", "register", publicKey]);
    const id = outcome.stdout.match(/SuperNode (\d+) registered successfully/)?.[1];
    assert(id !== undefined, shown(outcome));
    return id;
  }

  /** Unregisters a node, which must succeed. */
  async unregister(nodeId: string): Promise<void> {
    const outcome = await this.run(["supernode", "unregister", nodeId]);
    assert(
      outcome.stdout.includes(`SuperNode ${nodeId} unregistered successfully.`),
      shown(outcome),
    );
  }

  /** All nodes, also unregistered ones. */
  async list(): Promise<NodeRow[]> {
    const outcome = await this.run(["supernode", "list"], "--format", "json");
    const start = outcome.stdout.indexOf("{");
    assert(outcome.code === 0 && start >= 0, shown(outcome));
    const { success, nodes } = JSON.parse(outcome.stdout.slice(start));
    assert(success === true, shown(outcome));
    return nodes;
  }

  /** The status of each node, in the order of the list. */
  async statuses(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.list()).map((row) => [row["node-id"], row.status]));
  }

  /** Lists until the node has the status. */
  async waitForStatus(nodeId: string, status: string, timeoutMs: number): Promise<void> {
    await this.waitForList(
      `node ${nodeId} to be ${status}`,
      timeoutMs,
      (rows) => rows.some((row) => row["node-id"] === nodeId && row.status === status),
    );
  }

  /** Lists until the rows are as expected, and gives them. */
  async waitForList(
    what: string,
    timeoutMs: number,
    isExpected: (rows: NodeRow[]) => boolean,
  ): Promise<NodeRow[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const rows = await this.list();
      if (isExpected(rows)) return rows;
      assert(
        Date.now() < deadline,
        `waited ${timeoutMs} ms in vain for ${what}: ${JSON.stringify(rows)}`,
      );
      await delay(100);
    }
  }
}

/** Writes the app folder `name` for a SuperLink and gives a CLI that works with it. */
export async function makeCli(
  scene: Scene,
  program: Program,
  link: SuperLink,
  name = "app",
): Promise<Cli> {
  const { certificates, controlAddress } = link;
  const tls = certificates === undefined
    ? "insecure = true"
    : `root-certificates = ${JSON.stringify(certificates.ca)}`;
  await Deno.mkdir(scene.path(name), { recursive: true });
  await Deno.writeTextFile(
    scene.path(name, "pyproject.toml"),
    `[project]
name = "quickstart"
version = "1.0.0"
description = "An app that no test runs"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "trellis"

[tool.flwr.app.components]
serverapp = "quickstart.server_app:app"
clientapp = "quickstart.client_app:app"

[tool.flwr.federations]
default = "local-deployment"

[tool.flwr.federations.local-deployment]
address = "${controlAddress}"
${tls}
`,
  );
  return new Cli(scene, program, name);
}

/** What a command said, for error messages. */
export function shown({ code, stdout, stderr }: CommandOutcome): string {
  return `exit code ${code}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
}
