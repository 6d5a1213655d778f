/*
 * What is to stand at the broker, as the settings want it: the names, and Home Assistant's discovery message under them.
 */
import type { Board } from "../../board.js";
import { discoveryMessage, LAST_REPORT, offeredChannels } from "../../homeassistant/discovery.js";
import type { Settings } from "../../settings/settings.js";
import { VERSION } from "../../version.js";
import { extrasOf } from "./controls.js";
import { expireAfterS, sleeperExpiryS } from "./expiry.js";
import { type Names, undiscovered } from "./names.js";

/** The device, as far as it is needed here. */
export interface WantedOwner {
  readonly board: Pick<Board, "name" | "update">;
  readonly settings: Settings;
  /** Client id, and the device's level in its topics. */
  readonly id: string;
  /** Undefined: it does not sleep. */
  readonly sleep: object | undefined;
}

/** The names for a device whose samples have `channels`, a bit each. */
export function wantedNames(owner: WantedOwner, channels: number): Names {
  const { settings, id, sleep } = owner;
  const offered = offeredChannels(channels, { topics: settings.get("topics"), format: settings.get("payload") });
  const names = {
    room: settings.get("room"),
    id,
    prefix: settings.get("discovery.prefix"),
    channels: (sleep === undefined ? offered : offered | LAST_REPORT) | extrasOf(owner),
  };
  return settings.get("discovery") && offered !== 0 ? names : undiscovered(names);
}

/** The payload of the discovery message for `names`. `gone`: channels that it takes back, a bit each. */
export function discoveryOf({ settings, board, sleep }: WantedOwner, names: Names, gone?: number): Uint8Array {
  return discoveryMessage({
    ...names,
    gone,
    topics: settings.get("topics"),
    format: settings.get("payload"),
    version: VERSION,
    model: board.name,
    expireAfterS: sleep === undefined ? expireAfterS(settings) : sleeperExpiryS(settings),
  }).payload;
}
