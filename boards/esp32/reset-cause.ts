/*
 * Why the chip was reset, from ESP-IDF's esp_reset_reason(). An exception that ends XS is reported as a restart requested by software,
 * because the SDK requests it; `onUncaught` has the exception.
 */
import resetReason from "resetReason";
import type { ResetCause } from "../../src/board.js";

/** By esp_reset_reason_t: ESP-IDF, components/esp_system/include/esp_system.h. */
const CAUSES: readonly ResetCause[] = Object.freeze<ResetCause[]>([
  "unknown",
  "power",
  "power", // the reset pin: the button was pressed
  "restart",
  "crash",
  "watchdog", // of interrupts
  "watchdog", // of tasks
  "watchdog", // any other
  "sleep", // by the timer or by a pin
  "brownout",
  "unknown", // SDIO: not used
  "power", // the host of the chip's USB, when it opens or closes the port: not a failure of the firmware
  "power", // the debugger
  "crash", // an error in the eFuses
  "brownout", // a glitch of the power
  "crash", // the CPU locked up
]);

export function resetCause(): ResetCause {
  return CAUSES[resetReason().reason] ?? "unknown";
}
