/*
 * Home Assistant: the message by which it finds the device, and the availability topic. Publish both retained, so that a Home
 * Assistant that starts later gets them. One message describes the device, with a component (an entity) for each channel: a new
 * channel needs only its row in the channel table. Keys are Home Assistant's abbreviations: with three channels the message has
 * some 900 bytes.
 * Firmware 0.1 published one message for the temperature only, on a topic of its own. To keep the entity's settings and
 * history, publish MIGRATE there, then the device's message, then an empty one there.
 * Pure: no I/O. Called once a connection, and when the channels or their settings change.
 * Source: home-assistant.io/integrations/mqtt (device discovery payload, migration from single component to device-based
 * discovery, abbreviations, availability) and /integrations/sensor.mqtt. The device form needs Home Assistant 2024.12.
 */
import { type Channel, channels, TEMPERATURE } from "../channels/channels.js";

/** Payloads of the availability topic, Home Assistant's defaults. "offline" is also the will. */
export const ONLINE = "online";
/** Payload of the availability topic while the device is away. */
export const OFFLINE = "offline";

/** Home Assistant's own discovery prefix. */
export const DEFAULT_PREFIX = "homeassistant";

/** Retained on `formerTopic`: Home Assistant releases the entity, but keeps its data for the device's message. */
export const MIGRATE = '{"migrate_discovery":true}';

/** A bit of the mask above the channels: the time of the last report, for a device that sleeps. */
export const LAST_REPORT = 1 << 7;
/** Further bits, for entities in messages of their own: the buttons. */
export const BUTTONS = 1 << 8;
/** The numbers. */
export const NUMBERS = 1 << 9;
/** The update entity. */
export const FIRMWARE = 1 << 10;
/** The diagnostics' last message, which only a board that measures its cells has. */
export const CELLS = 1 << 11;
/** All masks are below this. */
export const MASK_END = 1 << 12;

/** Channels are bits of a mask, bit n for row n of the channel table. */
export interface Thermometer {
  /** As in `home/<room>/temperature`. */
  readonly room: string;
  /** The device's own id: client id, and a level in its topics. */
  readonly id: string;
  /** Home Assistant's discovery prefix. Default: its own, "homeassistant". */
  readonly prefix?: string;
  /** An entity for each of these: see `offeredChannels`. */
  readonly channels: number;
  /** Channels whose entities exist and have to be removed. */
  readonly gone?: number;
  /** All values of a sample in one message, or each on a topic of its own. */
  readonly topics: "sample" | "each";
  /** The payload of a reading: JSON, or the number only. */
  readonly format: "json" | "plain";
  /** The firmware's. */
  readonly version: string;
  /** The board's name. Default: none shown. */
  readonly model?: string;
  /** Seconds without a reading after which the value is unavailable. Default: the last one stays while the device is online. */
  readonly expireAfterS?: number;
}

/** The channels of a sample (a mask) that subscribers get: with one plain payload, only the temperature. */
export function offeredChannels(mask: number, { topics, format }: Pick<Thermometer, "topics" | "format">): number {
  return topics === "sample" && format === "plain" ? mask & (1 << TEMPERATURE) : mask;
}

/** `home/<room>/<id>/status`: retained `online` or `offline`. */
export function availabilityTopic(room: string, id: string): string {
  return `home/${room}/${id}/status`;
}

/** `home/<room>/<id>/diagnostics`: retained, the device's own state as JSON. */
export function diagnosticsTopic(room: string, id: string): string {
  return `home/${room}/${id}/diagnostics`;
}

/** `home/<room>/<id>/command`: a line as at the prompt. */
export function commandTopic(room: string, id: string): string {
  return `home/${room}/${id}/command`;
}

/** `home/<room>/<id>/session`: nothing is published there; a subscription to it marks the session. */
export function sessionTopic(room: string, id: string): string {
  return `home/${room}/${id}/session`;
}

/** `home/<room>/<id>/answer`: the answer to a command. */
export function answerTopic(room: string, id: string): string {
  return `home/${room}/${id}/answer`;
}

/** The topic on which Home Assistant publishes `online` when it has started; devices then announce themselves again. */
export function birthTopic(prefix: string): string {
  return `${prefix}/status`;
}

/** The topic of the discovery message. With an empty retained message, Home Assistant forgets the device. */
export function discoveryTopic(id: string, prefix = DEFAULT_PREFIX): string {
  return `${prefix}/device/${objectId(id)}/config`;
}

/** The topic of firmware 0.1's discovery message, for the temperature only. */
export function formerTopic(id: string, prefix = DEFAULT_PREFIX): string {
  return `${prefix}/sensor/${objectId(id)}/temperature/config`;
}

