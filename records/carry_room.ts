/**
 * Objects that travel in the call of their messages, where both sides are Trellis's. A small object
 * costs a call what a large one does, and a SuperNode's calls are signed; Flower's peers neither ask
 * for this nor get it.
 *
 * @module
 */

/** How many bytes of objects a call carries at most. */
export const CARRY_BYTES = 512 * 1024;

/** An object that is larger has a call of its own. */
const MAX_OBJECT_BYTES = 32 * 1024;

/** An object that travels with its message. */
export interface CarriedObject {
  /** Lower-case hex SHA-256 of its bytes. */
  readonly objectId: string;
  readonly content: Uint8Array;
}

/** What is left of the room for objects in one call. */
export class CarryRoom {
  #leftBytes: number;

  /** As much as the other side takes, in bytes; 0 where it is not Trellis. */
  constructor(takenBytes: bigint | number) {
    this.#leftBytes = Math.min(Number(takenBytes), CARRY_BYTES);
  }

  /** Whether there is none left. */
  get isFull(): boolean {
    return this.#leftBytes <= 0;
  }

  /** Gives an object of this size a place, if it is small. When there was none, the room is full. */
  take(sizeBytes: number): boolean {
    if (sizeBytes > MAX_OBJECT_BYTES) return false;
    const fits = sizeBytes <= this.#leftBytes;
    this.#leftBytes = fits ? this.#leftBytes - sizeBytes : 0;
    return fits;
  }
}
