/*
 * Limits in three layers, ours, the server's and the effective ones, computed here for each connection. Pure.
 * Source: MQTT 5 §3.2.2.3.
 */
import type { Limits } from "../delivery/limits.js";
import type { QoS } from "../wire/codec.js";
import type { Properties } from "../wire/properties.js";

const NO_LIMIT = 65_535;
/**
 * mosquitto counts its `max_inflight_messages`, 20 by default, from PUBLISH to PUBCOMP, including those left open by earlier
 * connections.
 */
const MAX_QOS2 = 19;
/** A 3.1.1 server silently drops messages above its limit (see `SessionOptions.window`). */
const MAX_QOS2_UNSAID = 8;
/** Safe against any limit. */
const MAX_QOS2_GUESSED = 1;

/** The server's limits from its CONNACK, with the standard's defaults for missing ones. */
export function brokerLimits(connack: Properties, ours: Limits): Limits {
  const receiveMaximum = connack.receiveMaximum ?? NO_LIMIT;
  return {
    window: receiveMaximum,
    maxOpenQoS2: receiveMaximum,
    receiveMaximum,
    maxQoS: (connack.maxQoS ?? 2) as QoS,
    retainAvailable: connack.retainAvailable === 0 ? 0 : 1,
    maxPacketBytes: connack.maxPacketBytes ?? ours.maxPacketBytes,
    aliasMaximum: connack.aliasMaximum ?? 0,
    keepAliveS: connack.serverKeepAliveS ?? ours.keepAliveS,
    sessionExpiryS: connack.sessionExpiryS ?? ours.sessionExpiryS,
    wildcardAvailable: connack.wildcardAvailable === 0 ? 0 : 1,
    sharedAvailable: connack.sharedAvailable === 0 ? 0 : 1,
    subscriptionIdAvailable: connack.subscriptionIdAvailable === 0 ? 0 : 1,
    assignedId: connack.assignedId,
  };
}

/**
 * `broker`: of this connection; of an earlier one, if this is of 3.1.1, which cannot report them but has the same limits.
 * `isGuess`: 3.1.1 is used only because the server was silent at 5; it may have a limit that it could not report.
 */
export function effectiveLimits(ours: Limits, broker: Limits | undefined, level: 4 | 5, isGuess: boolean): Limits {
  const maxQoS = broker ? broker.maxQoS : ours.maxQoS;
  const receiveMaximum = broker ? broker.receiveMaximum : NO_LIMIT;
  const window = maxQoS ? Math.min(ours.window, receiveMaximum) : 0;
  const isSaid = level === 5 && broker;
  return {
    ...(broker ?? ours),
    window,
    maxOpenQoS2: Math.min(receiveMaximum, isSaid ? MAX_QOS2 : isGuess ? MAX_QOS2_GUESSED : MAX_QOS2_UNSAID),
    receiveMaximum,
    aliasMaximum: isSaid ? Math.min(ours.aliasMaximum, broker.aliasMaximum) : 0,
    keepAliveS: isSaid ? shorter(broker.keepAliveS, ours.keepAliveS) : ours.keepAliveS,
    sessionExpiryS: isSaid ? broker.sessionExpiryS : undefined,
    assignedId: isSaid ? broker.assignedId : undefined,
  };
}

/**
 * Keep-alives in seconds, 0: off. A client may send pings more often than the server asks for (§3.1.2.10), and so detects its
 * loss sooner.
 */
function shorter(a: number, b: number): number {
  return a && b ? Math.min(a, b) : a || b;
}
