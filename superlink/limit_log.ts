import type { Log } from "../terminal/log.ts";
import { hostOf } from "./auth/peer_limit.ts";
import type { LimitReached } from "./call_rate.ts";
import type { Clock } from "./clock.ts";
import { LIMITS } from "./limits.ts";
import { Seldom } from "./seldom.ts";

const PERIOD_MICROS = 60_000_000;

/**
 * Says in the log that a limit is reached, once a minute for each limit: whoever looks for the reason
 * why a SuperNode is slow finds it, and a flood fills no disk.
 */
export function limitLog(log: Log, clock: Clock): LimitReached {
  const told = new Seldom<string>(PERIOD_MICROS);
  return (name, perMinute, peer) => {
    if (!told.isDue(name, clock.nowMicros())) return;
    const [who] = LIMITS[name].who.split(";");
    log.warning(
      "superlink.limit",
      `Calls of a ${who} at ${hostOf(peer)} come too fast and are not taken for now: ${name} is ` +
        `${perMinute.toLocaleString("en")} a minute. --limit ${name}=N changes that.`,
      { limit: name, peer },
    );
  };
}
