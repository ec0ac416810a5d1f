import { assertEquals } from "@std/assert";
import { isLocalName, isOwnRequest } from "./origin.ts";

const HOSTS: [host: string, expected: boolean][] = [
  ["127.0.0.1:8080", true],
  ["localhost:8080", true],
  ["LOCALHOST", true],
  ["[::1]:8080", true],
  ["127.0.0.1.evil.example", false],
  ["localhost.evil.example:8080", false],
  ["evil.example:8080", false],
  ["0.0.0.0:8080", false],
  ["[::1].evil.example", false],
  ["", false],
];

for (const [host, expected] of HOSTS) {
  Deno.test(`isLocalName() says ${expected} for "${host}"`, () => {
    assertEquals(isLocalName(new Request("http://ignored/", { headers: { host } })), expected);
  });
}

const OWN = {
  host: "127.0.0.1:8080",
  origin: "http://127.0.0.1:8080",
  "content-type": "application/json",
  "sec-fetch-site": "same-origin",
};

const REQUESTS: [name: string, headers: Record<string, string>, expected: boolean][] = [
  ["the page's own", OWN, true],
  ["one behind a proxy that ends TLS", { ...OWN, origin: "https://127.0.0.1:8080" }, true],
  [
    "a JSON type with a charset",
    { ...OWN, "content-type": "application/json; charset=utf-8" },
    true,
  ],
  ["another site's", { ...OWN, origin: "http://evil.example" }, false],
  ["another port's", { ...OWN, origin: "http://127.0.0.1:9999" }, false],
  ["one of a sandbox", { ...OWN, origin: "null" }, false],
  ["one with no origin", { host: OWN.host, "content-type": OWN["content-type"] }, false],
  ["a form's", { ...OWN, "content-type": "application/x-www-form-urlencoded" }, false],
  ["a text form's", { ...OWN, "content-type": "text/plain" }, false],
  ["one that the browser calls foreign", { ...OWN, "sec-fetch-site": "cross-site" }, false],
  ["one of a sibling site", { ...OWN, "sec-fetch-site": "same-site" }, false],
];

for (const [name, headers, expected] of REQUESTS) {
  Deno.test(`isOwnRequest() says ${expected} for ${name}`, () => {
    const request = new Request("http://127.0.0.1:8080/api", { method: "POST", headers });
    assertEquals(isOwnRequest(request), expected);
  });
}
