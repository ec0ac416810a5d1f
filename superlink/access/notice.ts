import type { Log } from "../../terminal/log.ts";
import { OPERATOR_TOKEN_VARIABLE } from "../../terminal/token_variables.ts";
import type { ControlRule } from "../control/access.ts";
import type { Database } from "../state/database.ts";
import type { Grants } from "./grants.ts";

/**
 * Says at the start who may call the Control API, and how somebody could where nobody can. `onPage`
 * says that there is a page on which the first token can be made, too.
 */
export async function tellWhoMayCall(
  rule: ControlRule,
  grants: Grants,
  { durable, place }: Pick<Database, "durable" | "place">,
  onPage: boolean,
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
  const ways = [
    ...onPage ? ["make one on the page, under Access"] : [],
    ...durable
      ? [
        "stop the SuperLink, make one with `trellis token create --name NAME --role admin " +
        `--database ${place}\`, and start it again`,
      ]
      : [],
    `set ${OPERATOR_TOKEN_VARIABLE} to a secret of your own and start it with that`,
  ].join("; or ");
  log.warning(
    "superlink.no-token",
    `Nobody can call the Control API: there is no token. ${ways[0]?.toUpperCase()}${
      ways.slice(1)
    }.` +
      (durable ? "" : " A token that is made ends with a SuperLink whose state is in memory."),
  );
}
