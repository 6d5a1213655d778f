/*
 * Home Assistant: buttons and numbers that send commands to the device. They send a line as at the prompt on the command topic,
 * without an id, at QoS 1, not retained. A number shows the value in force, from the JSON object on the diagnostics topic. They
 * are in messages of their own, beside those of the sensors. A message without controls is not sent: Home Assistant 2026.11
 * logs a warning for each empty message about something it does not know.
 * Pure: no I/O. Called once per message.
 * Source: home-assistant.io/integrations/button.mqtt, /integrations/number.mqtt, and homeassistant/components/mqtt of 2026.11.
 * Only since 2025 does `qos` of the device's message apply to its components, so each has its own.
 */
import { type DetailedDevice, deviceMessage } from "./details.js";
import { commandTopic, DEFAULT_PREFIX, diagnosticsTopic, objectId } from "./discovery.js";

/** A button: it sends its key. */
export interface Button {
  readonly platform: "button";
  /** The command, and a part of the entity's id. */
  readonly key: string;
  readonly name: string;
  readonly deviceClass?: "restart";
}

/** A number: when changed, it sends its key and the value. */
export interface NumberControl {
  readonly platform: "number";
  /** The command, the key in the JSON object on the diagnostics topic, and a part of the entity's id. */
  readonly key: string;
  readonly name: string;
}

/** The range of a number, in its unit. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

/** The entities of a message, in its order. */
export type Controls = readonly (Button | NumberControl)[];

/** Step that Home Assistant suggests; other values can be typed. */
const STEP = 0.01;

/** The topic of message `n`. */
export function controlTopic(id: string, prefix = DEFAULT_PREFIX, n = 0): string {
  return `${prefix}/device/${objectId(id)}/controls${n}/config`;
}

/**
 * The payload of a message, to be published retained. `rangeOf`: the range of a number; undefined: the control does not exist,
 * and is removed (by sending only its platform).
 */
export function controlPayload(
  device: DetailedDevice,
  controls: Controls,
  rangeOf: (control: NumberControl) => Range | undefined,
): Uint8Array {
  const { room, id } = device;
  const cmps: Record<string, object> = {};
  controls.forEach((control) => {
    const { platform, key, name } = control;
    const shared = { p: platform, name, qos: 1, ret: false, ent_cat: "config", uniq_id: `${id}_${key}` };
    cmps[key] =
      platform === "button"
        ? { ...shared, pl_prs: key, dev_cla: control.deviceClass }
        : number(control, rangeOf(control), shared);
  });
  return deviceMessage(device, diagnosticsTopic(room, id), cmps, commandTopic(room, id));
}

function number({ platform, key }: NumberControl, range: Range | undefined, shared: object): object {
  if (range === undefined) return { p: platform };
  const { min, max, unit } = range;
  return {
    ...shared,
    cmd_tpl: `${key} {{value}}`,
    val_tpl: `{{value_json.${key}|default(None)}}`, // unknown from the change of `remote` until the device has published it
    min,
    max,
    step: STEP,
    unit_of_meas: unit,
  };
}
