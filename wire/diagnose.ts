/**
 * Why a connection to a SuperLink failed, in one sentence for a person. A call only says
 * `UNAVAILABLE`, so the address is looked at once more, for a bounded time.
 *
 * @module
 */

import { type Address, formatAddress } from "./address.ts";
import type { ClientSecurity } from "./grpc/client.ts";
import {
  type PlaintextAnswer,
  probeHealth,
  probePlaintext,
  probeTcp,
  probeTls,
  type TlsAnswer,
} from "./probe.ts";
import type { TransportChoice } from "./transport.ts";

/** What is wrong with a connection. */
export type ConnectionProblemKind =
  | "unknown-name"
  | "refused"
  | "unreachable"
  | "timeout"
  /** We use TLS and the server does not. */
  | "server-without-tls"
  /** The server uses TLS and we do not. */
  | "server-with-tls"
  | "untrusted-certificate"
  | "wrong-name"
  | "certificate-not-valid-now"
  /** It takes the connection and says nothing. */
  | "silent"
  /** It is no server of the transport that is wanted. */
  | "wrong-protocol";

/** What is wrong with a connection, and a sentence that says so. */
export interface ConnectionProblem {
  readonly kind: ConnectionProblemKind;
  readonly sentence: string;
}

/** Options of {@linkcode diagnoseConnection}. */
export interface DiagnoseOptions {
  /** The time limit of each of at most three looks. */
  readonly timeoutMs?: number;
  /** What the client speaks; gRPC without. */
  readonly transport?: TransportChoice;
  readonly now?: Date;
}

/**
 * Looks at `address` as a client with this security would, and says what is wrong there;
 * `undefined` when a connection could be made now. Never throws.
 */
export async function diagnoseConnection(
  address: Address,
  security: ClientSecurity,
  { timeoutMs = 3000, transport = "grpc", now = new Date() }: DiagnoseOptions = {},
): Promise<ConnectionProblem | undefined> {
  const at = formatAddress(address);
  const reachability = await probeTcp(address, timeoutMs);
  if (reachability !== "open") return { kind: reachability, sentence: SENTENCES[reachability](at) };
  if (security.insecure) {
    const answer = await probePlaintext(address, timeoutMs);
    if (answer === "http1") return transport === "grpc" ? WRONG_PROTOCOL.grpc(at) : undefined;
    if (answer === "http2") {
      // What serves HTTP/1.1 may speak HTTP/2 as well.
      const fits = transport !== "http" ||
        await probeHealth(address, security, timeoutMs) !== undefined;
      return fits ? undefined : WRONG_PROTOCOL.http(at);
    }
    const speaksTls = answer === "tls" ||
      await probeTls(address, undefined, timeoutMs) !== undefined;
    if (!speaksTls) return answer === "silent" ? silent(at) : WRONG_PROTOCOL[transport](at);
    return {
      kind: "server-with-tls",
      sentence: `The server at ${at} expects TLS, but this connection is without it.`,
    };
  }
  const answer = await probeTls(address, security.rootCertificatesPem, timeoutMs);
  if (!answer) return withoutTls(at, await probePlaintext(address, timeoutMs), transport);
  const problem = judgeTls(answer, address, security.rootCertificatesPem !== undefined, now);
  if (problem) return problem;
  return transport === "grpc" && !answer.speaksHttp2 ? WRONG_PROTOCOL.grpc(at) : undefined;
}

const SENTENCES = {
  "unknown-name": (at: string) => `The host name of ${at} cannot be found.`,
  refused: (at: string) => `Nothing listens on ${at}.`,
  unreachable: (at: string) => `${at} cannot be reached over the network.`,
  timeout: (at: string) => `${at} does not answer.`,
} as const;

const WRONG_PROTOCOL: Readonly<Record<TransportChoice, (at: string) => ConnectionProblem>> = {
  grpc: (at) => wrongProtocol(`What listens on ${at} is not a gRPC server.`),
  http: (at) => wrongProtocol(`What listens on ${at} is not an HTTP server.`),
  auto: (at) => wrongProtocol(`What listens on ${at} is neither a gRPC nor an HTTP server.`),
};

function wrongProtocol(sentence: string): ConnectionProblem {
  return { kind: "wrong-protocol", sentence };
}

function silent(at: string): ConnectionProblem {
  return { kind: "silent", sentence: `What listens on ${at} takes connections but says nothing.` };
}

function withoutTls(
  at: string,
  answer: PlaintextAnswer,
  transport: TransportChoice,
): ConnectionProblem {
  if (answer === "silent") return silent(at);
  const isServer = answer === "http2" || answer === "http1" && transport !== "grpc";
  if (!isServer) return WRONG_PROTOCOL[transport](at);
  return {
    kind: "server-without-tls",
    sentence: `The server at ${at} does not use TLS, but this connection asks for it.`,
  };
}

function judgeTls(
  answer: TlsAnswer,
  address: Address,
  ownRoots: boolean,
  now: Date,
): ConnectionProblem | undefined {
  const at = formatAddress(address);
  if (now < answer.validFrom || now > answer.validTo) {
    return {
      kind: "certificate-not-valid-now",
      sentence: `The certificate of ${at} is valid from ${day(answer.validFrom)} to ` +
        `${day(answer.validTo)} only.`,
    };
  }
  if (answer.errorCode === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      kind: "wrong-name",
      sentence: `The certificate of ${at} does not name "${address.host}"; it names: ` +
        `${answer.certificateNames || "nothing"}.`,
    };
  }
  if (!answer.trusted) {
    const roots = ownRoots ? "the given root certificates" : "the root certificates of this system";
    return {
      kind: "untrusted-certificate",
      sentence: `The certificate of ${at} was not issued by ${roots}.`,
    };
  }
  return undefined;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
