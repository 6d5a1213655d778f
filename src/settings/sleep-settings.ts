/* The settings of a device that sleeps between its samples: whether it sleeps, how often it sends, and how long its prompt stays. */
import type { SettingRow } from "./setting.js";

/** Values in force. */
export interface SleepValues {
  sleep: boolean;
  /** Minutes; 0: with every sample. */
  report: number;
  /** Seconds. */
  awake: number;
}

/** A day. */
const MAX_REPORT_MINUTES = 1_440;
/** Long enough to type `set sleep off`, `save`. */
const MIN_AWAKE_S = 10;
const MAX_AWAKE_S = 3_600;

/** The rows of the schema. `report.change` is a channel's: see channel-settings.ts. */
export function sleepSettings(): { [K in keyof SleepValues]: SettingRow<K, SleepValues[K]> }[keyof SleepValues][] {
  return [
    {
      key: "sleep",
      type: { kind: "switch" },
      default: false,
      help: "Deep sleep between samples; filter and deadband do not apply then",
      inForce: "rebooted",
    },
    {
      key: "report",
      type: { kind: "number", unit: "min", min: 0, max: MAX_REPORT_MINUTES, decimals: 2 },
      default: 60,
      help: "With sleep: time between two reports; 0: a report with every sample",
      inForce: "saved",
    },
    {
      key: "awake",
      type: { kind: "number", unit: "s", min: MIN_AWAKE_S, max: MAX_AWAKE_S, decimals: 0 },
      default: 120,
      help: "With sleep: how long the prompt stays after power-on, button or last key",
      inForce: "saved",
    },
  ];
}
