/**
 * Keys and certificates for scenes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runCommand } from "./process.ts";
import type { Scene } from "./scene.ts";

/** The files of a certificate for `127.0.0.1` and `localhost`. */
export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A key pair in the files that `ssh-keygen` writes. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

async function succeed(scene: Scene, command: string, ...args: string[]): Promise<void> {
  const outcome = await runCommand({ name: command, command, args, cwd: scene.folder });
  assertEquals(outcome.code, 0, outcome.stderr);
}

/** Makes a key pair as Flower's guide does, with `ssh-keygen`. */
export async function makeKeyPair(scene: Scene, name: string, bits = 384): Promise<KeyPair> {
  const privateKey = scene.path(name);
  const kind = ["-t", "ecdsa", "-b", String(bits)];
  await succeed(scene, "ssh-keygen", "-q", ...kind, "-N", "", "-C", name, "-f", privateKey);
  return { privateKey, publicKey: `${privateKey}.pub` };
}

/** Makes a CA and a server certificate for the loopback interface. */
export async function makeCertificates(scene: Scene): Promise<Certificates> {
  const folder = scene.path("certificates");
  const ca = `${folder}/ca.crt`, certificate = `${folder}/server.pem`, key = `${folder}/server.key`;
  await Deno.mkdir(folder, { recursive: true });
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await succeed(
    scene,
    "openssl",
    "req",
    "-x509",
    ...ec,
    "-subj",
    "/CN=CA",
    "-keyout",
    `${folder}/ca.key`,
    "-out",
    ca,
  );
  await succeed(
    scene,
    "openssl",
    "req",
    "-x509",
    ...ec,
    "-subj",
    "/CN=localhost",
    "-CA",
    ca,
    "-CAkey",
    `${folder}/ca.key`,
    "-addext",
    "subjectAltName=IP:127.0.0.1,DNS:localhost",
    "-addext",
    "basicConstraints=critical,CA:false",
    "-keyout",
    key,
    "-out",
    certificate,
  );
  return { ca, certificate, key };
}
