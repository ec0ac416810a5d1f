import { assertEquals } from "@std/assert";
import type { NodeRow, NodeStatus } from "./layout.ts";
import * as life from "./node_life.ts";

const SECOND = 1_000_000;
const NOW = 1_760_000_000 * SECOND;

const INTERVALS: [seconds: number, accepted: boolean][] = [
  [10, true],
  [30, true],
  [1800, true],
  [10.5, true],
  [9.999999, false],
  [9.9, false],
  [0, false],
  [-30, false],
  [1800.000001, false],
  [1801, false],
  [NaN, false],
  [Infinity, false],
  [-Infinity, false],
];

for (const [seconds, accepted] of INTERVALS) {
  Deno.test(`isHeartbeatInterval() ${accepted ? "accepts" : "refuses"} ${seconds} s`, () => {
    assertEquals(life.isHeartbeatInterval(seconds), accepted);
  });
}

for (const [interval, micros] of [[10, 20 * SECOND], [30, 60 * SECOND], [12.3456789, 24_691_358]]) {
  Deno.test(`renewedLease() of an interval of ${interval} s ends after ${micros} µs`, () => {
    const lease = life.renewedLease(NOW, interval!);
    assertEquals(lease, { onlineUntil: NOW + micros!, heartbeatIntervalS: interval! });
    assertEquals(Number.isInteger(lease.onlineUntil), true);
  });
}

const START = NOW + 1000 * SECOND;
const AFTER_START: [name: string, onlineUntil: number, expected: number][] = [
  ["ran out while the SuperLink was down", NOW, START + 30 * SECOND],
  ["has a second left", START + SECOND, START + 30 * SECOND],
  ["has more than an interval left", START + 59 * SECOND, START + 59 * SECOND],
];

for (const [name, onlineUntil, expected] of AFTER_START) {
  Deno.test(`leaseAfterStart() grants at least an interval to a lease that ${name}`, () => {
    const lease = { onlineUntil, heartbeatIntervalS: 30 };
    assertEquals(life.leaseAfterStart(lease, START), { ...lease, onlineUntil: expected });
  });
}

function row(status: NodeStatus, rest: Partial<NodeRow> = {}): NodeRow {
  return {
    nodeId: 7n,
    keyId: "key",
    fingerprint: "SHA256:x",
    publicKeyPem: new Uint8Array(),
    keyless: false,
    ownerId: "<id:none>",
    ownerName: "<name:none>",
    status,
    registeredAt: NOW - 1000 * SECOND,
    heartbeatIntervalS: 30,
    ...rest,
  };
}

const LEASE = { onlineUntil: NOW + 40 * SECOND, heartbeatIntervalS: 20 };

/** A transition, and what it makes of a row: the fields that it sets and those that it drops. */
const TRANSITIONS: [
  name: string,
  before: NodeRow,
  after: (before: NodeRow) => NodeRow,
  sets: Partial<NodeRow>,
  drops?: (keyof NodeRow)[],
][] = [
  [
    "activated() takes a registered node online",
    row("registered"),
    (before) => life.activated(before, NOW, 15, true),
    { status: "online", activatedAt: NOW, joinedAt: NOW, heartbeatIntervalS: 15 },
  ],
  [
    "activated() takes an offline node online and keeps when it went offline",
    row("offline", { deactivatedAt: NOW - SECOND, onlineUntil: NOW - SECOND, activatedAt: 1 }),
    (before) => life.activated(before, NOW, 15, true),
    { status: "online", activatedAt: NOW, joinedAt: NOW, heartbeatIntervalS: 15 },
    ["onlineUntil"],
  ],
  [
    "activated() by a heartbeat is no new process",
    row("offline", { joinedAt: NOW - 9 * SECOND, onlineUntil: NOW - SECOND }),
    (before) => life.activated(before, NOW, 15, false),
    { status: "online", activatedAt: NOW, heartbeatIntervalS: 15 },
    ["onlineUntil"],
  ],
  [
    "deactivated() ends the lease now",
    row("online", { activatedAt: NOW - SECOND }),
    (before) => life.deactivated(before, NOW, LEASE),
    { status: "offline", deactivatedAt: NOW, onlineUntil: NOW, heartbeatIntervalS: 20 },
  ],
  [
    "expired() ends the lease when it ran out, not now",
    row("online", { activatedAt: NOW - SECOND }),
    (before) => life.expired(before, LEASE),
    {
      status: "offline",
      deactivatedAt: LEASE.onlineUntil,
      onlineUntil: LEASE.onlineUntil,
      heartbeatIntervalS: 20,
    },
  ],
  [
    "unregistered() of a registered node sets no end of a lease",
    row("registered"),
    (before) => life.unregistered(before, NOW, undefined),
    { status: "unregistered", unregisteredAt: NOW },
  ],
  [
    "unregistered() of an online node ends its lease now",
    row("online"),
    (before) => life.unregistered(before, NOW, LEASE),
    { status: "unregistered", unregisteredAt: NOW, onlineUntil: NOW, heartbeatIntervalS: 20 },
  ],
  [
    "unregistered() of an online node with a lease that ran out keeps when it did",
    row("online"),
    (before) => life.unregistered(before, LEASE.onlineUntil + 1, LEASE),
    {
      status: "unregistered",
      unregisteredAt: LEASE.onlineUntil + 1,
      onlineUntil: LEASE.onlineUntil,
      heartbeatIntervalS: 20,
    },
  ],
  [
    "unregistered() of an offline node keeps the end of its last lease",
    row("offline", { deactivatedAt: NOW - SECOND, onlineUntil: NOW - SECOND }),
    (before) => life.unregistered(before, NOW, undefined),
    { status: "unregistered", unregisteredAt: NOW },
  ],
];

for (const [name, before, after, sets, drops = []] of TRANSITIONS) {
  Deno.test(name, () => {
    const kept = Object.entries(before).filter(([field]) => !drops.some((drop) => drop === field));
    assertEquals(after(before), { ...Object.fromEntries(kept), ...sets } as NodeRow);
  });
}
