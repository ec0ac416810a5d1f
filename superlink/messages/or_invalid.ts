import { RecordError } from "../../records/record_error.ts";
import { StatusError } from "../../wire/status.ts";

/** What is malformed in a request is `INVALID_ARGUMENT`, in words that the peer may see. */
export async function orInvalid<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new StatusError("INVALID_ARGUMENT", error.message, { cause: error });
  }
}
