/**
 * Flower's catalogue of errors, as far as Trellis has a use for them: one row for each, with what it
 * is called over gRPC (up to 1.39; the sentences are those of 1.25) and over HTTP (from 1.35 on).
 *
 * @module
 */

import { StatusError, type StatusName } from "./status.ts";

/** An error of the catalogue. */
export interface CatalogueRow {
  readonly code?: number;
  readonly http: number;
  readonly grpc: StatusName;
  /** The sentence over HTTP. */
  readonly detail: string;
  /** The sentence over gRPC where it is another one. */
  readonly grpcText?: string;
}

const CATALOGUE = {
  noFederationManagement: {
    code: 1,
    http: 501,
    grpc: "UNIMPLEMENTED",
    detail: "SuperLink does not support federation management.",
  },
  federationNotFound: {
    code: 2,
    http: 404,
    grpc: "FAILED_PRECONDITION",
    detail: "Federation not found, archived, or you cannot perform this action.",
  },
  noFederationNamed: {
    code: 12,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "No federation specified. You must specify a federation to perform this action.",
  },
  invalidRunConfig: {
    code: 15,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Invalid run configuration.",
  },
  runNotFound: {
    code: 16,
    http: 404,
    grpc: "NOT_FOUND",
    detail: "Run ID not found.",
    grpcText: "Run ID not found",
  },
  seriesNotFound: {
    code: 17,
    http: 404,
    grpc: "NOT_FOUND",
    detail: "Run series ID not found.",
  },
  runFinished: {
    code: 18,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Run is already finished.",
  },
  noAccountAuthentication: {
    code: 19,
    http: 501,
    grpc: "UNIMPLEMENTED",
    detail: "ControlServicer initialized without account authentication.",
    grpcText: "ControlServicer initialized without account authentication",
  },
  noArtifactProvider: {
    code: 20,
    http: 501,
    grpc: "UNIMPLEMENTED",
    detail: "ControlServicer initialized without artifact provider.",
    grpcText: "ControlServicer initialized without artifact provider",
  },
  invalidPublicKey: {
    code: 22,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "The provided public key is not valid.",
    grpcText: "The provided public key is not valid",
  },
  publicKeyInUse: {
    code: 23,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Public key already in use.",
    grpcText: "Public key already in use",
  },
  nodeNotFound: {
    code: 24,
    http: 404,
    grpc: "NOT_FOUND",
    detail: "Node ID not found for account.",
    grpcText: "Node ID not found for account",
  },
  notInFederation: {
    code: 26,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Federation does not exist or you are not a member of it.",
  },
  runOfAnotherAccount: {
    code: 31,
    http: 403,
    grpc: "PERMISSION_DENIED",
    detail: "Run ID does not belong to the account.",
    grpcText: "⛔️ Run ID does not belong to the account",
  },
  appNotAvailable: {
    code: 35,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "FAB download failed.",
  },
  accountNotAuthenticated: {
    code: 36,
    http: 401,
    grpc: "UNAUTHENTICATED",
    detail: "Authentication failed.",
  },
  invalidLocation: {
    code: 45,
    http: 400,
    grpc: "INVALID_ARGUMENT",
    detail: "Invalid SuperNode location.",
  },
  unsupportedContentType: {
    code: 1002,
    http: 415,
    grpc: "INVALID_ARGUMENT",
    detail: "Unsupported Content-Type.",
  },
  invalidProtobuf: {
    code: 1003,
    http: 400,
    grpc: "INVALID_ARGUMENT",
    detail: "Invalid protobuf payload.",
  },
  taskNotAuthenticated: {
    code: 1008,
    http: 401,
    grpc: "UNAUTHENTICATED",
    detail: "Authentication failed.",
  },
  nodeNotAuthenticated: {
    http: 401,
    grpc: "UNAUTHENTICATED",
    detail: "Invalid SuperNode authentication",
  },
  registrationByCliOnly: {
    code: 2001,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "SuperNode authentication is enabled. All SuperNodes must be registered via the CLI.",
  },
  unregistrationByCliOnly: {
    code: 2002,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "SuperNode authentication is enabled. All SuperNodes must be unregistered via the CLI.",
  },
  invalidHeartbeatInterval: {
    code: 2003,
    http: 400,
    grpc: "INVALID_ARGUMENT",
    detail: "Invalid heartbeat interval.",
    grpcText: "Invalid heartbeat interval",
  },
  activationFailed: {
    code: 2004,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Failed to activate SuperNode.",
  },
  deactivationFailed: {
    code: 2005,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Failed to deactivate SuperNode.",
  },
  unregistrationFailed: {
    code: 2006,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Failed to unregister SuperNode.",
  },
  runNotRunning: {
    code: 2007,
    http: 403,
    grpc: "PERMISSION_DENIED",
    detail: "The current run status does not allow this Fleet API operation.",
  },
  runNotAvailable: {
    code: 2008,
    http: 403,
    grpc: "PERMISSION_DENIED",
    detail: "Failed to get run.",
  },
  fabNotAvailable: {
    code: 2009,
    http: 403,
    grpc: "PERMISSION_DENIED",
    detail: "Failed to get FAB.",
  },
  taskCannotStart: {
    code: 3002,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Failed to start task.",
  },
  unexpectedNodeId: {
    code: 3004,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Unexpected node ID.",
  },
  notForClientApps: {
    code: 3005,
    http: 403,
    grpc: "UNIMPLEMENTED",
    detail: "Some Runtime API endpoints are only available for Deployment Runtime runs.",
  },
  taskCreationNotAllowed: {
    code: 3007,
    http: 403,
    grpc: "PERMISSION_DENIED",
    detail: "Task creation is not allowed.",
  },
  invalidTaskMessage: {
    code: 3009,
    http: 412,
    grpc: "FAILED_PRECONDITION",
    detail: "Invalid task message.",
  },
  invalidMessageCount: {
    code: 3013,
    http: 400,
    grpc: "INVALID_ARGUMENT",
    detail: "Invalid number of messages or message object trees.",
  },
  messageOfAnotherRun: {
    code: 3014,
    http: 403,
    grpc: "PERMISSION_DENIED",
    detail: "Message run ID does not match the authenticated task.",
  },
} as const satisfies Record<string, CatalogueRow>;

