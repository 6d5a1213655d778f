/*
 * Home Assistant: the entities of the device beside its channels, in messages of two rows each. They are separate from the
 * device's own message, and short, so that each fits the client's buffer with the longest names. The values are in one JSON
 * object on the diagnostics topic.
 * Pure: no I/O. Called once per message, some seconds after a connection was made.
 * Source: home-assistant.io/integrations/mqtt (device discovery payload, abbreviations, options shared by components) and
 * /integrations/sensor.mqtt. Several messages with the same identifiers are one device.
 */
import { availabilityTopic, DEFAULT_PREFIX, deviceName, diagnosticsTopic, encoded, objectId } from "./discovery.js";

/** Most entities in a message. */
const ROWS = 2;

/** The properties of an entity, in Home Assistant's terms. */
export interface Entity {
  /** Key in the JSON object on the diagnostics topic, and a part of the entity's id. */
  readonly key: string;
  readonly name: string;
  readonly unit?: string;
  readonly deviceClass?: string;
  readonly stateClass?: "measurement" | "total_increasing";
}

/** The device of these entities; see `discoveryMessage`. */
export interface DetailedDevice {
  readonly room: string;
  readonly id: string;
  readonly prefix?: string;
  readonly version: string;
}

/** Number of messages for `rows` rows. */
export function detailMessages(rows: number): number {
  return Math.ceil(rows / ROWS);
}

/** Whether message `n` contains an entity. `isThere`: see `detailMessage`. */
export function hasDetails(rows: number, n: number, isThere: (row: number) => boolean): boolean {
  for (let row = n * ROWS; row < (n + 1) * ROWS && row < rows; row++) if (isThere(row)) return true;
  return false;
}

/** The topic of message `n`. */
export function detailTopic(id: string, prefix = DEFAULT_PREFIX, n = 0): string {
  return `${prefix}/device/${objectId(id)}/details${n}/config`;
}

/** Message `n`, to be published retained. `isThere`: whether the device has a row; other entities are removed. */
export function detailMessage(
  device: DetailedDevice,
  entities: readonly Entity[],
  n: number,
  isThere: (row: number) => boolean,
): { topic: string; payload: Uint8Array } {
  const { room, id, prefix } = device;
  const cmps: Record<string, object> = {};
  for (let row = n * ROWS; row < (n + 1) * ROWS && row < entities.length; row++) {
    const entity = entities[row];
    cmps[entity.key] = isThere(row) ? component(id, entity) : { p: "sensor" }; // the platform alone removes it
  }
  return { topic: detailTopic(id, prefix, n), payload: deviceMessage(device, diagnosticsTopic(room, id), cmps) };
}

/**
 * The payload of a message with the components `cmps`. `stateTopic`, `commandTopic`: shared by all of them. `isAlwaysThere`:
 * they can be used while the device is away.
 */
export function deviceMessage(
  { room, id, version }: DetailedDevice,
  stateTopic: string,
  cmps: Readonly<Record<string, object>>,
  commandTopic?: string,
  isAlwaysThere = false,
): Uint8Array {
  const json = JSON.stringify({
    dev: { ids: [id], name: deviceName(room) },
    o: { name: "home-thermometer", sw: version },
    stat_t: stateTopic,
    cmd_t: commandTopic,
    avty_t: isAlwaysThere ? undefined : availabilityTopic(room, id),
    cmps,
  });
  return encoded(json);
}

function component(id: string, { key, name, unit, deviceClass, stateClass }: Entity): object {
  return {
    p: "sensor",
    name,
    val_tpl: `{{ value_json.${key}|default(None) }}`,
    dev_cla: deviceClass,
    unit_of_meas: unit,
    stat_cla: stateClass,
    ent_cat: "diagnostic",
    uniq_id: `${id}_${key}`,
  };
}
