import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { generateCredentials } from "../keys/key_files.ts";
import { ExitError } from "../terminal/errors.ts";
import { StatusError } from "../wire/status.ts";
import { cliCommand } from "./main.ts";
import { controlScene } from "./testing/control_server.ts";
import { recordingTerminal } from "./testing/recording_terminal.ts";

const NOW = "2026-11-23T11:12:46.541775+00:00";

const NODES = [
  {
    nodeId: 32943616890487404n,
    ownerAid: "<id:none>",
    ownerName: "<name:none>",
    status: "registered",
    registeredAt: "2026-11-23T11:08:31.5+00:00",
  },
  {
    nodeId: 18446744073709551615n,
    ownerAid: "ada",
    ownerName: "Ada",
    status: "online",
    registeredAt: "2026-11-23T11:08:27.123456+00:00",
    lastActivatedAt: "2026-11-23T11:09:03.000001+00:00",
  },
  {
    nodeId: 5n,
    ownerAid: "<id:none>",
    ownerName: "none",
    status: "unregistered",
    registeredAt: "2026-11-23T11:08:28+00:00",
    lastActivatedAt: "2026-11-22T08:06:29+00:00",
    unregisteredAt: "2026-11-23T11:12:30+00:00",
  },
];

const LISTING = `\
┏━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━┓
┃       Node ID        ┃ Owner  ┃   Status   ┃ Elapsed  ┃   Status Changed @   ┃
┡━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━┩
│ 18446744073709551615 │ Ada    │ online     │ 00:03:43 │ 2026-11-23 11:09:03Z │
├──────────────────────┼────────┼────────────┼──────────┼──────────────────────┤
│ 32943616890487404    │ <none> │ registered │          │ N/A                  │
└──────────────────────┴────────┴────────────┴──────────┴──────────────────────┘
`;

const VERBOSE_LISTING = `\
┏━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━┓
┃       Node ID        ┃ Owner  ┃    Status    ┃   Elapsed   ┃   Status Changed @   ┃
┡━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━┩
│ 18446744073709551615 │ Ada    │ online       │ 00:03:43    │ 2026-11-23 11:09:03Z │
├──────────────────────┼────────┼──────────────┼─────────────┼──────────────────────┤
│ 5                    │ <none> │ unregistered │ 1d 03:06:01 │ 2026-11-23 11:12:30Z │
├──────────────────────┼────────┼──────────────┼─────────────┼──────────────────────┤
│ 32943616890487404    │ <none> │ registered   │             │ N/A                  │
└──────────────────────┴────────┴──────────────┴─────────────┴──────────────────────┘
`;

const LISTING_JSON = `\
{
  "success": true,
  "nodes": [
    {
      "node-id": "18446744073709551615",
      "owner-aid": "ada",
      "owner-name": "Ada",
      "status": "online",
      "created-at": "2026-11-23 11:08:27Z",
      "online-at": "2026-11-23 11:09:03Z",
      "online-elapsed": 223.541774,
      "offline-at": "N/A",
      "deleted-at": "N/A"
    },
    {
      "node-id": "5",
      "owner-aid": "<id:none>",
      "owner-name": "none",
      "status": "unregistered",
      "created-at": "2026-11-23 11:08:28Z",
      "online-at": "2026-11-22 08:06:29Z",
      "online-elapsed": 97577.541775,
      "offline-at": "N/A",
      "deleted-at": "2026-11-23 11:12:30Z"
    },
    {
      "node-id": "32943616890487404",
      "owner-aid": "<id:none>",
      "owner-name": "<name:none>",
      "status": "registered",
      "created-at": "2026-11-23 11:08:31Z",
      "online-at": "N/A",
      "online-elapsed": 0.0,
      "offline-at": "N/A",
      "deleted-at": "N/A"
    }
  ]
}
`;

function listing(nodes: typeof NODES) {
  return { listNodes: () => Promise.resolve({ nodesInfo: nodes, now: NOW }) };
}

Deno.test("supernode list shows the guide's table, oldest first, without unregistered nodes", async () => {
  await using scene = await controlScene(listing(NODES));
  const outcome = await scene.run("supernode", "list", scene.app, "fed");
  assertEquals(outcome, { code: 0, stdout: LISTING, stderr: "📄 Listing all nodes...\n" });
  assertEquals((await scene.run("supernode", "ls", scene.app, "fed")).stdout, LISTING);
});

Deno.test("supernode list --verbose shows unregistered nodes and how long they were online", async () => {
  await using scene = await controlScene(listing(NODES));
  const outcome = await scene.run("supernode", "list", scene.app, "fed", "--verbose");
  assertEquals(outcome.stdout, VERBOSE_LISTING);
});

Deno.test("supernode list --format json has every node, in Flower 1.25.0's shape", async () => {
  await using scene = await controlScene(listing(NODES));
  const outcome = await scene.run("supernode", "list", scene.app, "fed", "--format", "json");
  assertEquals(outcome, { code: 0, stdout: LISTING_JSON, stderr: "" });
});

Deno.test("supernode list of nobody is a table without rows, and an empty list", async () => {
  await using scene = await controlScene(listing([]));
  const view = await scene.run("supernode", "list", scene.app, "fed");
  assertEquals(view.stdout.split("\n").length, 5);
  const json = await scene.run("supernode", "list", scene.app, "fed", "--format=json");
  assertEquals(json.stdout, '{\n  "success": true,\n  "nodes": []\n}\n');
});

Deno.test("supernode list says that a status of another protocol version is not understood", async () => {
  await using scene = await controlScene(
    listing(NODES.map((node) => ({ ...node, status: "2026-11-23T11:08:31+00:00" }))),
  );
  const outcome = await scene.run("supernode", "list", scene.app, "fed");
  assertEquals(outcome.code, 1);
  assertStringIncludes(outcome.stderr, "another version of the protocol");
});

