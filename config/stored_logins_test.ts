import { assertEquals, assertRejects } from "@std/assert";
import { ExitError } from "../terminal/errors.ts";
import { loginsFile, readLogin, writeLogin } from "./stored_logins.ts";

const HERE = { host: "127.0.0.1", port: 9093 };
const THERE = { host: "superlink.example", port: 8000 };

async function inHome(play: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await play(`${home}/flwr`);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("A login is kept by its address, for its user only, and can be forgotten", () =>
  inHome(async (home) => {
    assertEquals(await readLogin(home, HERE), undefined);
    const first = { accessToken: "a", refreshToken: "b" };
    const second = { accessToken: "c", refreshToken: "d" };
    await writeLogin(home, HERE, first);
    await writeLogin(home, THERE, second);
    assertEquals(await readLogin(home, HERE), first);
    assertEquals((await Deno.stat(loginsFile(home))).mode ?? 0, 0o100600);
    await writeLogin(home, HERE, undefined);
    assertEquals(await readLogin(home, HERE), undefined);
    assertEquals(await readLogin(home, THERE), second);
    assertEquals(await Array.fromAsync(Deno.readDir(home), ({ name }) => name), [
      "trellis-logins.json",
    ]);
  }));

Deno.test("A file of logins that is no JSON is not overwritten", () =>
  inHome(async (home) => {
    await Deno.mkdir(home);
    await Deno.writeTextFile(loginsFile(home), "{");
    await assertRejects(() => readLogin(home, HERE), ExitError, "not valid JSON");
    await assertRejects(() => writeLogin(home, HERE, undefined), ExitError, "not valid JSON");
    assertEquals(await Deno.readTextFile(loginsFile(home)), "{");
  }));

Deno.test("What is no login in the file counts as none", () =>
  inHome(async (home) => {
    await Deno.mkdir(home);
    for (const text of ["null", "[]", '{"127.0.0.1:9093": 1}', '{"127.0.0.1:9093": {}}']) {
      await Deno.writeTextFile(loginsFile(home), text);
      assertEquals(await readLogin(home, HERE), undefined, text);
    }
  }));
