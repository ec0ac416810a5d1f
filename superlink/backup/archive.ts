/**
 * A backup as one file: a SQLite database that holds files, each in pieces and with its SHA-256.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { encodeHex } from "@std/encoding";
import { ExitError } from "../../terminal/errors.ts";

/** `TRBK`: what SQLite's header calls this kind of file. */
const APPLICATION_ID = 0x5452424b;
/** A newer one is refused. */
const FORMAT_VERSION = 1;
const PIECE_BYTES = 1024 ** 2;

/** An archive that is being written. */
export class ArchiveWriter implements Disposable {
  readonly #sqlite: DatabaseSync;

  /** Makes the file `path`, which must not exist. */
  constructor(path: string) {
    // Only its owner may read what is in it.
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
    this.#sqlite = new DatabaseSync(path);
    this.#sqlite.exec(`
      pragma application_id = ${APPLICATION_ID};
      pragma user_version = ${FORMAT_VERSION};
      create table note (name text primary key, value text not null);
      create table file (path text primary key, size integer not null, sha256 text not null);
      create table piece (path text not null, n integer not null, bytes blob not null,
        primary key (path, n));
    `);
  }

  /** Notes something about the backup. */
  note(name: string, value: string): void {
    this.#sqlite.prepare("insert or replace into note values (?, ?)").run(name, value);
  }

  /** Whether there is a file of that name. */
  has(name: string): boolean {
    return this.#sqlite.prepare("select 1 from file where path = ?").get(name) !== undefined;
  }

  /** Adds a file as it is now; false when it is not there any more. */
  async add(name: string, path: string): Promise<boolean> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
    using _ = file;
    const hash = createHash("sha256");
    const insert = this.#sqlite.prepare("insert into piece values (?, ?, ?)");
    const buffer = new Uint8Array(PIECE_BYTES);
    let [n, size] = [0, 0];
    this.#sqlite.exec("begin");
    try {
      for (;;) {
        const count = await file.read(buffer);
        if (count === null) break;
        const bytes = buffer.subarray(0, count);
        hash.update(bytes);
        insert.run(name, n++, bytes);
        size += count;
      }
      this.#sqlite.prepare("insert into file values (?, ?, ?)").run(name, size, hash.digest("hex"));
      this.#sqlite.exec("commit");
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#sqlite.exec("rollback");
      throw error;
    }
    return true;
  }

  [Symbol.dispose](): void {
    this.#sqlite.close();
  }
}

/** A file of an archive. */
export interface ArchivedFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** An archive that is read. */
export class ArchiveReader implements Disposable {
  readonly #sqlite: DatabaseSync;
  readonly #path: string;

  /** Throws an {@linkcode ExitError} when the file is no backup, or a newer Trellis's. */
  constructor(path: string) {
    this.#path = path;
    let version: unknown;
    try {
      this.#sqlite = new DatabaseSync(path, { readOnly: true });
      const id = this.#sqlite.prepare("pragma application_id").get()?.["application_id"];
      if (id !== APPLICATION_ID) throw new Error("Its application id is another one.");
      version = this.#sqlite.prepare("pragma user_version").get()?.["user_version"];
    } catch (cause) {
      if (!existsSync(path)) {
        throw new ExitError(`The backup "${path}" does not exist.`, { remedy: "Check the path." });
      }
      throw new ExitError(`"${path}" is not a backup of a SuperLink.`, {
        cause,
        remedy: "Give the file that `trellis backup` wrote.",
      });
    }
    if (typeof version !== "number" || version > FORMAT_VERSION) {
      throw new ExitError(`The backup "${path}" was written by a newer Trellis.`, {
        remedy: "Restore it with that Trellis or a newer one.",
      });
    }
    this.#requireWhole();
  }

  /** The pages, and that none is missing; what is in them has its own hashes. */
  #requireWhole(): void {
    const number = (name: string) => Number(this.#sqlite.prepare(`pragma ${name}`).get()?.[name]);
    let finding: unknown;
    try {
      finding = this.#sqlite.prepare("pragma quick_check(1)").get()?.["quick_check"];
      const { size } = Deno.statSync(this.#path);
      if (size !== number("page_count") * number("page_size")) finding = "a part is missing";
    } catch (error) {
      finding = error instanceof Error ? error.message : error;
    }
    if (finding === "ok") return;
    this.#sqlite.close();
    throw new ExitError(`The backup "${this.#path}" is damaged: ${finding}.`, {
      remedy: "Take another backup.",
    });
  }

  /** What was noted, if it was. */
  noted(name: string): string | undefined {
    const value = this.#sqlite.prepare("select value from note where name = ?").get(name)
      ?.["value"];
    return typeof value === "string" ? value : undefined;
  }

  /** The files whose names begin with `prefix`. */
  files(prefix = ""): ArchivedFile[] {
    return this.#sqlite.prepare("select path, size, sha256 from file order by path").all()
      .flatMap(({ path, size, sha256 }) =>
        typeof path === "string" && typeof size === "number" && typeof sha256 === "string" &&
          path.startsWith(prefix)
          ? [{ name: path, sizeBytes: size, sha256 }]
          : []
      );
  }

  /** Writes a file to `path`, synced. Throws an {@linkcode ExitError} when it is not what it was. */
  async extract({ name, sizeBytes, sha256 }: ArchivedFile, path: string): Promise<void> {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    using file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    const hash = createHash("sha256");
    let size = 0;
    const pieces = this.#sqlite.prepare("select bytes from piece where path = ? order by n");
    for (const { bytes } of pieces.iterate(name)) {
      if (!(bytes instanceof Uint8Array)) break;
      hash.update(bytes);
      size += bytes.length;
      for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
    }
    await file.sync();
    if (size === sizeBytes && encodeHex(hash.digest()) === sha256) return;
    throw new ExitError(`The backup "${this.#path}" is damaged: ${name} is not what it was.`, {
      remedy: "Take another backup.",
    });
  }

  [Symbol.dispose](): void {
    this.#sqlite.close();
  }
}

/** The files below a folder, as names with `/`; none when there is no folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      // What is being written has a name with a dot at its beginning.
      if (name.startsWith(".")) continue;
      if (isFile) names.push(name);
      if (!isDirectory) continue;
      names.push(...(await filesBelow(join(folder, name))).map((below) => `${name}/${below}`));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}
