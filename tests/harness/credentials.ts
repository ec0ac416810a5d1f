/**
 * Keys and certificates for scenes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runCommand } from "./process.ts";
import { TRELLIS } from "./programs.ts";
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

/** Makes a key pair as Flower's guide does, with `ssh-keygen`. */
export async function makeKeyPair(scene: Scene, name: string, bits = 384): Promise<KeyPair> {
  const privateKey = scene.path(name);
  const { code, stderr } = await runCommand({
    name: "ssh-keygen",
    command: "ssh-keygen",
    args: ["-q", "-t", "ecdsa", "-b", String(bits), "-N", "", "-C", name, "-f", privateKey],
  });
  assertEquals(code, 0, stderr);
  return { privateKey, publicKey: `${privateKey}.pub` };
}

/** Makes a development CA and a server certificate for the loopback interface, with our CLI. */
export async function makeCertificates(scene: Scene): Promise<Certificates> {
  const name = "certs generate";
  const { code, stderr } = await scene.run(TRELLIS.cli, { name, args: name.split(" ") });
  assertEquals(code, 0, stderr);
  return {
    ca: scene.path("certificates", "ca.crt"),
    certificate: scene.path("certificates", "server.pem"),
    key: scene.path("certificates", "server.key"),
  };
}
