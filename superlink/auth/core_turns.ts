/**
 * Turns for work that keeps a core busy on a thread of its own, such as a verification. A hundred of
 * them at once are done no sooner than as many as the machine has cores, and the one thread that does
 * all else would get a hundredth of the machine meanwhile.
 *
 * @module
 */

/** At most as many pieces of work at once as there are cores; the others wait, first come first. */
export class CoreTurns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(cores = navigator.hardwareConcurrency) {
    // A platform that does not say how many has one.
    this.#free = cores || 1;
  }

  /** What `work` gives or throws, once it has had its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
