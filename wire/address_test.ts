import { assertEquals } from "@std/assert";
import {
  type Address,
  formatAddress,
  isIpAddress,
  isLoopback,
  parseAddress,
  reachableAddress,
} from "./address.ts";

const READ: [text: string, host: string, port: number][] = [
  ["127.0.0.1:9092", "127.0.0.1", 9092],
  ["0.0.0.0:9092", "0.0.0.0", 9092],
  ["localhost:9092", "localhost", 9092],
  ["superlink.example.org:443", "superlink.example.org", 443],
  ["super_link-1:443", "super_link-1", 443],
  ["[::]:9092", "::", 9092],
  ["[::1]:9092", "::1", 9092],
  ["[2001:db8::5]:1", "2001:db8::5", 1],
  ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
  ["[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", 1],
  ["::1:9092", "::1", 9092],
  [":::9092", "::", 9092],
  ["127.0.0.1:0", "127.0.0.1", 0],
  ["127.0.0.1:65535", "127.0.0.1", 65535],
  [" 127.0.0.1:9092\n", "127.0.0.1", 9092],
  ["127.0.0.1:09092", "127.0.0.1", 9092],
];

for (const [text, host, port] of READ) {
  Deno.test(`parseAddress() reads ${JSON.stringify(text)}`, () => {
    assertEquals(parseAddress(text), { host, port });
  });
}

const REFUSED = [
  "",
  ":",
  "9092",
  ":9092",
  "localhost",
  "localhost:",
  "localhost:http",
  "localhost:-1",
  "localhost:+1",
  "localhost:1.5",
  "localhost:1e3",
  "localhost:0x50",
  "localhost:65536",
  "localhost:123456",
  "localhost: 9092",
  "local host:9092",
  "localhost:9092:9093",
  "127.0.0.1:80:9092",
  "http://localhost:9092",
  "localhost:9092/",
  "user@[::1]:9092",
  "[::1]9092",
  "[::1]",
  "[]:9092",
  "[localhost]:9092",
  "[127.0.0.1]:9092",
  "[::1:9092",
  "::1]:9092",
  "::9092",
  "[::1]:9092:1",
];

for (const text of REFUSED) {
  Deno.test(`parseAddress() refuses ${JSON.stringify(text)}`, () => {
    assertEquals(parseAddress(text), undefined);
  });
}

Deno.test("formatAddress() writes what parseAddress() reads", () => {
  for (const [text] of READ) {
    const address = parseAddress(text);
    assertEquals(parseAddress(formatAddress(address!)), address);
  }
  assertEquals(formatAddress({ host: "::1", port: 1 }), "[::1]:1");
  assertEquals(formatAddress({ host: "localhost", port: 1 }), "localhost:1");
});

const HOSTS: [host: string, loopback: boolean, ip: boolean][] = [
  ["127.0.0.1", true, true],
  ["127.8.8.8", true, true],
  ["::1", true, true],
  ["localhost", true, false],
  ["0.0.0.0", false, true],
  ["::", false, true],
  ["192.0.2.1", false, true],
  ["2001:db8::1", false, true],
  ["example.org", false, false],
  ["127.0.0.1.example.org", false, false],
  ["localhost.example.org", false, false],
];

for (const [host, loopback, ip] of HOSTS) {
  Deno.test(`isLoopback() is ${loopback} and isIpAddress() is ${ip} for ${host}`, () => {
    assertEquals([isLoopback(host), isIpAddress(host)], [loopback, ip]);
  });
}

Deno.test("reachableAddress() makes loopback of the wildcard addresses only", () => {
  const hosts: [string, string][] = [
    ["0.0.0.0", "127.0.0.1"],
    ["::", "::1"],
    ["192.0.2.1", "192.0.2.1"],
    ["localhost", "localhost"],
  ];
  for (const [host, expected] of hosts) {
    const address: Address = { host, port: 5 };
    assertEquals(reachableAddress(address), { host: expected, port: 5 });
  }
});
