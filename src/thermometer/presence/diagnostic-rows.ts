/*
 * The values that the device reports about itself, a row each: a key in the message on the diagnostics topic, and an entity in
 * Home Assistant. Read about once a minute, so that strings may be made here.
 */
import type { Board } from "../../board.js";
import type { Entity } from "../../homeassistant/details.js";
import type { Journal } from "../../journal/journal.js";
import type { ClientStatus } from "../../mqtt/client.js";
import type { Link } from "../../network/link.js";
import type { TimeSync } from "../../network/time-sync.js";
import type { Outbox } from "../../outbox/outbox.js";
import { batteryVolts } from "../../power/battery.js";
import type { Settings } from "../../settings/settings.js";
import { VERSION } from "../../version.js";
import { agreementText } from "../agreement.js";
import type { Lifetime } from "../lifetime.js";

/** What the rows need of the device. */
export interface DiagnosticsOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Client id; also a level of the device's topics. */
  readonly id: string;
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly link: Link | undefined;
  readonly time: TimeSync | undefined;
  /** Samples since boot that could not be sent at QoS 0. */
  readonly dropped: number;
}

/** A row: an entity in Home Assistant, and how its value is read. */
export interface Diagnostic extends Entity {
  /** A change is sent within a minute, not only with the next regular message. */
  readonly isNews?: true;
  /** `null`: not known at the moment; undefined: this board does not have it, and it is left out. */
  read(owner: DiagnosticsOwner, status: ClientStatus): number | string | null | undefined;
}

const row = (diagnostic: Diagnostic): Diagnostic => Object.freeze(diagnostic);

const measurement = "measurement";
const total = "total_increasing";
const duration = "duration";

/** All rows, in the order of the message. */
export const diagnostics: readonly Diagnostic[] = Object.freeze([
  row({
    key: "rssi",
    name: "Signal strength",
    deviceClass: "signal_strength",
    unit: "dBm",
    stateClass: measurement,
    read: ({ link }) => link && (link.status().rssi ?? null),
  }),
  row({
    key: "uptime",
    name: "Uptime",
    deviceClass: duration,
    unit: "s",
    read: ({ board }) => seconds(board.clock.uptimeMs()),
  }),
  row({ key: "boots", name: "Boots", stateClass: total, read: ({ lifetime }) => lifetime?.boots }),
  row({ key: "reset", name: "Reset cause", read: ({ board }) => board.resetCause }),
  row({ key: "waiting", name: "Waiting samples", stateClass: measurement, read: ({ outbox }) => outbox?.entries }),
  row({ key: "oldest", name: "Oldest waiting sample", deviceClass: duration, unit: "s", read: oldestS }),
  row({ key: "dropped", name: "Dropped samples", stateClass: total, isNews: true, read: dropped }),
  row({
    key: "doubles",
    name: "Possible doubles",
    stateClass: total,
    isNews: true,
    read: ({ lifetime }) => lifetime?.possibleDoubles,
  }),
  row({
    key: "deadletters",
    name: "Dead letters",
    stateClass: total,
    isNews: true,
    read: ({ lifetime }) => lifetime?.deadLetters,
  }),
  row({ key: "flash", name: "Flash life left", unit: "%", stateClass: measurement, read: flashLife }),
  row({
    key: "heap",
    name: "Heap in use",
    deviceClass: "data_size",
    unit: "B",
    stateClass: measurement,
    read: ({ board }) => board.heap?.().usedBytes,
  }),
  row({ key: "time", name: "Time source", isNews: true, read: timeSource }),
  row({ key: "version", name: "Version", read: () => VERSION }),
  row({ key: "session", name: "MQTT session", isNews: true, read: sessionText }),
  // Not a channel of the samples: each sample would need more flash for a value that changes over weeks. Few boards have it, so
  // the row is last and has a message of its own.
  row({
    key: "battery",
    name: "Battery",
    deviceClass: "voltage",
    unit: "V",
    stateClass: measurement,
    read: ({ board: { battery } }) => battery && batteryVolts(battery),
  }),
]);

/** Seconds since the oldest waiting sample was measured; null: none waits, or its time is not known. */
function oldestS({ outbox, journal, board }: DiagnosticsOwner): number | null | undefined {
  if (!outbox || !journal) return undefined;
  const entry = outbox.seek(0);
  const utcMs = board.clock.utcMs();
  if (!entry || utcMs === undefined) return null;
  const ageMs = utcMs - journal.utcMsOf(entry);
  return ageMs >= 0 ? seconds(ageMs) : null; // NaN: time not known
}

/** As `status` counts them: lost to full flash or damage and, since boot, at QoS 0. */
function dropped({ outbox, dropped }: DiagnosticsOwner): number {
  const statistics = outbox?.statistics();
  return statistics ? statistics.dropped + statistics.refused + statistics.damaged + dropped : dropped;
}

/** In percent, to a tenth. */
function flashLife({ outbox }: DiagnosticsOwner): number | undefined {
  return outbox && Math.round(outbox.statistics().lifeLeft * 1000) / 10;
}

/** A time server, or the board itself (a computer has its own clock). */
function timeSource({ time, board }: DiagnosticsOwner): string {
  const status = time?.status();
  if (board.clock.utcMs() === undefined) return status?.overdue ?? "none";
  return status?.ageMs === undefined ? "board" : status.host;
}

/** What broker and device have agreed on. Home Assistant accepts 255 characters for a state. */
function sessionText({ settings }: DiagnosticsOwner, status: ClientStatus): string {
  return agreementText(status, settings).slice(0, 255);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
