/**
 * Who may call the Control API. The open Flower asks nobody for credentials, which is right on a port
 * that only trusted people reach. A SuperLink that the whole world reaches asks for a token.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingCall } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";

/** Anybody who reaches it, nobody, or who knows the token (as bearer of an `Authorization`). */
export type ControlAccess =
  | { readonly kind: "anybody" }
  | { readonly kind: "nobody" }
  | { readonly kind: "token"; readonly token: string };

/** Throws `UNAUTHENTICATED` or `PERMISSION_DENIED` when a call may not be made. */
export function requireAccess({ headers }: IncomingCall, access: ControlAccess): void {
  if (access.kind === "anybody") return;
  if (access.kind === "nobody") {
    const detail = "The Control API is closed. The SuperLink's operator decides who may call it.";
    throw new StatusError("PERMISSION_DENIED", detail);
  }
  const bearer = /^Bearer +(\S+)$/i.exec(headers.text("authorization") ?? "")?.[1] ?? "";
  if (timingSafeEqual(digest(bearer), digest(access.token))) return;
  throw new StatusError("UNAUTHENTICATED", "Not authenticated", {
    http: { status: 401, detail: "Not authenticated", authenticate: "Bearer" },
  });
}

/** Of one length, whatever was sent. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
