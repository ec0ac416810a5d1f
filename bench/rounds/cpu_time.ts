/**
 * CPU time of groups of processes (Linux): what the programs of a federation and all that they
 * started have used. Unlike the time on the wall it hardly depends on what else a machine does.
 *
 * @module
 */

/** Clock ticks a second of `/proc/<pid>/stat` (`USER_HZ`, the same on every Linux). */
const TICKS = 100;

/** Seconds used so far; `NaN` on other systems. */
export async function cpuSeconds(groupIds: ReadonlySet<number>): Promise<number> {
  if (Deno.build.os !== "linux") return NaN;
  let ticks = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    // The name in brackets may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [, , groupId] = fields;
    if (!groupIds.has(Number(groupId))) continue;
    // Its own, and that of its children which have ended.
    ticks += fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
  }
  return ticks / TICKS;
}