/** The name of an error in the catalogue. */
export type FlowerErrorName = keyof typeof CATALOGUE;

/** What differs from one time to the next. */
export interface FlowerErrorOptions extends ErrorOptions {
  /** The sentence over gRPC, where Flower puts details into it. */
  readonly grpcText?: string | undefined;
  /** Client-safe details over HTTP. */
  readonly extra?: string | undefined;
}

/** Makes an error of the catalogue. */
export function flowerError(name: FlowerErrorName, options: FlowerErrorOptions = {}): StatusError {
  const row: CatalogueRow = CATALOGUE[name];
  const { code, http, grpc, detail } = row;
  const { cause, extra } = options;
  return new StatusError(grpc, options.grpcText ?? row.grpcText ?? detail, {
    ...(cause === undefined ? {} : { cause }),
    http: {
      status: http,
      detail,
      ...(code === undefined ? {} : { code }),
      ...(extra === undefined ? {} : { extra }),
    },
  });
}

/** The catalogue, for the reference: name, number if it has one, statuses, and sentence. */
export function catalogueRows(): readonly (CatalogueRow & { readonly name: string })[] {
  return Object.entries(CATALOGUE).map(([name, row]) => ({ name, ...row }));
}

/** The gRPC status of a number in the catalogue; `undefined` for one that it does not have. */
export function statusOfCode(code: number): StatusName | undefined {
  const rows: readonly CatalogueRow[] = Object.values(CATALOGUE);
  return rows.find((row) => row.code === code)?.grpc;
}
