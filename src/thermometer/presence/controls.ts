/*
 * The controls that Home Assistant shows for the device, a row each. Buttons need `remote` = basic. Numbers change a setting,
 * and need `remote` = on; remote/permission.ts checks this again when the command comes. `identify` has no button, because no
 * board has an LED yet.
 */
import type { Board } from "../../board.js";
import type { Button, Controls, NumberControl, Range } from "../../homeassistant/controls.js";
import { BUTTONS, CELLS, FIRMWARE, NUMBERS } from "../../homeassistant/discovery.js";
import { requireSetting } from "../../settings/parse.js";
import type { Key } from "../../settings/schema.js";
import type { Settings } from "../../settings/settings.js";

/** What the controls need of the device. */
export interface ControlsOwner {
  readonly board: Pick<Board, "battery" | "update">;
  readonly settings: Settings;
}

/** A number, and the setting that it shows and changes. */
interface NumberRow extends NumberControl {
  readonly key: Key;
  /** Only on devices that sleep (true) or never sleep (false); absent: on all. */
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

/** One group for each discovery message, which must fit the client's buffer even with the longest names. */
export const controls: readonly Controls[] = Object.freeze([
  Object.freeze([
    button({ key: "sample", name: "Take a sample" }),
    button({ key: "reboot", name: "Reboot", deviceClass: "restart" }),
  ]),
  Object.freeze([numbers[0]]),
  Object.freeze([numbers[1]]),
  Object.freeze([numbers[2], numbers[3]]),
]);

/**
 * A mask of the controls to be shown (BUTTONS, NUMBERS), of the update entity if the firmware can be replaced (FIRMWARE), and of the cells'
 * voltage if the board measures it (CELLS).
 */
export function extrasOf({ settings, board }: ControlsOwner): number {
  const remote = settings.get("remote");
  const all = (board.update?.key === undefined ? 0 : FIRMWARE) | (board.battery === undefined ? 0 : CELLS);
  return remote === "off" ? all : remote === "on" ? all | BUTTONS | NUMBERS : all | BUTTONS;
}

/** The bit of message `n` in that mask. */
export function extraOf(n: number): number {
  return n >= controls.length ? FIRMWARE : n > 0 ? NUMBERS : BUTTONS;
}

/** The range of a number; undefined: this device does not have it. */
export function rangeOf(settings: Settings, control: NumberControl): Range | undefined {
  const { type } = requireSetting(control.key);
  return type.kind === "number" && isThere(settings, control as NumberRow) ? type : undefined;
}

/** Writes the numbers' values in force into `values`. */
export function readNumbers(settings: Settings, values: Record<string, unknown>): void {
  numbers.forEach((row) => {
    if (isThere(settings, row)) values[row.key] = settings.get(row.key);
  });
}

/** Whether one of these settings is shown as a number. */
export function concernsNumbers(keys: readonly Key[]): boolean {
  return numbers.some(({ key }) => keys.includes(key));
}

function isThere(settings: Settings, { sleeps }: NumberRow): boolean {
  return settings.get("remote") === "on" && (sleeps === undefined || sleeps === settings.get("sleep"));
}
