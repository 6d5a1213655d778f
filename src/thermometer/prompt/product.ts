/* The thermometer as its prompt sees it: what can be shown, and what can be requested. Types only. */
import type { Board, Firmware } from "../../board.js";
import type { Answer } from "../../console/host/host.js";
import type { Journal } from "../../journal/journal.js";
import type { Link } from "../../network/link.js";
import type { TimeSync } from "../../network/time-sync.js";
import type { Outbox } from "../../outbox/outbox.js";
import type { Settings } from "../../settings/settings.js";
import type { KeyValueStore } from "../../settings/store.js";
import type { SafeUplink } from "../broker/safe-uplink.js";
import type { SessionRecord } from "../broker/session-record.js";
import type { Uplink } from "../broker/uplink.js";
import type { FlashRetry } from "../flash-retry.js";
import type { Health } from "../health.js";
import type { Intake } from "../intake.js";
import type { Lifetime } from "../lifetime.js";
import type { Sampling } from "../sampling.js";
import type { Updating } from "../updating.js";

/** The device as the prompt sees it. */
export interface Product extends Firmware {
  readonly board: Board;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  /** Client id; also a level of the device's topics. */
  readonly id: string;
  readonly health: Health;
  /** Undefined in safe mode, and while the flash cannot be used: `flashTrouble` says why. */
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly sessionRecord: SessionRecord | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly flashTrouble: string | undefined;
  /** Undefined if flash could be read since boot. */
  readonly flashRetry: FlashRetry | undefined;
  /** Undefined where no readings are taken. */
  readonly intake: Intake | undefined;
  /** Undefined where the network is always up. */
  readonly link: Link | undefined;
  /** Undefined until a broker is set, or if the settings cannot be used: `uplinkTrouble` has the reason. */
  readonly uplink: Uplink | undefined;
  readonly uplinkTrouble: string | undefined;
  /** Only in safe mode. */
  readonly safeUplink: SafeUplink | undefined;
  /** Undefined where the clock is never set. */
  readonly time: TimeSync | undefined;
  /** Undefined where no readings are taken. */
  readonly sampling: Sampling | undefined;
  /** Undefined where the firmware cannot be replaced while it runs. */
  readonly updating: Updating | undefined;
  /** Samples since boot that could not be sent at QoS 0. */
  readonly dropped: number;
  /** Somebody typed at the prompt. */
  onInput(): void;
  /** Takes one sample out of turn and sends it like the others. `done` gets the temperature, or the reason why there is none. */
  sampleNow(done: (answer: Answer) => void): void;
  /** Restarts as the reset button does. */
  restart(reason: string): void;
  /** Erases settings and readings, and boots as a new device. */
  factoryReset(onStuck: () => void): void;
}
