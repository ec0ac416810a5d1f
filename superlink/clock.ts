/** The time as the SuperLink's rules take it. */
export interface Clock {
  /** Microseconds since the epoch, as an exact integer. */
  nowMicros(): number;
}

/** The machine's clock, in steps of a millisecond. */
export const systemClock: Clock = { nowMicros: () => Date.now() * 1000 };
