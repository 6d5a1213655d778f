/*
 * Why the chip was reset, from ESP-IDF's esp_reset_reason(). An exception that ends XS shows as a restart that the software
 * asked for, because the SDK does ask: who wants to know more listens to `onUncaught`.
 */
import resetReason from "resetReason";
import type { ResetCause } from "../../src/board.js";

/** By esp_reset_reason_t: ESP-IDF, components/esp_system/include/esp_system.h. */
const CAUSES: readonly ResetCause[] = Object.freeze<ResetCause[]>([
  "unknown",
  "power",
  "power", // the reset pin: somebody pressed the button
  "restart",
  "crash",
  "watchdog", // of interrupts
  "watchdog", // of tasks
  "watchdog", // any other
  "sleep", // by the timer or by a pin
  "brownout",
  "unknown", // SDIO, which we are no slave of
  "power", // the host of the chip's own USB, as it opens or closes the port: no death of the firmware
  "power", // the debugger
  "crash", // an error in the eFuses
  "brownout", // a glitch of the power
  "crash", // the CPU locked up
]);

export function resetCause(): ResetCause {
  return CAUSES[resetReason().reason] ?? "unknown";
}
