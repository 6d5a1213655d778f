/* After how much silence Home Assistant treats a value as unavailable, and a broker a connection as lost. */
import { channels } from "../../channels/channels.js";
import { channelKey } from "../../settings/channel-settings.js";
import type { Key } from "../../settings/schema.js";
import type { Settings } from "../../settings/settings.js";

/** At least this, because a reading may be delayed by a reconnect. */
const MIN_EXPIRY_S = 60;

const SETTINGS: readonly Key[] = Object.freeze<Key[]>(["payload", "topics", "interval", "heartbeat", "report"]);

/** Whether a change of `keys` changes the discovery message: what is sent, and the time without readings after which a value is unavailable. */
export function concernsDiscovery(keys: readonly Key[]): boolean {
  return keys.some((key) => SETTINGS.includes(key) || key.startsWith("deadband"));
}

/** Three times the longest silence of a working sensor, in seconds; undefined: it may be silent for ever. */
export function expireAfterS(settings: Settings): number | undefined {
  const interval = settings.get("interval");
  const heartbeat = settings.get("heartbeat");
  const hasDeadband = channels.some((_, channel) => settings.get(channelKey("deadband", channel)) > 0);
  if (!hasDeadband) return Math.max(MIN_EXPIRY_S, Math.ceil(3 * interval));
  return heartbeat === 0 ? undefined : Math.max(MIN_EXPIRY_S, Math.ceil(3 * (heartbeat + interval)));
}

/** For a device that sleeps, in seconds: two reports in a row may fail. */
export function sleeperExpiryS(settings: Settings): number {
  return Math.max(MIN_EXPIRY_S, Math.ceil(3 * (settings.get("report") * 60 + settings.get("interval"))));
}

const OLD_KEEP_ALIVE_S = 60; // at least the default: the earlier connection's keep-alive is not known
const WILL_SLACK_MS = 15_000; // a broker may be late by this much

/** Uptime, in milliseconds, by which the broker has published the will of a connection from before the boot. */
export function willMs(settings: Settings): number {
  return 1_500 * Math.max(settings.get("mqtt.keepalive"), OLD_KEEP_ALIVE_S) + WILL_SLACK_MS;
}
