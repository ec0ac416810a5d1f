/** Runs a test in a directory of its own, which is removed behind it. */
export async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs a program, which must succeed, and gives what it printed. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const output = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (!output.success) {
    const complaint = new TextDecoder().decode(output.stderr);
    throw new Error(`${program} ${args.join(" ")}: ${complaint}`);
  }
  return new TextDecoder().decode(output.stdout);
}

/** Whether a program can be started; tests that need a missing one are shown as ignored. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["-?"], stdin: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
