/**
 * `health`: whether a SuperLink serves, for supervisors and container engines.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import { formatAddress } from "../wire/address.ts";
import { diagnoseConnection } from "../wire/diagnose.ts";
import { offeredTransport } from "../wire/transport.ts";
import type { Command } from "./command_tree.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";

/** `trellis health`. */
export const healthCommand: Command = {
  spec: {
    name: "trellis health",
    summary: "Exit with 0 when a SuperLink serves, and with 1 when it does not.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
    epilogue: [
      "It needs no token, and leaves no line in a log. In a Dockerfile:",
      "  HEALTHCHECK CMD trellis health --superlink localhost:8000 --root-certificates ca.crt",
    ].join("\n"),
  },
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const { address, security } = await findConnection(positionals, processContext(flags));
      const transport = await offeredTransport(address, security);
      if (transport === undefined) {
        const problem = await diagnoseConnection(address, security, { transport: "auto" });
        throw new ExitError(
          problem?.sentence ?? `The SuperLink at ${formatAddress(address)} does not serve now.`,
        );
      }
      const sentence = `The SuperLink at ${formatAddress(address)} serves.`;
      return {
        json: { "success": true, "transport": transport },
        view: terminal.paint(sentence, "green"),
      };
    }),
};
