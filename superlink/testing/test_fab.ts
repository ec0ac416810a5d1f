import { createHash } from "node:crypto";
import { zipSync } from "fflate";

/** How a test's FAB differs from a small one that is in order. */
export interface TestFabOptions {
  readonly pyproject?: string;
  /** Files beside `pyproject.toml`; those that begin with `.info/` take the place of Flower's own. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A `pyproject.toml` with a config of two keys. */
export const PYPROJECT = `[project]
name = "quick-app"
version = "1.2.3"

[tool.flwr.app]
publisher = "acme"

[tool.flwr.app.components]
serverapp = "quick.server:app"
clientapp = "quick.client:app"

[tool.flwr.app.config]
num-server-rounds = 3
model.lr = 0.5
`;

const FILES = { "quick/server.py": "app = 1\n", "quick/client.py": "app = 2\n" };

/** The bytes of a FAB as `flwr build` makes them: stored, with a manifest of the app's files. */
export function testFab({ pyproject = PYPROJECT, files = FILES }: TestFabOptions = {}): Uint8Array<
  ArrayBuffer
> {
  const encoder = new TextEncoder();
  const manifest = Object.entries(files).filter(([path]) => !path.startsWith(".info/"))
    .map(([path, text]) => {
      const bytes = encoder.encode(text);
      const hash = createHash("sha256").update(bytes).digest("hex");
      return `${path},${hash},${bytes.length * 8}\n`;
    }).join("");
  const all = { "pyproject.toml": pyproject, ".info/CONTENT": manifest, ...files };
  return new Uint8Array(zipSync(
    Object.fromEntries(Object.entries(all).map(([path, text]) => [path, encoder.encode(text)])),
    // The same bytes whenever they are made.
    { level: 0, mtime: new Date(2026, 0, 1) },
  ));
}
