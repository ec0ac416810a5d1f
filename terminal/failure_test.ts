import { assertEquals } from "@std/assert";
import { ExitError } from "./errors.ts";
import { describeFailure, logFailure } from "./failure.ts";
import { createLog } from "./log.ts";

Deno.test("logFailure() says in lines of the log what went wrong and what to do", () => {
  const lines: string[] = [];
  const log = createLog({
    format: "json",
    write: (line) => lines.push(line),
    now: () => new Date(0),
  });
  const error = new ExitError("The door is shut.", { remedy: "Knock.", flowerCode: 303 });
  assertEquals(logFailure(error, "superlink", log), 1);
  const time = "1970-01-01T00:00:00.000Z";
  assertEquals(lines.map((line) => JSON.parse(line)), [
    {
      time,
      level: "error",
      event: "superlink.failed",
      message: "The door is shut. (Exit Code: 303)",
      exitCode: 1,
      flowerExitCode: 303,
    },
    { time, level: "error", event: "superlink.remedy", message: "Knock." },
  ]);
});

Deno.test("describeFailure() says what to do about errors of the operating system", () => {
  const full = Object.assign(new Error("No space left on device (os error 28)"), {
    code: "ENOSPC",
  });
  assertEquals(describeFailure(full), {
    message: "No space left on device (os error 28)",
    remedy: "The disk is full: make room on it, or choose another place.",
    exitCode: 1,
  });
  const other = Object.assign(new Error("Odd."), { code: "constructor" });
  assertEquals(describeFailure(other).remedy, undefined);
});
