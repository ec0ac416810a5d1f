import type { Log } from "../../terminal/log.ts";
import { OPERATOR_TOKEN_VARIABLE } from "../../terminal/token_variables.ts";
import type { ControlRule } from "../control/access.ts";
import type { Database } from "../state/database.ts";
import type { Grants } from "./grants.ts";

/** Says at the start who may call the Control API, and how somebody could where nobody can. */
export async function tellWhoMayCall(
  rule: ControlRule,
  grants: Grants,
  { durable, place }: Pick<Database, "durable" | "place">,
  log: Log,
): Promise<void> {
  if (rule.kind !== "tokens") return;
  log.info(
    "superlink.closed",
    "The Control API asks for a token or a login, because others than this machine can reach it " +
      "or because that was asked for. --control-access says otherwise.",
  );
  if (rule.operatorToken !== undefined) return;
  if ((await grants.list()).some((grant) => !grants.hasEnded(grant))) return;
  const remedy = durable
    ? "Stop it, make one with `trellis token create --name NAME --role admin --database " +
      `${place}\`, and start it again; or`
    : "Nothing outlives its state in memory:";
  log.warning(
    "superlink.no-token",
    `Nobody can call the Control API: there is no token. ${remedy} set ${OPERATOR_TOKEN_VARIABLE} ` +
      "to a secret of your own and start it with that.",
  );
}
