import { assertEquals } from "@std/assert";
import { flwrHome } from "./flwr_home.ts";

Deno.test("flwrHome follows Flower's order of variables", () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ FLWR_HOME: "/f", XDG_DATA_HOME: "/x", HOME: "/h" }, "/f"],
    [{ XDG_DATA_HOME: "/x", HOME: "/h" }, "/x/.flwr"],
    [{ HOME: "/h" }, "/h/.flwr"],
    [{ FLWR_HOME: "", XDG_DATA_HOME: "", HOME: "/h" }, "/h/.flwr"],
    [{ USERPROFILE: "/u" }, "/u/.flwr"],
    [{}, ".flwr"],
  ];
  for (const [variables, expected] of cases) {
    assertEquals(flwrHome({ get: (name) => variables[name] }), expected);
  }
});
