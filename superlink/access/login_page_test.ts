import { assertEquals } from "@std/assert";
import type { Address } from "../../wire/address.ts";
import { loginPage } from "./login_page.ts";

const COMMAND = "trellis login approve WDJB-MJHT";
const TOLD: readonly [Address | undefined, string][] = [
  [undefined, COMMAND],
  [{ host: "127.0.0.1", port: 8080 }, COMMAND],
  [{ host: "::1", port: 8080 }, COMMAND],
  [{ host: "192.0.2.1", port: 1 }, "https://192.0.2.1:1/?login=WDJB-MJHT#/access"],
  [{ host: "2001:db8::1", port: 1 }, "https://[2001:db8::1]:1/?login=WDJB-MJHT#/access"],
  [{ host: "0.0.0.0", port: 1 }, `https://${Deno.hostname()}:1/?login=WDJB-MJHT#/access`],
];

for (const [address, told] of TOLD) {
  Deno.test(`A login is approved at ${told} when the page is on ${address?.host ?? "nothing"}`, () => {
    assertEquals(loginPage("WDJB-MJHT", address && { address, tls: true }), told);
  });
}
