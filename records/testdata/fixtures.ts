/** One object of a fixture. */
export interface VectorObject {
  readonly object_id: string;
  readonly type: string;
  readonly children: readonly string[];
  readonly head: string;
  readonly body_length: number;
  readonly content_length: number;
  /** Left out for the one chunk of 5 MiB zero bytes. */
  readonly content_hex?: string;
}

/** One case of `objects.json`. */
export interface VectorCase {
  readonly name: string;
  readonly root_object_id: string;
  readonly objects_in_post_order: readonly VectorObject[];
  readonly object_tree_proto_hex: string;
  readonly recorddict_proto_hex?: string;
  readonly pushed_message_proto_hex?: string;
}

interface Vectors {
  readonly cases: readonly VectorCase[];
  readonly cases_flwr_1_42_only: readonly VectorCase[];
  readonly context: { readonly context_proto_hex: string };
}

interface RandomMessages {
  readonly messages: readonly {
    readonly root: string;
    readonly objects: Readonly<Record<string, string>>;
    readonly tree: string;
    readonly pushed: string;
    readonly context: string | null;
  }[];
}

/** Test vectors of the object format, made with flwr 1.25.0. */
export const vectors: Vectors = read("objects.json");

/** Random messages, made with flwr 1.25.0. */
export const randomMessages: RandomMessages = read("random_messages.json");

/** The vectors of one case. */
export function vectorCase(name: string): VectorCase {
  const found = [...vectors.cases, ...vectors.cases_flwr_1_42_only].find((c) => c.name === name);
  if (found === undefined) throw new Error(`There is no case '${name}'`);
  return found;
}

/** The contents of a case's objects by id. */
export function contentsOf(vector: VectorCase): Map<string, Uint8Array> {
  return new Map(
    vector.objects_in_post_order.map(({ object_id, head, body_length, content_hex }) => {
      if (content_hex !== undefined) return [object_id, Uint8Array.fromHex(content_hex)];
      // The one content that is left out: zero bytes behind their head.
      const headBytes = new TextEncoder().encode(`${head}\0`);
      const content = new Uint8Array(headBytes.length + body_length);
      content.set(headBytes);
      return [object_id, content];
    }),
  );
}

function read<T>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(name, import.meta.url)));
}
