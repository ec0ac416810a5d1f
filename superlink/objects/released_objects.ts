/** How many are remembered; each takes about 200 bytes. */
const LIMIT = 20_000;

/**
 * Objects that were stored and are not needed any more, the latest ones. A peer that did not get the
 * answer to its push, because the SuperLink was killed or the connection broke, pushes again when
 * the receiver may have fetched and confirmed the message: told that its object is not wanted, an
 * app ends.
 */
export class ReleasedObjects {
  /** In the order in which they were let go. */
  readonly #ids = new Set<string>();

  add(runId: bigint, objectId: string): void {
    const id = `${runId}/${objectId}`;
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= LIMIT) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }

  has(runId: bigint, objectId: string): boolean {
    return this.#ids.has(`${runId}/${objectId}`);
  }
}
