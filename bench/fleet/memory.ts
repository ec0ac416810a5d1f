/** The resident memory of a process group's leader and its members, in bytes (Linux). */
export async function memoryBytes(groupId: number): Promise<number> {
  let total = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await Deno.readTextFile(`/proc/${name}/stat`);
      // The fields after the command's name, which may hold blanks: state, parent, group.
      const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(group) !== groupId) continue;
      const status = await Deno.readTextFile(`/proc/${name}/status`);
      total += Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch (error) {
      // It ended while it was looked at.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return total;
}
