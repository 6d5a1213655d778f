/*
 * Home Assistant: the message by which it finds the thermometer, and the topic that says whether the device is there.
 * Publish both retained, so that a Home Assistant that starts later finds them. One message for the device, with a component
 * (an entity) for each channel: a row of the channel table is all that a new channel needs here. Keys are Home Assistant's own
 * abbreviations: with three channels the message has some 900 bytes.
 * Firmware 0.1 published one message for the temperature alone, on a topic of its own. To keep the entity's settings and
 * history: MIGRATE there, then the device's message, then an empty one there.
 * Pure: no I/O. Called once a connection, and when the channels or their settings change.
 * Source: home-assistant.io/integrations/mqtt (device discovery payload, migration from single component to device-based
 * discovery, abbreviations, availability) and /integrations/sensor.mqtt. The device form needs Home Assistant 2024.12.
 */
import { type Channel, channels, TEMPERATURE } from "../channels/channels.js";

/** Payloads of the availability topic, which are Home Assistant's defaults. Offline is the will. */
export const ONLINE = "online";
/** Payload of the availability topic while the device is away. */
export const OFFLINE = "offline";

/** Home Assistant's own discovery prefix. */
export const DEFAULT_PREFIX = "homeassistant";

/** Retained on `formerTopic`: Home Assistant releases the entity, and keeps its data for the device's message. */
export const MIGRATE = '{"migrate_discovery":true}';

/** Beside the channels in their mask, and above all of them: of a thermometer that sleeps, the time of its last report. */
export const LAST_REPORT = 1 << 7;
/** Above that, what else Home Assistant has of the device, in messages of its own: the buttons. */
export const BUTTONS = 1 << 8;
/** The numbers. */
export const NUMBERS = 1 << 9;
/** The update entity. */
export const FIRMWARE = 1 << 10;
/** A mask of all of them is below this. */
export const MASK_END = 1 << 11;

/** Channels are bits of a mask, bit n for row n of the channel table. */
export interface Thermometer {
  /** As in `home/<room>/temperature`. */
  readonly room: string;
  /** The device's own: client id, and level in its availability topic. */
  readonly id: string;
  /** Home Assistant's discovery prefix. Default: its own, "homeassistant". */
  readonly prefix?: string;
  /** An entity for each of these: see `offeredChannels`. */
  readonly channels: number;
  /** Their entities are there, and are removed. */
  readonly gone?: number;
  /** All values of a sample in one message, or each on a topic of its own. */
  readonly topics: "sample" | "each";
  /** What a message's payload is: JSON, or the number alone. */
  readonly format: "json" | "plain";
  /** The firmware's. */
  readonly version: string;
  /** The board's name. Default: none shown. */
  readonly model?: string;
  /** No reading for so many seconds: the value is unknown. Default: the last one stands while the device is online. */
  readonly expireAfterS?: number;
}

/** Of the channels in a sample (a mask), those that a subscriber gets: of all in one plain payload the temperature alone. */
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

/** `home/<room>/<id>/answer`: what came of a command. */
export function answerTopic(room: string, id: string): string {
  return `home/${room}/${id}/answer`;
}

/** Where Home Assistant says `online` once it has started, and asks its devices to announce themselves again. */
export function birthTopic(prefix: string): string {
  return `${prefix}/status`;
}

/** Where the discovery message goes. An empty retained message there makes Home Assistant forget the device. */
export function discoveryTopic(id: string, prefix = DEFAULT_PREFIX): string {
  return `${prefix}/device/${objectId(id)}/config`;
}

/** Where firmware 0.1 sent its discovery message, for the temperature alone. */
export function formerTopic(id: string, prefix = DEFAULT_PREFIX): string {
  return `${prefix}/sensor/${objectId(id)}/temperature/config`;
}

/** The discovery message: publish it retained. The payload is JSON in UTF-8, the caller's to keep. */
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
 * By name. The temperature comes last: by its source, Home Assistant 2025.4 leaves out what follows a component whose last
 * change it has not finished, and the temperature is what comes over from firmware 0.1.
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
    // Also where it changes nothing: left out, the one before would stay in force (seen with Home Assistant 2025.4).
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
 * A sample may lack a channel: its sensor failed. The state is unknown then: what renders as None is that (MqttSensor, since 2023). Left
 * to itself, Home Assistant logs a warning for each such message, and the last value stands, however old it is: also `exp_aft`
 * counts from the last message, whatever was in it.
 */
function partOf({ key }: Channel): string {
  return `{{ value_json.${key}|default(None) }}`;
}

/** As src/thermometer/topics.ts makes it for the samples. */
function stateTopic(room: string, { name }: Channel): string {
  return `home/${room}/${name}`;
}

/** In each message: whichever Home Assistant reads first makes the device, and names its entities after it. */
export function deviceName(room: string): string {
  return `Thermometer ${room}`;
}

/** Home Assistant ignores a topic whose id has other characters than these. */
export function objectId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, "_");
}

/**
 * UTF-8. `json` has no lone surrogates: JSON.stringify escapes them. By iteration, not by index: XS on a device counts 🛁 as one
 * character, ECMAScript as two, and both iterate over it as one.
 */
export function encoded(json: string): Uint8Array {
  let length = 0; // counted first: a buffer for the worst case would be the largest thing in the device's heap
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
