import { StatusError } from "../../wire/status.ts";

/**
 * Commits, and gives the new versionstamp, or `undefined` when a check did not hold. A database that cannot write (a full disk, say) is
 * `UNAVAILABLE`: the one status on which every SuperNode comes back.
 */
export async function commit(operation: Deno.AtomicOperation): Promise<string | undefined> {
  try {
    const result = await operation.commit();
    return result.ok ? result.versionstamp : undefined;
  } catch (cause) {
    throw new StatusError("UNAVAILABLE", "The SuperLink cannot write its state right now.", {
      cause,
    });
  }
}