/** The discovery message, to be published retained. The payload is JSON in UTF-8, and belongs to the caller. */
export function discoveryMessage(thermometer: Thermometer): { topic: string; payload: Uint8Array } {
  const { room, id, prefix, topics, version, model } = thermometer;
  const json = JSON.stringify({
    dev: { ids: [id], name: deviceName(room), mf: "home-thermometer", mdl: model, sw: version, sa: room },
    o: { name: "home-thermometer", sw: version },
    stat_t: topics === "sample" ? stateTopic(room, channels[TEMPERATURE]) : undefined,
    avty_t: availabilityTopic(room, id),
    cmps: components(thermometer),
  });
  return { topic: discoveryTopic(id, prefix), payload: encoded(json) };
}

/**
 * Components by name. The temperature comes last: according to its source, Home Assistant 2025.4 leaves out what follows a
 * component whose last change it has not finished, and the temperature is the one migrated from firmware 0.1.
 */
function components(thermometer: Thermometer): Record<string, object> {
  const { channels: present, gone = 0 } = thermometer;
  const all: Record<string, object> = {};
  if (present & LAST_REPORT) all.last_report = lastReport(thermometer);
  else if (gone & LAST_REPORT) all.last_report = { p: "sensor" };
  for (let n = channels.length - 1; n >= 0; n--) {
    const channel = channels[n];
    if ((present >> n) & 1) all[channel.name] = component(thermometer, channel);
    else if ((gone >> n) & 1) all[channel.name] = { p: "sensor" }; // the platform alone removes it
  }
  return all;
}

function component({ room, id, topics, format, expireAfterS }: Thermometer, channel: Channel): object {
  const isOnItsOwn = topics === "each";
  return {
    p: "sensor",
    stat_t: isOnItsOwn ? stateTopic(room, channel) : undefined,
    // Also where it is the default: if left out, the former template would stay in force (seen with Home Assistant 2025.4).
    val_tpl: format === "plain" ? "{{ value }}" : isOnItsOwn ? "{{ value_json.value }}" : partOf(channel),
    dev_cla: channel.deviceClass, // without a name, the entity is called after it, in the user's language
    stat_cla: "measurement",
    unit_of_meas: channel.unit,
    exp_aft: expireAfterS,
    uniq_id: `${id}_${channel.name}`,
  };
}

/** The time of the last message, which stays when the readings have expired. */
function lastReport({ room, id }: Thermometer): object {
  return {
    p: "sensor",
    name: "Last report",
    stat_t: stateTopic(room, channels[TEMPERATURE]),
    val_tpl: "{{ now().isoformat() }}",
    dev_cla: "timestamp",
    ent_cat: "diagnostic",
    uniq_id: `${id}_last_report`,
  };
}

/**
 * A sample may lack a channel, because its sensor failed. The state is then unknown, as for a template that renders None
 * (MqttSensor, since 2023). Without this, Home Assistant would log a warning for each such message and keep the last value,
 * however old: `exp_aft` counts from the last message, whatever its content.
 */
function partOf({ key }: Channel): string {
  return `{{ value_json.${key}|default(None) }}`;
}

/** The same topic as in src/thermometer/topics.ts. */
function stateTopic(room: string, { name }: Channel): string {
  return `home/${room}/${name}`;
}

/** Included in each message: the one that Home Assistant reads first creates the device, and names its entities after it. */
export function deviceName(room: string): string {
  return `Thermometer ${room}`;
}

/** Replaces characters in an id for which Home Assistant would ignore the topic. */
export function objectId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, "_");
}

/**
 * UTF-8. `json` has no lone surrogates: JSON.stringify escapes them. By iteration, not by index: XS counts 🛁 as one character,
 * ECMAScript as two, and both iterate over it as one.
 */
export function encoded(json: string): Uint8Array {
  let length = 0; // counted first: a buffer for the worst case would be the largest object in the heap
  for (const character of json) {
    const code = character.codePointAt(0) as number;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const character of json) {
    const code = character.codePointAt(0) as number;
    if (code < 0x80) {
      bytes[end++] = code;
      continue;
    }
    if (code > 0xffff) {
      bytes[end++] = 0xf0 | (code >> 18);
      bytes[end++] = 0x80 | ((code >> 12) & 0x3f);
    } else if (code > 0x7ff) {
      bytes[end++] = 0xe0 | (code >> 12);
    }
    bytes[end++] = code > 0x7ff ? 0x80 | ((code >> 6) & 0x3f) : 0xc0 | (code >> 6);
    bytes[end++] = 0x80 | (code & 0x3f);
  }
  return bytes;
}
