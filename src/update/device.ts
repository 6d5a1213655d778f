/* What updates ask of the device that they belong to. Types only, no byte code. */
import type { LineLevel } from "../common/log-levels.js";
import type { Timers } from "../common/timers.js";
import type { UpdateStore } from "./record.js";

/** What updates ask of the device. */
export interface UpdateDevice {
  readonly board: { readonly timers: Timers; readonly clock: { uptimeMs(): number } };
  readonly store: UpdateStore;
  /** `lastWords`: how the life before this one ended; "": in order, or it could not say. */
  readonly health: { readonly lastWords: string };
  /** The trial is over, and this image stays. */
  onConfirmed(): void;
  restart(reason: string): void;
  log(level: LineLevel, text: string): void;
}
