/** Visits in a row that may fail before that is the bench's end. */
const MAX_FAILURES = 4;

/** A visit that went as it should, and how many before it did not. */
export interface WholeVisit<T> {
  readonly result: T;
  readonly failures: number;
}

/**
 * Repeats a visit that fails. Flower 1.25.0 loses a message at times (its SuperLink answers
 * "Both bytes_sent and bytes_recv cannot be zero"), and its run then waits for the reply for ever.
 */
export async function wholeVisit<T>(visit: () => Promise<T>): Promise<WholeVisit<T>> {
  for (let failures = 0;; failures++) {
    try {
      return { result: await visit(), failures };
    } catch (error) {
      if (failures === MAX_FAILURES) throw error;
    }
  }
}

/** For the line of a visit. */
export function failuresText(failures: number): string {
  return failures === 0 ? "" : `, after ${failures} that did not end`;
}
