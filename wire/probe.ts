/**
 * Short, bounded looks at what listens on an address. They tell a person why a connection failed,
 * and a client which transport it offers.
 *
 * @module
 */

import * as tls from "node:tls";
import { type Address, formatAddress, isIpAddress } from "./address.ts";
import type { ClientSecurity } from "./grpc/client.ts";
import { connectHttp } from "./http/connector.ts";

/** What a listener said to an HTTP/2 greeting in plain text. */
export type PlaintextAnswer =
  /** It speaks plaintext HTTP/2, as gRPC without TLS does. */
  | "http2"
  /** It speaks HTTP/1 only. */
  | "http1"
  /** It answered with a TLS alert. */
  | "tls"
  /** It sent nothing. */
  | "silent"
  /** It closed the connection or sent something else. */
  | "other";

/** How a TCP connection attempt ended. */
export type Reachability = "open" | "unknown-name" | "refused" | "unreachable" | "timeout";

/** What a TLS handshake that trusts everybody found. `undefined` means there was no handshake. */
export interface TlsAnswer {
  /** Whether a client that checks would accept it, and Node's error code if not. */
  readonly trusted: boolean;
  readonly errorCode: string | undefined;
  readonly speaksHttp2: boolean;
  /** Names and addresses in the certificate, for example `DNS:localhost, IP Address:127.0.0.1`. */
  readonly certificateNames: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Connects and disconnects. */
export async function probeTcp(address: Address, timeoutMs: number): Promise<Reachability> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  try {
    const connection = await connect(address, limit.signal);
    connection.close();
    return "open";
  } catch (error) {
    if (limit.signal.aborted) return "timeout";
    if (error instanceof Deno.errors.ConnectionRefused) return "refused";
    return /lookup|resolve|not known/i.test(String(error)) ? "unknown-name" : "unreachable";
  } finally {
    clearTimeout(timer);
  }
}

/** Sends an HTTP/2 greeting in plain text and looks at the first bytes that come back. */
export async function probePlaintext(
  address: Address,
  timeoutMs: number,
): Promise<PlaintextAnswer> {
  const limit = new AbortController();
  let connection: Deno.TcpConn | undefined;
  const timer = setTimeout(() => {
    limit.abort();
    connection?.close();
    connection = undefined;
  }, timeoutMs);
  try {
    connection = await connect(address, limit.signal);
    await connection.write(HTTP2_GREETING);
    const answer = new Uint8Array(16);
    let length = 0;
    while (length < FRAME_HEADER_BYTES) {
      const read = await connection.read(answer.subarray(length));
      if (read === null) break;
      length += read;
    }
    return recognise(answer.subarray(0, length));
  } catch {
    return limit.signal.aborted ? "silent" : "other";
  } finally {
    clearTimeout(timer);
    connection?.close();
  }
}

/** Makes a TLS handshake, whoever the server is, and says what a careful client would think. */
export async function probeTls(
  address: Address,
  rootCertificatesPem: string | undefined,
  timeoutMs: number,
): Promise<TlsAnswer | undefined> {
  const { host, port } = address;
  const { promise, resolve } = Promise.withResolvers<TlsAnswer | undefined>();
  const socket = tls.connect({
    host,
    port,
    ALPNProtocols: ["h2"],
    rejectUnauthorized: false,
    ...(isIpAddress(host) ? {} : { servername: host }),
    ...(rootCertificatesPem === undefined ? {} : { ca: rootCertificatesPem }),
  }, () => {
    const certificate = socket.getPeerCertificate();
    resolve({
      trusted: socket.authorized,
      errorCode: errorCodeOf(socket.authorizationError),
      speaksHttp2: socket.alpnProtocol === "h2",
      certificateNames: certificate.subjectaltname ?? "",
      validFrom: new Date(certificate.valid_from),
      validTo: new Date(certificate.valid_to),
    });
  });
  const closed = new Promise((done) => socket.once("close", done));
  socket.once("error", () => resolve(undefined));
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const answer = await promise;
  clearTimeout(timer);
  socket.destroy();
  await closed;
  return answer;
}

/**
 * Asks for `/health` over HTTP/1.1 as a client with this security would, and gives the status of the
 * answer; `undefined` when there is none. To connect and to ask may take `timeoutMs` each.
 */
export async function probeHealth(
  address: Address,
  security: ClientSecurity,
  timeoutMs: number,
): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  let end = () => {};
  connectHttp(address, security, timeoutMs, (_error, socket) => {
    if (!socket) return resolve(undefined);
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    end = () => {
      clearTimeout(timer);
      socket.destroy();
    };
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      answer += text;
      const [, status] = /^HTTP\/1\.\d (\d{3})\b/.exec(answer) ?? [];
      if (status !== undefined) resolve(Number(status));
      else if (answer.length > STATUS_LINE_BYTES) resolve(undefined);
    });
    socket.once("error", () => resolve(undefined));
    socket.once("close", () => resolve(undefined));
    socket.write(
      `GET /health HTTP/1.1\r\nHost: ${formatAddress(address)}\r\n` +
        "Connection: close\r\n\r\n",
    );
  });
  try {
    return await promise;
  } finally {
    end();
  }
}

/** `HTTP/1.1 200` and a blank. */
const STATUS_LINE_BYTES = 13;

function connect({ host, port }: Address, signal: AbortSignal): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: host, port, signal });
}

const FRAME_HEADER_BYTES = 9;
const SETTINGS_FRAME = 4;
const TLS_ALERT = 0x15;

/** The connection preface and an empty SETTINGS frame (RFC 9113 section 3.4). */
const HTTP2_GREETING = new Uint8Array([
  ...new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ...[0, 0, 0, SETTINGS_FRAME, 0, 0, 0, 0, 0],
]);

function recognise(answer: Uint8Array): PlaintextAnswer {
  if (answer[0] === TLS_ALERT && answer[1] === 3) return "tls";
  if (new TextDecoder().decode(answer).startsWith("HTTP/1.")) return "http1";
  const isSettings = answer.length >= FRAME_HEADER_BYTES && answer[3] === SETTINGS_FRAME &&
    answer.subarray(5, 9).every((byte) => byte === 0);
  return isSettings ? "http2" : "other";
}

/** Deno gives the code as a string, Node's types say an error. */
function errorCodeOf(error: unknown): string | undefined {
  if (typeof error === "string") return error;
  if (error instanceof Error) {
    return "code" in error && typeof error.code === "string" ? error.code : error.message;
  }
  return undefined;
}
