/*
 * After how long a silence Home Assistant takes a value for unknown, and a broker a device for gone.
 */
import { channels } from "../../channels/channels.js";
import { channelKey } from "../../settings/channel-settings.js";
import type { Settings } from "../../settings/settings.js";

/** A reading may be late by a connection that must be made anew. */
const MIN_EXPIRY_S = 60;

/** Three times the longest silence of a sensor that works, in seconds; undefined: it may be silent for ever. */
export function expireAfterS(settings: Settings): number | undefined {
  const interval = settings.get("interval");
  const heartbeat = settings.get("heartbeat");
  const hasDeadband = channels.some((_, channel) => settings.get(channelKey("deadband", channel)) > 0);
  if (!hasDeadband) return Math.max(MIN_EXPIRY_S, Math.ceil(3 * interval));
  return heartbeat === 0 ? undefined : Math.max(MIN_EXPIRY_S, Math.ceil(3 * (heartbeat + interval)));
}

/** Of a sleeper: one report may fail, and the next one with it. */
export function sleeperExpiryS(settings: Settings): number {
  return Math.max(MIN_EXPIRY_S, Math.ceil(3 * (settings.get("report") * 60 + settings.get("interval"))));
}

const OLD_KEEP_ALIVE_S = 60; // at least: the default; an old connection's is not known
const WILL_SLACK_MS = 15_000; // a broker may be that late

/** By this uptime, milliseconds, the will of an earlier life's connection has been published. */
export function willMs(settings: Settings): number {
  return 1_500 * Math.max(settings.get("mqtt.keepalive"), OLD_KEEP_ALIVE_S) + WILL_SLACK_MS;
}
