import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import {
  ArrayRecord,
  arraysOf,
  ClientApp,
  FedAvg,
  MetricRecord,
  RecordDict,
  ServerApp,
} from "./mod.ts";
import { LocalFederation, testContext } from "./testing/local_federation.ts";

const SOURCES = ["client_app.ts", "grid.ts", "server_app.ts", "strategy/fed_avg.ts"];
const CODE = /^ \* ```ts\n((?: \*.*\n)*?) \* ```$/gm;

/** The examples in a module's doc comments. */
async function examplesOf(path: string): Promise<string[]> {
  const source = await Deno.readTextFile(new URL(path, import.meta.url));
  return Array.from(source.matchAll(CODE), ([, code = ""]) => code.replaceAll(/^ \* ?/gm, ""));
}

/** Answers everything. */
const obliging = new ClientApp()
  .train(({ content }) =>
    new RecordDict({
      arrays: arraysOf(content),
      metrics: new MetricRecord({ "train-loss": 1, "num-examples": 1n }),
    })
  )
  .evaluate(() => new RecordDict({ metrics: new MetricRecord({ "num-examples": 1n }) }))
  .query(({ content }) => content, "hello");

/** Runs an app to its end in a federation of two nodes. */
async function run(app: unknown): Promise<void> {
  const federation = new LocalFederation();
  const { log } = console;
  console.log = () => {};
  try {
    if (app instanceof ClientApp) {
      federation.addNodes(2, app);
      const grid = federation.grid();
      const initialArrays = new ArrayRecord();
      const result = await new FedAvg().start({ grid, initialArrays, numRounds: 1 });
      assertEquals(result.trainMetricsClientApp.size, 1);
    } else {
      assert(app instanceof ServerApp);
      federation.addNodes(2, obliging);
      const config = new Map([["num-server-rounds", 2n]]);
      await app.run(federation.grid(), testContext(0n, {}, config));
      assert(federation.calls.includes("confirmMessage"));
    }
  } finally {
    console.log = log;
  }
}

/** Calls `use` with the files of the examples. */
async function withExamples(
  paths: readonly string[],
  use: (files: readonly string[]) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const files: string[] = [];
    for (const path of paths) {
      const examples = await examplesOf(path);
      assertEquals(examples.length, 1);
      const file = join(folder, path.replaceAll("/", "_"));
      await Deno.writeTextFile(file, examples[0] ?? "");
      files.push(file);
    }
    await use(files);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the examples in the documentation type-check", () =>
  withExamples(SOURCES, async (files) => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "check",
        "--config",
        fileURLToPath(new URL("../deno.json", import.meta.url)),
        ...files,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  }));

for (const path of SOURCES) {
  Deno.test(`the example in the documentation of sdk/${path} runs`, () =>
    withExamples([path], async ([file = ""]) => {
      const { app } = await import(pathToFileURL(file).href);
      await run(app);
    }));
}
