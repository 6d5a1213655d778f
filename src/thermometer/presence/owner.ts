/* Types: what presence needs of the device and of the client. */
import type { LineLevel } from "../../common/log-levels.js";
import type { Announcement } from "./announcement.js";
import type { BirthClient } from "./birth.js";
import type { DiagnosticsOwner } from "./diagnostic-rows.js";
import type { DiagnosticsClient } from "./diagnostics.js";
import type { PresenceSleep } from "./names.js";

/** What presence needs of the client. */
export interface PresenceClient extends DiagnosticsClient, BirthClient {
  readonly isConnected: boolean;
  readonly isConnecting: boolean;
  /** Everything that was sent besides readings is acknowledged. */
  readonly hasAnswered: boolean;
  subscribe(filter: string, qos: 0 | 2): void;
}

/** What presence needs of the device. */
export interface PresenceOwner extends DiagnosticsOwner {
  readonly announcement: Announcement;
  /** Only if the device sleeps. */
  readonly sleep: PresenceSleep | undefined;
  log(level: LineLevel, text: string): void;
}
