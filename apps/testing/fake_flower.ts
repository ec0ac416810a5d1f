/**
 * A folder that looks like the programs of a Python environment with Flower: the console scripts,
 * and a module in place of Flower that does what a test's arguments say.
 *
 * @module
 */

import { join } from "node:path";
import type { AppCommand } from "../app_process.ts";

/** What a fake app notes of itself before it ends. */
export interface Note {
  readonly argv: readonly string[];
  readonly pid: number;
  readonly parent: number;
  readonly home: string | undefined;
  /** Whether it was forked from a preload process. */
  readonly forked: boolean;
  readonly stdin: string;
  /** From Python's own generator, and from one in NumPy's place. */
  readonly random: readonly number[];
  readonly version: string;
}

const MODULE = `
import json, os, random, signal, sys, time, types

os.environ.get("FAKE_FLOWER") and exec(os.environ["FAKE_FLOWER"])
numpy = types.ModuleType("numpy.random")
numpy.generator = random.Random(1)
numpy.seed = lambda: numpy.generator.seed(os.urandom(8))
sys.modules["numpy.random"] = numpy


def client_app():
    note, *todo = sys.argv[1:]
    # As an app's own module: beside the note, and imported when the app runs.
    sys.path.insert(0, os.path.dirname(note))
    try:
        from app_module import VERSION
    except ImportError:
        VERSION = "none"
    text = json.dumps({
        "argv": sys.argv, "pid": os.getpid(), "parent": os.getppid(),
        "home": os.environ.get("FLWR_HOME"), "forked": "trellis-preload" in sys.orig_argv,
        "stdin": sys.stdin.read(), "version": VERSION,
        "random": [random.random(), numpy.generator.random()],
    })
    if "defy" in todo:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(note + ".part", "w") as file:
        file.write(text)
    os.rename(note + ".part", note)
    while "stay" in todo:
        time.sleep(60)
    return int(todo[0]) if todo else 0


def server_app():
    return 1
`;

const SCRIPT = `#!/usr/bin/env python3
import sys
from fake_flower import client_app
sys.exit(client_app())
`;

/** The environment, in a temporary folder. */
export class FakeFlower implements AsyncDisposable {
  readonly folder: string;
  #notes = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<FakeFlower> {
    const folder = await Deno.makeTempDir({ prefix: "trellis-fake-flower-" });
    await Deno.writeTextFile(join(folder, "fake_flower.py"), MODULE);
    for (const name of ["flwr-clientapp", "flwr-serverapp"]) {
      await Deno.writeTextFile(join(folder, name), SCRIPT, { mode: 0o755 });
    }
    const metadata = join(folder, "fake_flower-1.0.dist-info");
    await Deno.mkdir(metadata);
    await Deno.writeTextFile(
      join(metadata, "METADATA"),
      "Metadata-Version: 2.1\nName: fake-flower\nVersion: 1.0\n",
    );
    await Deno.writeTextFile(
      join(metadata, "entry_points.txt"),
      "[console_scripts]\nflwr-clientapp = fake_flower:client_app\n" +
        "flwr-serverapp = fake_flower:server_app\n",
    );
    // Made now, so that the folder does not change when the module is loaded.
    await Deno.mkdir(join(folder, "__pycache__"));
    await Deno.mkdir(join(folder, "notes"));
    return new FakeFlower(folder);
  }

  get script(): string {
    return join(this.folder, "flwr-clientapp");
  }

  /** The start of an app; it ends with the code in `todo`, or stays, and may defy SIGTERM. */
  command(...todo: string[]): AppCommand & { readonly note: string } {
    const note = join(this.folder, "notes", String(++this.#notes));
    return { program: this.script, args: [note, ...todo], env: { FLWR_HOME: "/fake/home" }, note };
  }

  /** What the app of this command noted; waits until it did. */
  async note({ note }: { readonly note: string }): Promise<Note> {
    await until(`an app notes something in ${note}`, async () => {
      try {
        return (await Deno.stat(note)).isFile;
      } catch {
        return false;
      }
    });
    return JSON.parse(await Deno.readTextFile(note));
  }

  /** The module that apps import when they run. */
  async writeAppModule(version: string): Promise<void> {
    // Python tells sources apart by size and whole seconds.
    const text = `VERSION = "${version}"\n${" ".repeat(this.#notes)}`;
    await Deno.writeTextFile(join(this.folder, "notes", "app_module.py"), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const WAIT_MS = 20_000;

/** Waits until `look` says so; fails after 20 s. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!await look()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process is there, and not only its exit status. */
export async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "stat=", "-p", String(pid)],
    stdout: "piped",
  }).output();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}
