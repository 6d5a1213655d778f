/*
 * What presence asks of the device and of the client: types.
 */
import type { LineLevel } from "../../common/log-levels.js";
import type { Announcement } from "./announcement.js";
import type { BirthClient } from "./birth.js";
import type { DiagnosticsOwner } from "./diagnostic-rows.js";
import type { DiagnosticsClient } from "./diagnostics.js";
import type { PresenceSleep } from "./names.js";

/** The client, as far as it is needed here. */
export interface PresenceClient extends DiagnosticsClient, BirthClient {
  readonly isConnected: boolean;
  subscribe(filter: string, qos: 0 | 2): void;
}

/** What presence asks of the device. */
export interface PresenceOwner extends DiagnosticsOwner {
  readonly announcement: Announcement;
  /** Of a thermometer that sleeps. */
  readonly sleep: PresenceSleep | undefined;
  log(level: LineLevel, text: string): void;
}
