/*
 * Home Assistant: buttons and numbers that send commands to the device. What they send is a line as at the prompt, on the topic of commands:
 * a command without an id, at QoS 1 and not retained. A number shows what is in force, from the JSON object on the diagnostics topic.
 * In messages of their own, beside those of the sensors. One of which nothing is there is not sent: to an empty one for what it does not
 * know, Home Assistant 2026.11 answers by a warning in its log each time.
 * Pure: no I/O. Called a message at a time.
 * Source: home-assistant.io/integrations/button.mqtt, /integrations/number.mqtt, and homeassistant/components/mqtt of 2026.11: `qos` of the
 * device's own message counts for its components since 2025 alone, so that each has it.
 */
import { type DetailedDevice, deviceMessage } from "./details.js";
import { commandTopic, DEFAULT_PREFIX, diagnosticsTopic, objectId } from "./discovery.js";

/** A button: pressed, it sends its key. */
export interface Button {
  readonly platform: "button";
  /** The command, and of the entity's own id. */
  readonly key: string;
  readonly name: string;
  readonly deviceClass?: "restart";
}

/** A number: changed, it sends its key and the value. */
export interface NumberControl {
  readonly platform: "number";
  /** The command, the key in the JSON object on the diagnostics topic, and of the entity's own id. */
  readonly key: string;
  readonly name: string;
}

/** What a number takes, in its unit. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

/** The entities of a message, in its order. */
export type Controls = readonly (Button | NumberControl)[];

/** What Home Assistant offers from one value to the next; others can be typed. */
const STEP = 0.01;

/** Where message `n` goes. */
export function controlTopic(id: string, prefix = DEFAULT_PREFIX, n = 0): string {
  return `${prefix}/device/${objectId(id)}/controls${n}/config`;
}

/**
 * The payload of a message, to be published retained. `rangeOf`: what a number takes; undefined: the control is not there, and is removed
 * (the platform alone does that).
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
    val_tpl: `{{value_json.${key}|default(None)}}`, // not known, from when `remote` is set until the device has said it
    min,
    max,
    step: STEP,
    unit_of_meas: unit,
  };
}
