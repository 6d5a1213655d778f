/* What the broker is to retain according to the settings: the names, and the discovery message. */
import type { Board } from "../../board.js";
import { discoveryMessage, LAST_REPORT, offeredChannels } from "../../homeassistant/discovery.js";
import type { Settings } from "../../settings/settings.js";
import { VERSION } from "../../version.js";
import { extrasOf } from "./controls.js";
import { expireAfterS, sleeperExpiryS } from "./expiry.js";
import { type Names, undiscovered } from "./names.js";

/** What is needed of the device. */
export interface WantedOwner {
  readonly board: Pick<Board, "battery" | "name" | "update">;
  readonly settings: Settings;
  /** Client id; also a level of the device's topics. */
  readonly id: string;
  /** Undefined: the device does not sleep. */
  readonly sleep: object | undefined;
}

/** The names for a device whose samples have `channels`, one bit each. */
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

/** The payload of the discovery message for `names`. `gone`: channels that it removes, one bit each. */
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
