/**
 * Drives a CLI, ours or Flower's, and reads its JSON.
 *
 * @module
 */

import { join } from "node:path";
import { assert } from "@std/assert";
import { delay } from "@std/async";
import type { CommandOutcome, RunningProcess } from "./process.ts";
import { callsOverHttp, minorOf, type Program } from "./programs.ts";
import type { Scene, StartOptions } from "./scene.ts";
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

/** The last arguments of a CLI's commands, where that makes a difference those of each. */
export type Target = readonly string[] | ((command: readonly string[]) => readonly string[]);

/** A CLI that is set up for a SuperLink. */
export class Cli {
  readonly #scene: Scene;
  readonly #program: Program;
  readonly #target: Target;
  readonly #folder: string;

  /**
   * `target` are the last arguments of its commands, which name the SuperLink; `folder` is where they
   * are run, the scene's own by default.
   */
  constructor(
    scene: Scene,
    program: Program,
    target: Target,
    folder: string = scene.folder,
  ) {
    this.#scene = scene;
    this.#program = program;
    this.#target = target;
    this.#folder = folder;
  }

  /** Runs `<command…> <target> <options…>` to its end. */
  run(command: readonly string[], ...options: string[]): Promise<CommandOutcome> {
    return this.#scene.run(this.#program, this.#startOptions(command, options));
  }

  /** Starts `<command…> <target> <options…>`, which goes on by itself. */
  start(command: readonly string[], ...options: string[]): RunningProcess {
    return this.#scene.start(this.#program, this.#startOptions(command, options));
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
    // Flower 1.23 writes ids as numbers, which JSON.parse would round.
    const json = outcome.stdout.slice(start).replaceAll(/("node-id": )(\d+)/g, '$1"$2"');
    const { success, nodes } = JSON.parse(json);
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

  #startOptions(command: readonly string[], options: readonly string[]): StartOptions {
    return {
      name: command.join(" "),
      args: [
        ...command,
        ...(typeof this.#target === "function" ? this.#target(command) : this.#target),
        ...options,
      ],
      cwd: this.#folder,
    };
  }
}

/** From this release on Flower's CLI reads `config.toml`. */
const CONNECTIONS_SINCE = 26;

/** Whether a CLI names an app and its federation rather than a connection of `config.toml`. */
export function namesFederations(program: Program): boolean {
  return minorOf(program) < CONNECTIONS_SINCE && program.transport === undefined;
}

/** The name of the connection that fits a CLI, in what {@linkcode writeConnections} writes. */
export function connectionFor(program: Program): string {
  return callsOverHttp(program, "cli") ? "over-http" : "local-deployment";
}

/** Writes the SuperLink's connections into `config.toml`: `local-deployment` and `over-http`. */
export async function writeConnections(scene: Scene, link: SuperLink): Promise<void> {
  await Deno.mkdir(scene.flwrHome, { recursive: true });
  await Deno.writeTextFile(
    join(scene.flwrHome, "config.toml"),
    [
      `[superlink]\ndefault = "local-deployment"\n`,
      `[superlink.local-deployment]\n${connection(link, link.controlAddress)}`,
      `[superlink.over-http]\n${connection(link, link.httpAddress)}`,
    ].join("\n"),
  );
}

function connection({ certificates }: SuperLink, address: string): string {
  const security = certificates === undefined
    ? "insecure = true"
    : `root-certificates = ${JSON.stringify(certificates.ca)}`;
  return `address = "${address}"\n${security}\n`;
}

/**
 * Sets a CLI up for a SuperLink, in both of Flower's ways: the federation `local-deployment` of the
 * app in the folder `app`, and the connections of `config.toml`, which Flower reads from 1.26 on.
 */
export async function makeCli(
  scene: Scene,
  program: Program,
  link: SuperLink,
): Promise<Cli> {
  // Flower 1.23 looks for the app's modules even to list nodes.
  await Deno.mkdir(scene.path("app", "quickstart"), { recursive: true });
  for (const module of ["__init__", "server_app", "client_app"]) {
    await Deno.writeTextFile(scene.path("app", "quickstart", `${module}.py`), "app = None\n");
  }
  await Deno.writeTextFile(
    scene.path("app", "pyproject.toml"),
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
${connection(link, link.controlAddress)}`,
  );
  await writeConnections(scene, link);
  const target = namesFederations(program) ? ["app", "local-deployment"] : [connectionFor(program)];
  return new Cli(scene, program, target);
}

/** What a command said, for error messages. */
export function shown({ code, stdout, stderr }: CommandOutcome): string {
  return `exit code ${code}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
}
