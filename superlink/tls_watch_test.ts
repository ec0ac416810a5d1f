import { join } from "node:path";
import { connect } from "node:tls";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { delay } from "@std/async";
import { generateCertificates } from "../keys/certificates.ts";
import type { Address } from "../wire/address.ts";
import { loadServerTls, type ServerTlsFiles } from "../wire/tls.ts";
import { FleetClient, PLANES } from "./testing/fleet_client.ts";
import { LogLines } from "./testing/log_lines.ts";
import { startTestSuperLink } from "./testing/test_superlink.ts";
import { watchTlsFiles } from "./tls_watch.ts";

const PERIOD_MS = 20;

async function inFolder(play: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await play(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes certificates and puts them where the server has them. */
async function replaceFiles(folder: string): Promise<ServerTlsFiles> {
  const made = await generateCertificates(join(folder, crypto.randomUUID()));
  const files = {
    certificateFile: join(folder, "server.pem"),
    keyFile: join(folder, "server.key"),
    caFile: join(folder, "ca.crt"),
  };
  await Deno.copyFile(made.serverKeyPath, files.keyFile);
  await Deno.copyFile(made.caCertificatePath, files.caFile);
  await Deno.copyFile(made.serverCertificatePath, files.certificateFile);
  return files;
}

/** The fingerprint of the certificate that a new connection is shown. */
function shownBy({ host, port }: Address): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().fingerprint256);
    socket.destroy();
  });
  socket.on("error", reject);
  return promise;
}

for (const plane of PLANES) {
  Deno.test(`Over ${plane} a changed certificate is shown to new connections, and a held call goes on`, () =>
    inFolder(async (folder) => {
      const files = await replaceFiles(folder);
      const { tls } = await loadServerTls(files);
      await using link = await startTestSuperLink({ tls, holdMs: 1_500 });
      const logged = new LogLines();
      using _watch = watchTlsFiles(files, tls, {
        ...{ changed: link.changeTls, log: logged.log, periodMs: PERIOD_MS },
      });
      const security = { insecure: false, rootCertificatesPem: tls.caPem } as const;
      using node = await FleetClient.create(link, { plane, security });
      const nodeId = await node.register();
      await node.activate();
      const address = plane === "HTTP" ? link.httpAddress : link.fleetAddress;
      const before = await shownBy(address);

      let answered = false;
      await node.pull(nodeId);
      const held = node.pull(nodeId).then(() => answered = true);
      await replaceFiles(folder);
      await logged.untilLogged("superlink.tls-changed");
      assertNotEquals(await shownBy(address), before);
      assertEquals(answered, false, "the call is still held");
      await held;
    }));
}

for (const plane of PLANES) {
  Deno.test(`Over ${plane} ten certificates one after the other turn nobody away for long`, () =>
    inFolder(async (folder) => {
      const files = await replaceFiles(folder);
      const first = (await loadServerTls(files)).tls;
      await using link = await startTestSuperLink({ tls: first });
      const address = plane === "HTTP" ? link.httpAddress : link.fleetAddress;
      let refused = 0;
      let changing = true;
      const seen = new Set([await shownBy(address)]);
      const connects = async () => {
        for (let inARow = 0; changing;) {
          try {
            seen.add(await shownBy(address));
            inARow = 0;
          } catch {
            refused++;
            assert(++inARow <= 2, "A peer that asks again a moment later is heard.");
            await delay(PERIOD_MS);
          }
        }
      };
      const change = async () => {
        try {
          for (let count = 0; count < 10; count++) {
            const before = seen.size;
            await link.changeTls((await loadServerTls(await replaceFiles(folder))).tls);
            while (seen.size === before) await delay(1);
          }
        } finally {
          changing = false;
        }
      };
      await Promise.all([change(), connects(), connects(), connects()]);
      assertEquals(seen.size, 11);
      if (plane === "gRPC") assertEquals(refused, 0);
    }));
}

Deno.test("Files that cannot be used change nothing, which is said once", () =>
  inFolder(async (folder) => {
    const files = await replaceFiles(folder);
    const { tls } = await loadServerTls(files);
    const logged = new LogLines();
    const changes: string[] = [];
    using _watch = watchTlsFiles(files, tls, {
      changed: ({ certificatePem }) => Promise.resolve(void changes.push(certificatePem)),
      ...{ log: logged.log, periodMs: 1 },
    });
    const key = await Deno.readTextFile(files.keyFile);
    await Deno.writeTextFile(files.keyFile, "half a key");
    await logged.untilLogged("superlink.tls-not-changed");
    await Deno.writeTextFile(files.keyFile, key);
    await replaceFiles(folder);
    await logged.untilLogged("superlink.tls-changed");
    assertEquals(changes, [await Deno.readTextFile(files.certificateFile)]);
  }));
