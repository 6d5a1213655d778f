/* Shared by the tests of sessions at the prompt. */
import type { Device } from "./device.js";

export const GREETING = "home-thermometer 1.0.0 (test). Type help for the commands.";

/** The rows behind the greeting. */
export function rows(device: Device): string[] {
  return device.screen.rows.slice(1);
}
