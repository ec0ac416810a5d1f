/**
 * The version of a database's rows: checked, and brought forward, before anything else is read.
 *
 * @module
 */

import { ExitError } from "../../terminal/errors.ts";
import { commit } from "./commit.ts";
import { keys, SCHEMA_VERSION, type SchemaRow } from "./layout.ts";

/**
 * Makes rows of one version those of the next. It may have been begun before and cut short, and another
 * SuperLink that shares the database may be at it, so it must come to the same when it is done again.
 */
export type Migration = (kv: Deno.Kv) => Promise<void>;

/** A layout and how older ones become it. */
export interface Schema {
  readonly version: number;
  /** By the version that each begins with. */
  readonly migrations: ReadonlyMap<number, Migration>;
}

const SCHEMA: Schema = {
  version: SCHEMA_VERSION,
  migrations: new Map<number, Migration>([
    // Version 2 adds `burned`, `import` and `import-node` and changes no row. A Trellis of version 1
    // must not open it: it would register burned keys and leave imports half done.
    [1, () => Promise.resolve()],
  ]),
};

/**
 * Marks a database as a SuperLink's, and brings the rows of an older Trellis forward. Throws an
 * {@linkcode ExitError}, and closes it, when it is another program's or a newer Trellis's.
 */
export async function stamp(kv: Deno.Kv, place: string, schema = SCHEMA): Promise<void> {
  let version = await requireKnown(kv, place, schema);
  while (version !== schema.version) {
    const found = await kv.get<SchemaRow>(keys.schema);
    if (version === undefined && await hasAnyKey(kv)) {
      // Another SuperLink that shares it may have been faster.
      if ((await kv.get(keys.schema)).value === null) throw foreign(kv, place);
    } else {
      const next: number = version === undefined ? schema.version : version + 1;
      if (version !== undefined) await schema.migrations.get(version)?.(kv);
      const row: SchemaRow = { program: "trellis-superlink", version: next };
      await commit(kv.atomic().check(found).set(keys.schema, row));
    }
    version = await requireKnown(kv, place, schema);
  }
}

/**
 * The version of a database, if it has one. Throws an {@linkcode ExitError}, and closes it, when it is
 * another program's or newer than the layout that is known here.
 */
export async function requireKnown(
  kv: Deno.Kv,
  place: string,
  schema = SCHEMA,
): Promise<number | undefined> {
  const { value } = await kv.get<SchemaRow>(keys.schema);
  if (value === null) return undefined;
  const { program, version } = value;
  if (program !== "trellis-superlink") throw foreign(kv, place);
  if (version <= schema.version) return version;
  kv.close();
  throw new ExitError(
    `The database "${place}" was written by a newer Trellis (its layout is version ${version}, ` +
      `this one knows ${schema.version}).`,
    { remedy: "Use that Trellis or a newer one, or choose another database." },
  );
}

async function hasAnyKey(kv: Deno.Kv): Promise<boolean> {
  for await (const _ of kv.list({ prefix: [] }, { limit: 1 })) return true;
  return false;
}

function foreign(kv: Deno.Kv, place: string): ExitError {
  kv.close();
  return new ExitError(
    `The database "${place}" is not a Trellis database: its Deno KV data is another program's.`,
    { remedy: "Choose another database; a file that does not exist yet will be made." },
  );
}
