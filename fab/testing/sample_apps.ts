/** An app's files, and the hash of the FAB that Flower 1.25.0 builds of them. */
export interface SampleApp {
  readonly files: Readonly<Record<string, string>>;
  readonly fabHash: string;
}

/** Names and contents that a FAB leaves out: other suffixes, caches, Flower's own folder. */
export const PLAIN_APP: SampleApp = {
  fabHash: "d830984f40775424a7cd9f1404af72abd1e48e9d7df5dac33e41b879cb992caa",
  files: {
    "pyproject.toml": [
      "[project]",
      'name = "plain"',
      'version = "1.0.0"',
      "",
      "[tool.flwr.app]",
      'publisher = "acme"',
      "",
      "[tool.flwr.app.components]",
      'serverapp = "plain.server_app:app"',
      'clientapp = "plain.client_app:app"',
      "",
      "[tool.flwr.app.config]",
      "lr = 0.1",
      "rounds = 3",
      "",
      "[tool.flwr.federations]",
      'default = "local"',
      "",
      "[tool.flwr.federations.local]",
      'address = "127.0.0.1:9093"',
      "",
    ].join("\n"),
    "README.md": "# Plain\n",
    "plain/__init__.py": "",
    "plain/server_app.py": "app = 1\n",
    "plain/client_app.py": "app = 2\n",
    "plain/data.csv": "1,2\n",
    "plain/__pycache__/client_app.pyc.py": "x",
    ".flwr/secret.toml": "x",
  },
};

/** What a `.gitignore` takes out and leaves in, and a file name outside ASCII. */
export const IGNORING_APP: SampleApp = {
  fabHash: "2a134ad49bd42dd59eab980e48ce065e9860530b38e32cddf0a18b1802369a17",
  files: {
    "pyproject.toml": [
      "[project]",
      'name = "ignoring"',
      'version = "0.1"',
      'dependencies = ["flwr>=1.24", "numpy"]',
      'authors = [{ name = "Ada", email = "ada@example.org" }]',
      "",
      "[tool.flwr.app]",
      'publisher = "acme"',
      "[tool.flwr.app.components]",
      'serverapp = "a:app"',
      'clientapp = "a:app"',
      "[tool.flwr.app.config]",
      "small = 1e-05",
      "big = 1e16",
      'name = "quote \\" and \\\\ and \\n"',
      "",
    ].join("\n"),
    ".gitignore": "# notes\n/venv/\n*.md\n!docs/keep.md\nbuild\n[xy]?.py\n",
    "a.py": "app = 1\n",
    "x1.py": "ignored",
    "y.py": "kept",
    "venv/lib.py": "ignored",
    "sub/venv/lib.py": "kept",
    "docs/drop.md": "ignored",
    "docs/keep.md": "kept",
    "sub/build/out.py": "ignored",
    "sub/.gitignore": "*.py\n",
    "sub/pyproject.toml": "ignored = 1\n",
    "sub/other.toml": "kept = 1\n",
    "ü.py": "name = 'not ASCII'\n",
  },
};

/** Writes an app's files below a directory. */
export async function writeApp(directory: string, { files }: SampleApp): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = `${directory}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}
