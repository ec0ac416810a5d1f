/**
 * The folders of apps that are run.
 *
 * @module
 */

import { join } from "node:path";

/** Copies a folder with all that is below it, but for hidden files and what Python compiled. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (name === "__pycache__" || name.startsWith(".")) continue;
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Where an app's SuperLink is. */
export interface Federation {
  readonly address: string;
  /** A file, also relative to the app's folder; without one the connection is plain text. */
  readonly rootCertificates: string | undefined;
}

/** Makes `local-deployment` the only federation of the app in a folder. */
export async function setFederation(
  folder: string,
  { address, rootCertificates }: Federation,
): Promise<void> {
  const security = rootCertificates === undefined
    ? "insecure = true"
    : `root-certificates = ${JSON.stringify(rootCertificates)}`;
  const own = await dropFederations(folder);
  await Deno.writeTextFile(
    join(folder, "pyproject.toml"),
    `${own}
[tool.flwr.federations]
default = "local-deployment"

[tool.flwr.federations.local-deployment]
address = "${address}"
${security}
`,
  );
}

/** Takes the federations out of an app's `pyproject.toml`, where they are last; gives what is left. */
export async function dropFederations(folder: string): Promise<string> {
  const path = join(folder, "pyproject.toml");
  const [own = ""] = (await Deno.readTextFile(path)).split("[tool.flwr.federations]");
  const text = `${own.trimEnd()}\n`;
  await Deno.writeTextFile(path, text);
  return text;
}
