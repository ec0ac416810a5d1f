import { encodeJsonString, JsonCursor } from "./python_json.ts";
import { RecordError } from "./record_error.ts";

/** The body of an Array object: everything of the array but its bytes. */
export interface ArrayBody {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly stype: string;
  /** For each slice of the data, in order, the index of its chunk among the head's children. */
  readonly chunkIndexes: readonly number[];
}

/** The JSON text of an Array object's body, exactly as Flower 1.25 writes it. */
export function encodeArrayBody(body: ArrayBody): string {
  return `{"dtype": ${encodeJsonString(body.dtype)}, "shape": [${body.shape.join(", ")}], ` +
    `"stype": ${encodeJsonString(body.stype)}, "arraychunk_ids": [${
      body.chunkIndexes.join(", ")
    }]}`;
}

/**
 * Reads the JSON text of an Array object's body, its members in any order.
 *
 * @throws {RecordError} when a member is missing, unknown, twice there or of another type.
 */
export function decodeArrayBody(text: string): ArrayBody {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let stype: string | undefined;
  let chunkIndexes: number[] | undefined;
  const cursor = new JsonCursor(text);
  const integers = () => {
    const items: number[] = [];
    cursor.list(() => items.push(cursor.integer()));
    return items;
  };
  cursor.object((key) => {
    if (key === "dtype") dtype = cursor.string();
    else if (key === "shape") shape = integers();
    else if (key === "stype") stype = cursor.string();
    else if (key === "arraychunk_ids") chunkIndexes = integers();
    else throw new RecordError(`The Array object has an unknown member '${key.slice(0, 64)}'.`);
  });
  cursor.end();
  if (
    dtype === undefined || shape === undefined || stype === undefined || chunkIndexes === undefined
  ) {
    throw new RecordError(
      "The Array object lacks one of 'dtype', 'shape', 'stype' and 'arraychunk_ids'.",
    );
  }
  return { dtype, shape, stype, chunkIndexes };
}
