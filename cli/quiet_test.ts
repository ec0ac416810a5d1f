import { assertEquals } from "@std/assert";
import { quiet } from "./command_tree.ts";
import { recordingTerminal } from "./testing/recording_terminal.ts";

Deno.test("--quiet leaves results, and what only a person can do, such as to approve a login", () => {
  const terminal = recordingTerminal();
  const silenced = quiet(terminal);
  silenced.say("Uploading …");
  silenced.progress("50 %");
  silenced.print("a result");
  silenced.ask("Ask an admin of the SuperLink to run: …");
  assertEquals(terminal.stdout(), "a result\n");
  assertEquals(terminal.stderr(), "Ask an admin of the SuperLink to run: …\n");
});
