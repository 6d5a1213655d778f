/*
 * What is agreed with the broker: the MQTT version and, in MQTT 5, session expiry and limits. Turns settings into the client's
 * options, and the client's status into text.
 * Source: MQTT 5 §3.1.2.11 (session expiry), §3.2.2.3 (limits), §3.3.2.3 (message expiry, content type).
 */
import type { ClientStatus, LimitLayers, Limits, Version } from "../mqtt/client.js";
import { version5 } from "../mqtt/v5/version5.js";
import type { Settings } from "../settings/settings.js";

const DAY_S = 86_400;
/** Session expiry "never", in seconds (MQTT 5 §3.1.2.11.2). */
const FOR_EVER_S = 0xffff_ffff;
const CONTENT_TYPES = Object.freeze({ json: "application/json", plain: "text/plain" });

/** The client's option `version`, from the settings. */
export function versionOf(settings: Settings): "auto" | Version {
  const version = settings.get("mqtt.version");
  switch (version) {
    case "auto":
      return "auto";
    case "5":
      return 5;
    case "3.1.1":
      return 4;
    default:
      throw new TypeError(`mqtt.version: ${version satisfies never}`);
  }
}

/** How long the broker is asked to keep the session without a connection, in seconds. */
export function sessionExpiryOf(settings: Settings): number {
  return settings.get("mqtt.session") * DAY_S;
}

/** The MQTT 5 properties of each reading (message expiry, content type), encoded; undefined: none. */
export function propertiesOf(settings: Settings): Uint8Array | undefined {
  const messageExpiryS = settings.get("mqtt.expiry") || undefined;
  const contentType = settings.get("mqtt.contenttype") ? CONTENT_TYPES[settings.get("payload")] : undefined;
  return messageExpiryS || contentType ? version5.properties({ messageExpiryS, contentType }) : undefined;
}

/**
 * What the broker does differently from what it was asked, for `status`: "MQTT 5, session kept for 1 day, QoS 2 not supported:
 * 1 is the highest".
 */
export function agreementText({ version, limits }: ClientStatus, settings: Settings): string {
  const name = `MQTT ${version === 5 ? "5" : "3.1.1"}`;
  if (version !== 5) {
    const isChosen = settings.get("mqtt.version") === "3.1.1";
    return isChosen ? name : `${name}: the broker has no MQTT 5, or has not answered it`;
  }
  return limits ? [name, ...termsOf(limits, settings)].join(", ") : name;
}

function termsOf({ ours, broker, effective }: LimitLayers, settings: Settings): string[] {
  if (!broker) return [];
  return [sessionTerm(effective), ...limitTerms(ours, broker, settings)];
}

function sessionTerm({ sessionExpiryS }: Limits): string {
  if (sessionExpiryS === undefined || sessionExpiryS >= FOR_EVER_S) return "session kept for good";
  return sessionExpiryS === 0 ? "session not kept" : `session kept for ${durationText(sessionExpiryS)}`;
}

/** Only limits below what was asked for. */
function limitTerms(ours: Limits, broker: Limits, settings: Settings): string[] {
  const qos = settings.get("mqtt.qos");
  const terms: string[] = [];
  if (broker.maxQoS < qos) terms.push(`QoS ${qos} not supported: ${broker.maxQoS} is the highest`);
  if (qos > 0 && broker.receiveMaximum < ours.window) terms.push(`${broker.receiveMaximum} in flight at most`);
  if (broker.retainAvailable === 0) terms.push("retained messages not supported");
  if (broker.keepAliveS !== ours.keepAliveS) terms.push(`keep-alive of ${broker.keepAliveS} s wanted`);
  return terms;
}

/** A duration in the largest unit in which it is whole, or nearly: "1 day", "36 h", "5 min". */
export function durationText(seconds: number): string {
  if (seconds >= 2 * DAY_S || seconds === DAY_S) return counted(Math.floor(seconds / DAY_S), "day");
  if (seconds >= 7_200) return `${Math.floor(seconds / 3_600)} h`;
  return seconds >= 120 ? `${Math.floor(seconds / 60)} min` : `${seconds} s`;
}

/** "1 day", "2 days". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
