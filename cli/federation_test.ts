import { assertEquals } from "@std/assert";
import { controlScene } from "./testing/control_server.ts";

const NOW = "2026-11-23T11:12:46+00:00";

const FEDERATION = {
  name: "default",
  memberAids: ["<id:none>"],
  nodes: [
    {
      nodeId: 7957158985979823750n,
      ownerName: "<name:none>",
      status: "online",
      registeredAt: "2026-11-23T11:08:27+00:00",
    },
    {
      nodeId: 5n,
      ownerName: "<name:none>",
      status: "unregistered",
      registeredAt: "2026-11-23T11:08:28+00:00",
    },
  ],
  runs: [
    {
      runId: 4294344937656652130n,
      fabId: "acme/myapp",
      fabVersion: "1.0.0",
      pendingAt: "2026-11-23T11:10:02+00:00",
      runningAt: "2026-11-23T11:10:03+00:00",
      finishedAt: "2026-11-23T11:10:12.222330+00:00",
      status: { status: "finished", subStatus: "completed", details: "" },
    },
    {
      runId: 7n,
      fabId: "acme/myapp",
      fabVersion: "1.0.0",
      pendingAt: "2026-11-23T11:10:01+00:00",
      status: { status: "pending", subStatus: "", details: "" },
    },
  ],
};

Deno.test("federation list shows the names, and its JSON is a bare list", async () => {
  await using scene = await controlScene({
    listFederations: () => Promise.resolve({ federations: [{ name: "default" }] }),
  });
  const view = await scene.run("federation", "list", scene.app, "fed");
  assertEquals(
    view.stdout,
    `\
┏━━━━━━━━━━━━┓
┃ Federation ┃
┡━━━━━━━━━━━━┩
│ default    │
└────────────┘
`,
  );
  const json = await scene.run("federation", "ls", scene.app, "fed", "--format", "json");
  assertEquals(json.stdout, '[\n  {\n    "name": "default"\n  }\n]\n');
});

Deno.test("federation show has members, SuperNodes that are registered, and runs", async () => {
  const asked: string[] = [];
  await using scene = await controlScene({
    showFederation({ federationName }) {
      asked.push(federationName);
      return Promise.resolve({ federation: FEDERATION, now: NOW });
    },
  });
  const view = await scene.run("federation", "show", scene.app, "fed");
  assertEquals(
    view.stdout,
    `\
  Federation Members
┏━━━━━━━━━━━━┳━━━━━━━━┓
┃ Account ID ┃  Role  ┃
┡━━━━━━━━━━━━╇━━━━━━━━┩
│ <id:none>  │ Member │
└────────────┴────────┘
      SuperNodes in the Federation
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━┓
┃       Node ID       ┃ Owner  ┃ Status ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━┩
│ 7957158985979823750 │ <none> │ online │
└─────────────────────┴────────┴────────┘
                           Runs in the Federation
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━┓
┃       Run ID        ┃        App         ┃       Status       ┃ Elapsed  ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━┩
│ 7                   │ @acme/myapp==1.0.0 │ pending            │ 00:00:00 │
├─────────────────────┼────────────────────┼────────────────────┼──────────┤
│ 4294344937656652130 │ @acme/myapp==1.0.0 │ finished:completed │ 00:00:09 │
└─────────────────────┴────────────────────┴────────────────────┴──────────┘
`,
  );
  const json = await scene.run("federation", "show", scene.app, "fed", "--format", "json");
  assertEquals(JSON.parse(json.stdout), [
    [{ member_id: "<id:none>", role: "Member" }],
    [
      { node_id: "7957158985979823750", owner: "<name:none>", status: "online" },
      { node_id: "5", owner: "<name:none>", status: "unregistered" },
    ],
    [
      { run_id: "7", app: "@acme/myapp==1.0.0", status: "pending", elapsed: 0 },
      {
        run_id: "4294344937656652130",
        app: "@acme/myapp==1.0.0",
        status: "finished:completed",
        elapsed: 9.22233,
      },
    ],
  ]);
  assertEquals(asked, ["default", "default"]);
});
