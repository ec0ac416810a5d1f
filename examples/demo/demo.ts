/**
 * A federation with authenticated SuperNodes in half a minute: `deno task demo`. It trains an app in
 * TypeScript, refuses a stranger, and cuts a SuperNode off. Real processes talk over real TLS; every
 * step is checked, and the exit code is not 0 if one differs from what it should be.
 *
 * @module
 */

import { expect, showLog, Stage, tell } from "./stage.ts";

/** The id in `SuperNode 123 registered successfully.` */
function registeredId(stdout: string): string {
  const id = stdout.match(/SuperNode (\d+) registered successfully/)?.[1];
  expect(id !== undefined, "the new node's id is shown.");
  return id;
}

/** The losses in the lines `RESULT round=1 … eval-loss=0.31 …`, round by round. */
function lossesIn(stdout: string): number[] {
  return Array.from(stdout.matchAll(/^RESULT .*eval-loss=(\S+)/gm), ([, loss]) => Number(loss));
}

async function play(stage: Stage): Promise<void> {
  console.log(`\`trellis\` stands for \`deno run -A main.ts\`; the demo plays in ${stage.folder}.`);

  tell("A key pair for each SuperNode, and certificates for the SuperLink.");
  await stage.run("keys generate 3");
  await stage.run("certs generate");

  tell("A SuperLink that lets only registered SuperNodes in.");
  const superlink = await stage.start(
    "SuperLink",
    "superlink --ssl-ca-certfile certificates/ca.crt --ssl-certfile certificates/server.pem " +
      "--ssl-keyfile certificates/server.key --enable-supernode-auth --no-http " +
      "--dashboard-address none " +
      `--fleet-api-address ${stage.fleetAddress} --control-api-address ${stage.controlAddress} ` +
      `--serverappio-api-address ${stage.appAddress}`,
    /SuperLink is ready/,
  );

  const logged = superlink.lines.length;

  tell("Register two of the three public keys.");
  const ids: string[] = [];
  for (const number of [1, 2]) {
    const { stdout } = await stage.run(
      `supernode register keys/client_credentials_${number}.pub iris local-deployment`,
    );
    ids.push(registeredId(stdout));
  }
  const [first = "", second = ""] = ids;
  const row = (id: string, status: string) => new RegExp(`${id}\\b.*\\b${status}\\b`);

  tell("Start both SuperNodes. They prove that they hold the private keys.");
  const supernode = (number: number) =>
    "supernode --root-certificates certificates/ca.crt " +
    `--superlink ${stage.fleetAddress} ` +
    `--auth-supernode-private-key keys/client_credentials_${number} ` +
    `--node-config "partition-id=${number - 1} num-partitions=2"`;
  await stage.start("SuperNode 1", supernode(1), new RegExp(first));
  await stage.start("SuperNode 2", supernode(2), new RegExp(second));
  const { stdout: both } = await stage.run("supernode list iris local-deployment");
  for (const id of ids) expect(row(id, "online").test(both), `node ${id} is online.`);

  tell("Train on the data of both: an app in TypeScript learns to tell species of iris apart.");
  const { stdout: training } = await stage.run(
    "run iris local-deployment --stream --run-config num-server-rounds=3",
  );
  const losses = lossesIn(training);
  expect(losses.length === 3, "there are three rounds.");
  expect(losses.every((loss, i) => loss < (losses[i - 1] ?? Infinity)), "the loss falls.");
  const { stdout: runs } = await stage.run("ls iris local-deployment");
  expect(/@trellis\/iris-typescript.*finished:completed/.test(runs), "the run is finished.");

  tell("A stranger, whose key nobody registered, is refused.");
  const stranger = await stage.run(supernode(3), 1);
  expect(/does not know the key/.test(stranger.stderr), "the reason for the refusal is shown.");

  tell("Unregister the first SuperNode: it is cut off, and its key never comes back.");
  await stage.run(`supernode unregister ${first} iris local-deployment`);
  const { stdout: listing } = await stage.run("supernode list iris local-deployment");
  expect(!listing.includes(first), "the unregistered node is hidden.");
  expect(row(second, "online").test(listing), "the other node is still online.");
  const { stdout: all } = await stage.run("supernode list iris local-deployment --verbose");
  expect(row(first, "unregistered").test(all), "--verbose shows the unregistered node.");
  const again = await stage.run(
    "supernode register keys/client_credentials_1.pub iris local-deployment",
    1,
  );
  expect(/already in use/.test(again.stderr), "the key of an unregistered node is refused.");

  tell("What the SuperLink logged meanwhile.");
  showLog(superlink, logged, /^[A-Z]+ +\d/);
}

/** Rejects on Ctrl-C, so that the demo cleans up. */
function interruption(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => reject(new Error(`Interrupted (${signal}).`)));
  }
  return promise;
}

const stage = await Stage.open();
let code = 0;
try {
  await Promise.race([play(stage), interruption()]);
  tell("That went as it should. Stopping everything.");
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  code = 1;
} finally {
  await stage.close();
}
Deno.exit(code);
