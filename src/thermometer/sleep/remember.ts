/* Makes the wake record, with which the thermometer hands over to its next wake. It is made anew each time the device goes to sleep. */
import type { Board } from "../../board.js";
import { channels } from "../../channels/channels.js";
import type { Journal } from "../../journal/journal.js";
import type { Outbox } from "../../outbox/outbox.js";
import { WakeRecord } from "../../power/record.js";
import { drivers } from "../../sensor/drivers.js";
import { channelKey } from "../../settings/channel-settings.js";
import type { Settings } from "../../settings/settings.js";
import type { Lifetime } from "../lifetime.js";
import { type Announced, NOT_KNOWN } from "../presence/names.js";
import type { Sampling } from "../sampling.js";

/** The thermometer's parts. */
export interface Parts {
  readonly board: Board;
  readonly settings: Settings;
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly sampling: Sampling | undefined;
  readonly uplink: { readonly presence: { readonly announced: Announced } } | undefined;
  readonly sleep: { readonly announced: Announced } | undefined;
}

const NONE = -1;

/**
 * The record without its checksum. Makes every settle durable: nothing may be appended afterwards. `former`: this wake's record
 * with the current plan. `isReported`: a report was just delivered.
 */
export function remember(parts: Parts, former: WakeRecord, isReported: boolean): WakeRecord {
  const { settings, outbox, journal, lifetime } = parts;
  const record = new WakeRecord();
  record.intervalMs = former.intervalMs;
  record.reportMs = former.reportMs;
  record.nextSampleMs = former.nextSampleMs;
  record.nextReportMs = former.nextReportMs;
  record.originMs = former.originMs;
  record.missed = former.missed;
  record.failedReports = former.failedReports;
  record.wakes = former.wakes + 1;
  record.boot = lifetime?.boots ?? 0;
  record.qos = settings.get("mqtt.qos") === 2 ? 2 : 1;
  record.driver = NONE;
  record.networkKey = former.networkKey;
  record.brokerAddress = former.brokerAddress;
  record.wifiChannel = former.wifiChannel;
  rememberSensor(parts, record);
  rememberChannels(parts, former, record, isReported);
  const { hash, channels: announced } = (parts.uplink?.presence ?? parts.sleep)?.announced ?? NOT_KNOWN;
  record.announced = hash;
  record.announcedChannels = announced;
  journal?.keepClock(record);
  if (journal?.base !== undefined) record.base = journal.base;
  while (outbox?.idle()); // erase in advance now; the next report would have to search for the block
  Object.assign(record, outbox?.suspend());
  return record;
}

/** Only if there is exactly one sensor. With several, or a missing one, each wake runs the whole thermometer. */
function rememberSensor({ board, sampling }: Parts, record: WakeRecord): void {
  const sensors = sampling?.status.sensors ?? [];
  const opened = sensors[0]?.opened;
  if (sensors.length !== 1 || opened === undefined) return;
  const table = [...(board.drivers ?? []), ...drivers];
  record.driver = table.findIndex(({ name }) => name === opened.driver.name);
  record.address = opened.address;
}

function rememberChannels(
  { settings, sampling }: Parts,
  former: WakeRecord,
  record: WakeRecord,
  isReported: boolean,
): void {
  const sample = sampling?.status.sample;
  for (let channel = 0; channel < channels.length; channel++) {
    const resolution = settings.get(channelKey("resolution", channel));
    record.calibrate(channel, settings.get(channelKey("offset", channel)), resolution === "auto" ? NONE : resolution);
    const change = settings.get(channelKey("report.change", channel));
    if (change === 0) continue;
    record.watch(channel, change);
    const hasValue = sample !== undefined && (sample.mask >> channel) & 1;
    // A channel that was never reported is compared with its first value.
    if (hasValue && (isReported || !former.hasReported(channel))) record.report(channel, sample.values[channel]);
    else record.keepReported(channel, former);
  }
}
