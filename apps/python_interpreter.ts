/**
 * Which Python a console script runs on, read from its first lines.
 *
 * @module
 */

/** No shebang is longer; Linux cuts them off far earlier. */
const READ_BYTES = 4096;
/** What pip writes when the path is too long, or has spaces in it. */
const TRAMPOLINE = /^#!\/bin\/sh\r?\n'''exec' (?:"([^"]+)"|(\S+)) "\$0" "\$@"/;
const SHEBANG = /^#![ \t]*(\S+)(?:[ \t]+(.*\S))?[ \t]*\r?\n/;

/**
 * The interpreter of a console script, with the arguments that its first line gives it; `undefined`
 * when the script starts in a way that is not known here (a wrapper of some package manager).
 */
export async function interpreterOf(script: string): Promise<readonly string[] | undefined> {
  return parseShebang(await firstBytes(script));
}

/** Reads the first lines of a console script. */
export function parseShebang(text: string): readonly string[] | undefined {
  const trampoline = TRAMPOLINE.exec(text);
  const program = trampoline?.[1] ?? trampoline?.[2];
  if (program !== undefined) return [program];
  const [, interpreter, argument] = SHEBANG.exec(text) ?? [];
  if (interpreter === undefined) return undefined;
  if (interpreter.endsWith("/env")) {
    return argument !== undefined && isPython(argument) ? [argument] : undefined;
  }
  if (!isPython(interpreter)) return undefined;
  return argument === undefined ? [interpreter] : [interpreter, argument];
}

function isPython(program: string): boolean {
  return /(^|\/)(python|pypy)[\d.]*$/.test(program);
}

async function firstBytes(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(READ_BYTES);
  const count = await file.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, count));
}
