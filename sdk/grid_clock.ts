/** Time as a {@linkcode Grid} sees it: a parameter, so that tests need not wait. */
export interface GridClock {
  /** Unix time in milliseconds. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** The machine's own clock. */
export const systemGridClock: GridClock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
