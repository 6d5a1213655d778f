/*
 * Home Assistant: the message by which it finds the thermometer, and the topic that tells whether the device is there.
 * Publish both retained, so that a Home Assistant that starts later finds them. Keys are Home Assistant's own abbreviations,
 * "~" stands for the base topic: the message stays near 400 bytes, within the MQTT client's buffer.
 * Pure: no I/O. Called once a connection.
 * Source: home-assistant.io/integrations/mqtt (discovery, abbreviations, availability) and /integrations/sensor.mqtt.
 */

/** Payloads of the availability topic, which are Home Assistant's defaults. Offline is the will. */
export const ONLINE = "online";
export const OFFLINE = "offline";

/** Home Assistant's own discovery prefix. */
export const DEFAULT_PREFIX = "homeassistant";

export interface Thermometer {
  /** As in `home/<room>/temperature`. */
  readonly room: string;
  /** The device's own: client id, and level in its availability topic. */
  readonly id: string;
  /** Home Assistant's discovery prefix. Default: its own, "homeassistant". */
  readonly prefix?: string;
  /** What a reading's payload is: JSON with `value`, or the number alone. */
  readonly format: "json" | "plain";
  /** The firmware's. */
  readonly version: string;
  /** The board's name. Default: none shown. */
  readonly model?: string;
  /** No reading for so many seconds: the value is unknown. Default: the last one stands while the device is online. */
  readonly expireAfterS?: number;
}

/** `home/<room>/<id>/status`: retained `online` or `offline`. */
export function availabilityTopic(room: string, id: string): string {
  return `home/${room}/${id}/status`;
}

/** Where Home Assistant says `online` once it has started, and wants to be told of its devices again. */
export function birthTopic(prefix: string): string {
  return `${prefix}/status`;
}

/** Where the discovery message goes. An empty retained message there makes Home Assistant forget the thermometer. */
export function discoveryTopic(id: string, prefix = DEFAULT_PREFIX): string {
  // Home Assistant ignores a topic whose id has other characters than these.
  return `${prefix}/sensor/${id.replace(/[^a-zA-Z0-9_-]/g, "_")}/temperature/config`;
}

/** The discovery message: publish it retained. The payload is JSON in UTF-8, the caller's to keep. */
export function discoveryMessage(thermometer: Thermometer): { topic: string; payload: Uint8Array } {
  const { room, id, prefix, format, version, model, expireAfterS } = thermometer;
  const json = JSON.stringify({
    "~": `home/${room}`,
    stat_t: "~/temperature",
    avty_t: `~/${id}/status`,
    val_tpl: format === "json" ? "{{ value_json.value }}" : undefined,
    dev_cla: "temperature", // without a name, the entity is called after it, in the user's language
    stat_cla: "measurement",
    unit_of_meas: "°C",
    exp_aft: expireAfterS,
    uniq_id: `${id}_temperature`,
    dev: { ids: [id], name: `Thermometer ${room}`, mf: "home-thermometer", mdl: model, sw: version, sa: room },
    o: { name: "home-thermometer", sw: version },
  });
  return { topic: discoveryTopic(id, prefix), payload: encoded(json) };
}

/**
 * UTF-8. `json` has no lone surrogates: JSON.stringify escapes them. By iteration, not by index: XS on a device counts 🛁 as one
 * character, ECMAScript as two, and both iterate over it as one.
 */
function encoded(json: string): Uint8Array {
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
