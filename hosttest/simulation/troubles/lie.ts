/*
 * Wrong times from the time servers, or from an attacker who answers in their place.
 */
import type { Intruder, NTPServer } from "../../../boards/parts/ntp.js";
import type { Lie } from "./storm.js";

/** From now on the servers are wrong by `byMs`, milliseconds; 0: they are right. */
export function applyLie(faults: NTPServer["faults"], byMs: number, how: Lie): void {
  const isWrong = byMs !== 0;
  const isByAll = how === "all" || how === "unsynchronised";
  faults.wrongByMs = isWrong && isByAll ? byMs : 0;
  faults.unsynchronised = isWrong && how === "unsynchronised" ? true : undefined;
  faults.wrongHosts = isWrong && how === "oneServer" ? { "1.pool.ntp.org": byMs } : undefined;
  faults.intruder = isWrong ? intruder(byMs, how) : undefined;
}

function intruder(byMs: number, how: Lie): Intruder | undefined {
  if (how === "forgedOnce") return { byMs, sees: "question", times: 1 };
  return how === "forgedBlind" ? { byMs, sees: "nothing", times: 1_000 } : undefined;
}
