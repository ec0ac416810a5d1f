/** The pages that people read. */

import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A page, by its path from the repository's folder. */
export interface Page {
  readonly name: string;
  readonly file: string;
  readonly text: string;
}

/** README and every page of docs, in the folders within it, too. */
export async function pages(): Promise<Page[]> {
  const files = [join(ROOT, "README.md"), ...await markdownIn(join(ROOT, "docs"))];
  return await Promise.all(files.map(async (file) => ({
    name: relative(ROOT, file),
    file,
    text: await Deno.readTextFile(file),
  })));
}

/** Those that are not made by `deno task docs`. */
export async function handWrittenPages(): Promise<Page[]> {
  return (await pages()).filter(({ name }) => name !== join("docs", "reference.md"));
}

async function markdownIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await markdownIn(path));
    else if (name.endsWith(".md")) found.push(path);
  }
  return found.toSorted();
}
