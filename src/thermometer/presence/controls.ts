/*
 * What Home Assistant can ask of the device: a row each. A button wants `remote` basic, a number, which changes a setting, `remote` on
 * (remote/permission.ts decides again when the command comes). There is no button for `identify`: no board has an LED yet.
 */
import type { Board } from "../../board.js";
import type { Button, Controls, NumberControl, Range } from "../../homeassistant/controls.js";
import { BUTTONS, FIRMWARE, NUMBERS } from "../../homeassistant/discovery.js";
import { requireSetting } from "../../settings/parse.js";
import type { Key } from "../../settings/schema.js";
import type { Settings } from "../../settings/settings.js";

/** The device, as far as it is needed here. */
export interface ControlsOwner {
  readonly board: Pick<Board, "update">;
  readonly settings: Settings;
}

/** A number: what it sets. */
interface NumberRow extends NumberControl {
  readonly key: Key;
  /** Of a thermometer that sleeps alone, or of one that does not; absent: of each. */
  readonly sleeps?: boolean;
}

const button = (row: Omit<Button, "platform">): Button => Object.freeze<Button>({ platform: "button", ...row });
const number = (row: Omit<NumberRow, "platform">): NumberRow =>
  Object.freeze<NumberRow>({ platform: "number", ...row });

const numbers: readonly NumberRow[] = Object.freeze([
  number({ key: "interval", name: "Interval" }),
  number({ key: "offset", name: "Offset" }),
  number({ key: "deadband", name: "Deadband", sleeps: false }),
  number({ key: "report", name: "Report every", sleeps: true }),
]);

/** By message to Home Assistant: each fits the client's buffer with the longest names. */
export const controls: readonly Controls[] = Object.freeze([
  Object.freeze([
    button({ key: "sample", name: "Take a sample" }),
    button({ key: "reboot", name: "Reboot", deviceClass: "restart" }),
  ]),
  Object.freeze([numbers[0]]),
  Object.freeze([numbers[1]]),
  Object.freeze([numbers[2], numbers[3]]),
]);

/** Which of them are to be there, and the update entity where the firmware can be replaced: a mask. */
export function extrasOf({ settings, board }: ControlsOwner): number {
  const remote = settings.get("remote");
  const all = board.update?.key === undefined ? 0 : FIRMWARE;
  return remote === "off" ? all : remote === "on" ? all | BUTTONS | NUMBERS : all | BUTTONS;
}

/** What message `n` of them is in that mask. */
export function extraOf(n: number): number {
  return n >= controls.length ? FIRMWARE : n > 0 ? NUMBERS : BUTTONS;
}

/** What a number takes; undefined: this device has no use for it. */
export function rangeOf(settings: Settings, control: NumberControl): Range | undefined {
  const { type } = requireSetting(control.key);
  return type.kind === "number" && isThere(settings, control as NumberRow) ? type : undefined;
}

/** Puts what the numbers show into `values`: what is in force. */
export function readNumbers(settings: Settings, values: Record<string, unknown>): void {
  numbers.forEach((row) => {
    if (isThere(settings, row)) values[row.key] = settings.get(row.key);
  });
}

/** Whether Home Assistant shows one of these. */
export function concernsNumbers(keys: readonly Key[]): boolean {
  return numbers.some(({ key }) => keys.includes(key));
}

function isThere(settings: Settings, { sleeps }: NumberRow): boolean {
  return settings.get("remote") === "on" && (sleeps === undefined || sleeps === settings.get("sleep"));
}
