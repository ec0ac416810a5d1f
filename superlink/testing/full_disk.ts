import { StorageFailure } from "../state/commit.ts";
import type { Database } from "../state/database.ts";

/** A disk that a test fills and frees. What was written before can be read all the time. */
export class FullDisk {
  /** Whether the next write fails. */
  fails: () => boolean = () => false;

  /** Puts the disk under a database. */
  readonly under = (database: Database): Database => {
    const { kv, blobs } = database;
    return {
      ...database,
      kv: this.kv(kv),
      blobs: {
        put: (space, name, bytes) =>
          this.fails()
            ? Promise.reject(new StorageFailure(new Error("No space left on device")))
            : blobs.put(space, name, bytes),
        get: blobs.get.bind(blobs),
        delete: blobs.delete.bind(blobs),
        deleteSpace: blobs.deleteSpace.bind(blobs),
        spaces: blobs.spaces.bind(blobs),
      },
      close: () => database.close(),
    };
  };

  /** Puts the disk under a key-value store alone. */
  kv(kv: Deno.Kv): Deno.Kv {
    return new Proxy(kv, {
      get: (_, name) => {
        const member: unknown = Reflect.get(kv, name, kv);
        if (name === "atomic") return () => this.#brittle(kv.atomic());
        return typeof member === "function" ? member.bind(kv) : member;
      },
    });
  }

  #brittle(operation: Deno.AtomicOperation): Deno.AtomicOperation {
    const commit = operation.commit.bind(operation);
    operation.commit = () => {
      // As Deno 2.9 says it.
      if (this.fails()) return Promise.reject(new TypeError("database or disk is full"));
      return commit();
    };
    return operation;
  }
}
