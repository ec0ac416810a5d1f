/**
 * The environment of processes under test: the machine's own, without what would change how Flower,
 * gRPC or a terminal behaves.
 *
 * @module
 */

const UNWANTED = /^(FLWR_|GRPC_|TRELLIS_|FORCE_COLOR$|CLICOLOR|COLUMNS$|LINES$|.*_proxy$)/i;

/** The environment for a process, with `added` in it. */
export function environment(
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !UNWANTED.test(name));
  return {
    ...Object.fromEntries(kept),
    FLWR_TELEMETRY_ENABLED: "0",
    FLWR_DISABLE_UPDATE_CHECK: "1",
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
    COLUMNS: "120",
    PYTHONUNBUFFERED: "1",
    ...added,
  };
}
