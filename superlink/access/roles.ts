/**
 * What a token allows. Each role may do what the one before it may.
 *
 * | role | may |
 * |---|---|
 * | viewer | look: lists, logs, events |
 * | operator | start and stop runs, and fetch their artifacts |
 * | admin | everything else: who joins the federation, and who may call the Control API |
 *
 * @module
 */

/** The roles, from the least to the most. */
export const ROLES = ["viewer", "operator", "admin"] as const;

/** What its holder may do. */
export type Role = typeof ROLES[number];

/** The role that a text names, if any. */
export function roleOf(text: string): Role | undefined {
  return ROLES.find((role) => role === text);
}

/** Whether a holder of `held` may do what needs `needed`. */
export function allows(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed);
}

/** Methods of Flower's Control API and of `trellis.v1` that need less than an admin. */
const NEEDED: ReadonlyMap<string, Role> = new Map([
  ["ListNodes", "viewer"],
  ["ListRuns", "viewer"],
  ["StreamLogs", "viewer"],
  ["StreamRunEvents", "viewer"],
  ["ListFederations", "viewer"],
  ["ShowFederation", "viewer"],
  ["ListInvitations", "viewer"],
  ["WhoAmI", "viewer"],
  ["StartRun", "operator"],
  ["StopRun", "operator"],
  ["PullArtifacts", "operator"],
]);

/** The least role that may call a method. One that nobody has thought of is an admin's. */
export function roleFor(method: string): Role {
  return NEEDED.get(method) ?? "admin";
}

/** How callers without a token get one, or a new one: whoever calls is not asked who they are. */
const OPEN: ReadonlySet<string> = new Set([
  "GetLoginDetails",
  "GetAuthTokens",
  "RefreshAuthTokens",
  "RefreshLogin",
]);

/** Whether a method asks for no token, where all others do. */
export function asksNobody(method: string): boolean {
  return OPEN.has(method);
}
