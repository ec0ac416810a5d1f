import { RecordError } from "./record_error.ts";

/**
 * Entries of a record: pairs in order, or an object literal. An object puts integer-like keys (`"0"`,
 * `"10"`) first, so give pairs where the keys look like that and their order matters.
 */
export type RecordEntries<V> =
  | Iterable<readonly [string, V]>
  | { readonly [key: string]: V };

/** Whether the entries come as pairs. */
function isIterable<V>(entries: RecordEntries<V>): entries is Iterable<readonly [string, V]> {
  return Symbol.iterator in entries;
}

/**
 * String keys to values, which never change once made, in the order in which they were given. The
 * order counts: it is kept on the wire, and another order is another object id.
 */
export abstract class OrderedRecord<V> implements Iterable<readonly [string, V]> {
  readonly #values = new Map<string, V>();

  /**
   * @param accept checks a value and returns what to keep of it.
   * @throws {RecordError} when a key comes twice or is not well-formed Unicode (which protobuf
   * could not carry), or by `accept`.
   */
  protected constructor(entries: RecordEntries<V>, accept: (key: string, value: V) => V) {
    const pairs = isIterable(entries) ? entries : Object.entries(entries);
    for (const [key, value] of pairs) {
      if (!key.isWellFormed()) throw new RecordError("A record's key is not well-formed Unicode.");
      if (this.#values.has(key)) throw new RecordError(`A record has the key '${key}' twice.`);
      this.#values.set(key, accept(key, value));
    }
  }

  /** The number of entries. */
  get size(): number {
    return this.#values.size;
  }

  /** The value of a key, or `undefined`. */
  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** Whether there is a value for the key. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The keys, in order. */
  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  /** The values, in the order of their keys. */
  values(): IterableIterator<V> {
    return this.#values.values();
  }

  /** The pairs of key and value, in order. */
  [Symbol.iterator](): IterableIterator<readonly [string, V]> {
    return this.#values.entries();
  }
}
