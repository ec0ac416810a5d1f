/** The links of README and docs lead somewhere. */

import { assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
import { pages } from "./testing/pages.ts";

/** What follows `#` in links to headings, as GitHub makes it. */
function anchorsOf(text: string): Set<string> {
  const headings = text.matchAll(/^#{1,6} +(.+)$/gm);
  return new Set(
    Array.from(
      headings,
      ([, title = ""]) =>
        title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-"),
    ),
  );
}

async function readOrNone(file: string): Promise<string | undefined> {
  try {
    return (await Deno.stat(file)).isDirectory ? "" : await Deno.readTextFile(file);
  } catch {
    return undefined;
  }
}

for (const page of await pages()) {
  Deno.test(`The links of ${page.name} lead somewhere`, async () => {
    const text = page.text.replaceAll(/^( {4}|```).*$/gm, "");
    const broken: string[] = [];
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page.file : join(dirname(page.file), path);
      const content = await readOrNone(target);
      if (content === undefined) broken.push(link);
      else if (anchor !== undefined && !anchorsOf(content).has(anchor)) broken.push(link);
    }
    assertEquals(broken, []);
  });
}
