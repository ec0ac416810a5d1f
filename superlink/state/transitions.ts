import { delay } from "@std/async";
import { Contention } from "./commit.ts";
import { OneAtATime } from "./one_at_a_time.ts";

/** How often a transition is begun anew when somebody else is faster. */
const MAX_ATTEMPTS = 30;
/** The longest pause before that, in milliseconds; pauses begin short and are random. */
const MAX_PAUSE_MS = 64;

/**
 * The transitions of subjects: in turns within this process, and begun anew when a commit finds that
 * another process came between. A transition reads what it decides on inside of its turn, and leaves
 * nothing in memory until its commit has held.
 */
export class Transitions<Key> {
  readonly #turns = new OneAtATime<Key>();

  run<T>(key: Key, transition: () => Promise<T>): Promise<T> {
    return this.#turns.run(key, () => untilUncontended(transition));
  }
}

/** Does a transition until nobody comes between. Throws its {@linkcode Contention} in the end. */
export async function untilUncontended<T>(transition: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await transition();
    } catch (error) {
      if (!(error instanceof Contention) || attempt === MAX_ATTEMPTS) throw error;
      await delay(Math.random() * Math.min(2 ** attempt, MAX_PAUSE_MS));
    }
  }
}
