/**
 * Tokens of a SuperLink, asked for over its API, or on its database while it does not serve: that is
 * where the first one comes from.
 *
 * @module
 */

import type { MessageShape } from "@bufbuild/protobuf";
import type { Access, Token } from "../proto/gen/trellis/v1/access_pb.ts";
import { auditPlaceOf } from "../superlink/audit/flags.ts";
import { textFlag } from "../terminal/flags.ts";
import type { RawFlags } from "../terminal/flags.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { StatusError } from "../wire/status.ts";
import { withControl } from "./control.ts";
import { AUDIT_LOG_FLAG } from "./database.ts";
import { findConnection, processContext } from "./target.ts";
import { onlyTrellis } from "./trellis_only.ts";

/** What there is to ask. */
export interface AccessClient {
  createToken(wanted: NewToken): Promise<{ readonly token: Token; readonly secret: string }>;
  listTokens(): Promise<MessageShape<typeof Access.method.listTokens.output>>;
  revokeToken(id: string): Promise<Token>;
}

/** A token that is to be made. */
export interface NewToken {
  readonly name: string;
  readonly role: string;
  readonly lifeS?: bigint;
}

/** `--database`. */
export const DATABASE_FLAG = textFlag(
  "database",
  "PATH",
  "Work on the database of a SuperLink that is stopped, instead of asking one. The first token of " +
    "a SuperLink is made so.",
);

/** Opens what the command line names, and lets `work` ask. */
export async function withAccess<T>(
  target: readonly string[],
  flags: RawFlags,
  work: (access: AccessClient) => Promise<T>,
): Promise<T> {
  const place = DATABASE_FLAG.of(flags);
  if (place === undefined) {
    if (AUDIT_LOG_FLAG.of(flags) !== undefined) {
      throw new UsageError(
        "--audit-log goes with --database: a SuperLink that serves knows its own.",
      );
    }
    const connection = await findConnection(target, processContext(flags));
    const { Access: { method } } = await import("../proto/gen/trellis/v1/access_pb.ts");
    return await withControl(connection, ({ call }) =>
      work({
        async createToken(wanted) {
          const { token, secret } = await onlyTrellis(() => call(method.createToken, wanted));
          if (token) return { token, secret };
          throw new StatusError("INTERNAL", "There is no token in the answer.");
        },
        listTokens: () => onlyTrellis(() => call(method.listTokens, {})),
        async revokeToken(id) {
          const { token } = await onlyTrellis(() => call(method.revokeToken, { id }));
          if (token) return token;
          throw new StatusError("INTERNAL", "There is no token in the answer.");
        },
      }));
  }
  if (target.length > 0 || processContext(flags).named) {
    throw new UsageError("--database works on a file, so it goes with no name of a SuperLink.");
  }
  if (place.startsWith(":")) {
    throw new ExitError(`The database "${place}" is kept in memory: there is nothing to work on.`, {
      remedy: "Give --database a file, here and to `trellis superlink`.",
    });
  }
  const { withStoredAccess } = await import("../superlink/access/stored_access.ts");
  return await withStoredAccess(place, auditPlaceOf(flags), work);
}
