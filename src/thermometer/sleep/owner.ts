/* What the sleep needs of the device. */
import type { LineLevel } from "../../common/log-levels.js";
import type { EarlierAnswers } from "../../network/time-votes.js";
import type { Sleeper } from "../../power/io.js";
import type { WakeRecord } from "../../power/record.js";
import type { Settings } from "../../settings/settings.js";
import type { KeptSession } from "../../tls/kept-session.js";
import type { Announced } from "../presence/names.js";
import type { Learned } from "./learned.js";
import type { Parts } from "./remember.js";

/** A board's sleep, and the record from before it; undefined: there is none, as after power-on. */
export interface Awakening {
  readonly sleeper: Sleeper;
  readonly record: WakeRecord | undefined;
}

/** What is needed of the uplink. */
interface ReportingUplink {
  readonly isConnected: boolean;
  /** Connected, and no message beside readings waits for an acknowledgement. */
  readonly isIdle: boolean;
  readonly status: { readonly delivered: number };
  readonly encryption: { readonly toKeep: KeptSession | undefined } | undefined;
  readonly presence: { readonly announced: Announced };
  readonly toKeep: Learned;
  stop(whenDone: () => void): void;
}

/** What sleep control needs of the device. */
export interface SleepOwner extends Parts {
  readonly settings: Settings;
  readonly uplink: ReportingUplink | undefined;
  readonly time: { readonly isConfirming: boolean; readonly toConfirm: EarlierAnswers | undefined } | undefined;
  readonly health: { farewell(): void };
  /** An update keeps the device awake: a wake from deep sleep is a reset, which would end a trial. */
  readonly updating: { readonly isBusy: boolean; pause(): void } | undefined;
  log(level: LineLevel, text: string): void;
  /** Releases the radio; releases everything. */
  closeNetwork(): void;
  close(): void;
}