Deno.test("supernode register sends an OpenSSH or PEM key as SPKI PEM and prints the node's id", async () => {
  const sent: string[] = [];
  await using scene = await controlScene({
    registerNode({ publicKey }) {
      sent.push(new TextDecoder().decode(publicKey));
      return Promise.resolve({ nodeId: 18446744073709551615n });
    },
  });
  const [pair] = await generateCredentials(1, `${scene.app}/keys`);
  const file = pair?.publicKeyPath ?? "";
  const view = await scene.run("supernode", "register", file, scene.app, "fed");
  assertEquals(view.code, 0);
  assertEquals(view.stdout, "✅ SuperNode 18446744073709551615 registered successfully.\n");

  const pemFile = `${scene.app}/key.pem`;
  await Deno.writeTextFile(pemFile, sent[0] ?? "");
  const json = await scene.run("supernode", "register", pemFile, scene.app, "fed", "--format=json");
  assertEquals(json.stdout, '{\n  "success": true,\n  "node-id": 18446744073709551615\n}\n');
  assertEquals(sent[0], sent[1]);
  assertStringIncludes(sent[0] ?? "", "-----BEGIN PUBLIC KEY-----\n");
});

Deno.test("supernode register sends nothing of a private key and prints nothing of it", async () => {
  let calls = 0;
  await using scene = await controlScene({
    registerNode: () => Promise.resolve({ nodeId: BigInt(++calls) }),
  });
  const [pair] = await generateCredentials(1, `${scene.app}/keys`);
  const file = pair?.privateKeyPath ?? "";
  const outcome = await scene.run("supernode", "register", file, scene.app, "fed");
  assertEquals([outcome.code, calls], [1, 0]);
  assertStringIncludes(outcome.stderr, "is a private key");
  const secret = (await Deno.readTextFile(file)).split("\n")[2] ?? "";
  assertEquals(outcome.stderr.includes(secret.slice(0, 20)), false);
});

Deno.test("supernode register fails for a missing key file and for an id of 0", async () => {
  await using scene = await controlScene({ registerNode: () => Promise.resolve({ nodeId: 0n }) });
  const missing = await scene.run("supernode", "register", "no.pub", scene.app, "fed");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, '"no.pub" does not exist');
  const [pair] = await generateCredentials(1, `${scene.app}/keys`);
  const zero = await scene.run(
    ...["supernode", "register", pair?.publicKeyPath ?? "", scene.app, "fed"],
  );
  assertEquals(zero.code, 1);
  assertStringIncludes(zero.stderr, "could not be registered");
});

Deno.test("supernode unregister takes whole numbers of 64 bits", async () => {
  const gone: bigint[] = [];
  await using scene = await controlScene({
    unregisterNode({ nodeId }) {
      gone.push(nodeId);
      return Promise.resolve({});
    },
  });
  const run = (id: string, ...options: string[]) =>
    scene.run("supernode", "unregister", id, scene.app, "fed", ...options);
  const view = await run("18446744073709551615");
  assertEquals(view.stdout, "✅ SuperNode 18446744073709551615 unregistered successfully.\n");
  const json = await run("7", "--format", "json");
  assertEquals(json.stdout, '{\n  "success": true,\n  "node-id": 7\n}\n');
  assertEquals(gone, [18446744073709551615n, 7n]);

  for (const wrong of ["abc", "1.5", "0x10", "1e3"]) {
    const refused = await run(wrong);
    assertEquals(refused.code, 2, wrong);
    assertStringIncludes(refused.stderr, `"${wrong}"`);
  }
  const tooLarge = await run("18446744073709551616", "--format", "json");
  assertEquals(tooLarge.code, 1);
  assertStringIncludes(tooLarge.stdout, '"error-message": "Value out of range');
  assertEquals(gone.length, 2);
});

Deno.test("supernode unregister asks on a terminal whether it is meant, and not with --yes", async () => {
  const gone: bigint[] = [];
  await using scene = await controlScene({
    unregisterNode({ nodeId }) {
      gone.push(nodeId);
      return Promise.resolve({});
    },
  });
  const questions: string[] = [];
  const run = (answer: boolean, ...options: string[]) => {
    const confirm = (question: string) => questions.push(question) > 0 && answer;
    const args = ["supernode", "unregister", "7", scene.app, "fed", ...options];
    return cliCommand(args, { ...recordingTerminal(), confirm });
  };
  await assertRejects(() => run(false), ExitError, "Nothing was changed.");
  assertEquals(gone, []);
  assertEquals(await run(true), 0);
  assertStringIncludes(questions[1] ?? "", "7? Its key can never be registered again");
  assertEquals(await run(false, "--yes"), 0);
  assertEquals([questions.length, gone], [2, [7n, 7n]]);
});

Deno.test("a refusal is one sentence and a remedy, with exit code 1 in both formats", async () => {
  await using scene = await controlScene({
    unregisterNode: () =>
      Promise.reject(new StatusError("NOT_FOUND", "Node ID not found for account")),
  });
  const view = await scene.run("supernode", "unregister", "12345", scene.app, "fed");
  assertEquals([view.code, view.stdout], [1, ""]);
  assertStringIncludes(view.stderr, "no SuperNode with this ID");
  assertStringIncludes(view.stderr, "\nList them with");
  const json = await scene.run("supernode", "unregister", "1", scene.app, "fed", "--format=json");
  assertEquals([json.code, json.stderr], [1, ""]);
  const { success, "error-message": message } = JSON.parse(json.stdout);
  assertEquals([success, message], [false, view.stderr.trim()]);
});
