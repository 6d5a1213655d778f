/* What updates need of their device. Types only, no byte code. */
import type { LineLevel } from "../common/log-levels.js";
import type { Timers } from "../common/timers.js";
import type { UpdateStore } from "./record.js";

/** What updates need of the device. */
export interface UpdateDevice {
  readonly board: { readonly timers: Timers; readonly clock: { uptimeMs(): number } };
  readonly store: UpdateStore;
  /** `lastWords`: why the last run ended; "": it ended normally, or the reason is not known. */
  readonly health: { readonly lastWords: string };
  /** The trial is over, and this image stays. */
  onConfirmed(): void;
  restart(reason: string): void;
  log(level: LineLevel, text: string): void;
}
