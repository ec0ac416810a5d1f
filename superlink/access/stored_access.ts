/**
 * Tokens on the database of a SuperLink that does not serve.
 *
 * @module
 */

import { create } from "@bufbuild/protobuf";
import {
  ListTokensResponseSchema,
  type Token,
  TokenSchema,
} from "../../proto/gen/trellis/v1/access_pb.ts";
import { ExitError } from "../../terminal/errors.ts";
import { createLog } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import { audited, type AuditTrail, NO_AUDIT } from "../audit/audit.ts";
import { openAuditLog } from "../audit/audit_log.ts";
import { auditFolderFor, type AuditPlace } from "../audit/flags.ts";
import { systemClock } from "../clock.ts";
import type { ControlCaller } from "../control/caller.ts";
import { openDatabase } from "../state/database.ts";
import { AccessActions } from "./actions.ts";
import { Grants, type ListedGrant } from "./grants.ts";
import { Logins } from "./logins.ts";
import { tokenView } from "./service.ts";

/** What can be done there. */
export interface StoredAccess {
  createToken(wanted: {
    readonly name: string;
    readonly role: string;
    readonly lifeS?: bigint;
  }): Promise<{ readonly token: Token; readonly secret: string }>;
  listTokens(): Promise<ReturnType<typeof listed>>;
  revokeToken(id: string): Promise<Token>;
}

/** Who it is that works on the file. */
const BY: ControlCaller = {
  account: NO_ACCOUNT,
  peer: "this machine",
  holder: { tokenId: "database", name: "whoever may write the database", role: "admin" },
};

/**
 * Opens the database, which must not be served, and lets `work` use it. Throws an
 * {@linkcode ExitError} when it cannot be opened, or what is asked for cannot be.
 */
export async function withStoredAccess<T>(
  place: string,
  auditPlace: AuditPlace,
  work: (access: StoredAccess) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(place);
  try {
    const clock = systemClock;
    const log = createLog({ format: "text", level: "error" });
    const folder = auditFolderFor(auditPlace, database);
    await using opened = folder === undefined
      ? undefined
      : await openAuditLog(folder, { clock, log });
    const audit: AuditTrail = opened ?? NO_AUDIT;
    const grants = new Grants(database.kv, clock);
    const logins = new Logins(database.kv, grants, clock);
    const actions = new AccessActions({ grants, logins, clock, log });
    const who = { program: "trellis token, on the database" };
    return await work({
      async createToken({ name, role, lifeS }) {
        const life = lifeS === undefined ? undefined : Number(lifeS);
        const { grant, token: secret } = await audited(
          audit,
          { who, action: "token.create", subject: {} },
          () => actions.createToken({ name, role, lifeS: life }, BY),
          ({ grant }) => ({ tokenId: grant.id, role: grant.role, name: grant.name }),
        );
        return { token: messageOf(grant), secret };
      },
      listTokens: async () => listed(await actions.listTokens()),
      revokeToken: async (id) =>
        messageOf(
          await audited(
            audit,
            { who, action: "token.revoke", subject: { tokenId: id } },
            () => actions.revokeToken(id, BY),
          ),
        ),
    });
  } catch (error) {
    if (error instanceof StatusError) throw new ExitError(error.message, { cause: error });
    throw error;
  } finally {
    await database.close();
  }
}

function messageOf(grant: ListedGrant): Token {
  return create(TokenSchema, tokenView(grant, systemClock.nowMicros()));
}

function listed(grants: readonly ListedGrant[]) {
  const now = BigInt(systemClock.nowMicros());
  return create(ListTokensResponseSchema, { tokens: grants.map(messageOf), now });
}
