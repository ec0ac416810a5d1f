/**
 * A SuperLink in this process, on free ports, with a clock that the test moves and a log that it
 * reads.
 *
 * @module
 */

import { fail } from "@std/assert";
import type { StartApp } from "../../apps/app_starter.ts";
import { parseCommand } from "../../terminal/command.ts";
import type { Address } from "../../wire/address.ts";
import type { ServerTls } from "../../wire/tls.ts";
import type { PageAccess } from "../dashboard/access.ts";
import type { AuditTrail } from "../audit/audit.ts";
import { superlinkSpec } from "../flags.ts";
import { type SuperLinkOptions, superlinkOptions } from "../options.ts";
import type { GrpcAddresses } from "../planes.ts";
import { KvBlobs } from "../objects/kv_blobs.ts";
import { type Database, openDatabase } from "../state/database.ts";
import { type RunningSuperLink, startSuperLink } from "../superlink.ts";
import { LogLines } from "./log_lines.ts";
import { TestClock } from "./test_clock.ts";

/** How a test's SuperLink differs from one that keeps its state in memory and lets anybody join. */
export interface TestSuperLinkOptions extends Partial<SuperLinkOptions> {
  readonly clock?: TestClock;
  readonly tls?: ServerTls;
  readonly audit?: AuditTrail;
  /** Where that log is, for the page. */
  readonly auditFolder?: string;
  /** What SuperExecs must know; nothing without. */
  readonly superExecSecret?: Uint8Array;
  /** Who may open the page, where `dashboard` says that there is one; anybody without. */
  readonly pageAccess?: PageAccess;
  /** Starts ServerApps, once `isolation` is `subprocess`. */
  readonly startApp?: StartApp;
  /** Puts something between the SuperLink and its database, for example a fault. */
  readonly between?: (database: Database) => Database;
}

/** A started SuperLink; the end of its `await using` block stops it. */
export interface TestSuperLink extends RunningSuperLink, GrpcAddresses, AsyncDisposable {
  readonly httpAddress: Address;
  readonly clock: TestClock;
  readonly logged: LogLines;
  /** What the SuperLink writes, to be looked at. */
  readonly database: Database;
}

/** Short, so that a test that waits for the end of a hold is quick. */
const HOLD_MS = 200;

/** Starts a SuperLink. A `database` other than the default belongs to the test, which removes it. */
export async function startTestSuperLink(
  {
    clock = new TestClock(),
    tls,
    audit,
    auditFolder,
    startApp,
    superExecSecret,
    pageAccess,
    between = (database) => database,
    ...overrides
  }: TestSuperLinkOptions = {},
): Promise<TestSuperLink> {
  const { flags } = parseCommand(superlinkSpec, [
    ...["--insecure", "--database", ":memory:", "--isolation", "process"],
  ]);
  const anyPort = { host: "127.0.0.1", port: 0 };
  const options: SuperLinkOptions = {
    ...superlinkOptions(flags),
    fleetAddress: anyPort,
    controlAddress: anyPort,
    serverAppAddress: anyPort,
    healthAddress: anyPort,
    dashboard: undefined,
    http: { address: anyPort, byDefault: false, tlsEndsAtProxy: false },
    holdMs: HOLD_MS,
    ...overrides,
  };
  const logged = new LogLines();
  const database = stateOf(await openDatabase(options.database));
  const running = await startSuperLink({
    options,
    tls,
    database: between(database),
    clock,
    log: logged.log,
    audit,
    auditFolder,
    superExecSecret,
    pageAccess,
    startApp: startApp ?? (() => fail("This SuperLink starts no apps.")),
  });
  // A state in memory knows nothing of proofs up to its start, and accepts none of them.
  clock.advance({ micros: 1 });
  let stopped: Promise<void> | undefined;
  const stop = () => stopped ??= running.stop();
  const { grpc, httpAddress } = running;
  if (!grpc || !httpAddress) fail("Both planes are on.");
  return {
    ...running,
    ...grpc,
    httpAddress,
    clock,
    logged,
    database,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Says in the environment that tests play on a state as several SuperLinks share it. */
export const SHARED_STATE_VARIABLE = "TRELLIS_TEST_SHARED_STATE";

function stateOf(database: Database): Database {
  if (Deno.env.get(SHARED_STATE_VARIABLE) === undefined) return database;
  return { ...database, shared: true, blobs: new KvBlobs(database.kv) };
}
