import { ExitError } from "../../terminal/errors.ts";
import { commit } from "./commit.ts";
import { keys, SCHEMA_VERSION, type SchemaRow } from "./layout.ts";

/**
 * Marks a database as a SuperLink's. Throws an {@linkcode ExitError}, and closes it, when it is another
 * program's or a newer Trellis's.
 */
export async function stamp(kv: Deno.Kv, place: string): Promise<void> {
  const found = await kv.get<SchemaRow>(keys.schema);
  if (found.value === null) {
    if (await hasAnyKey(kv)) {
      // Another SuperLink that shares it may have been faster.
      if ((await kv.get(keys.schema)).value !== null) return await stamp(kv, place);
      throw foreign(kv, place);
    }
    const row: SchemaRow = { program: "trellis-superlink", version: SCHEMA_VERSION };
    await commit(kv.atomic().check(found).set(keys.schema, row));
    return;
  }
  const { program, version } = found.value;
  if (program !== "trellis-superlink") throw foreign(kv, place);
  if (version > SCHEMA_VERSION) {
    kv.close();
    throw new ExitError(
      `The database "${place}" was written by a newer Trellis (its layout is version ${version}, ` +
        `this one knows ${SCHEMA_VERSION}).`,
      { remedy: "Use that Trellis or a newer one, or choose another database." },
    );
  }
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
