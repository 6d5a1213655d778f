/*
 * The intake: the journal stores a calibrated sample in flash, and the uplink sends it. At QoS 0 it is sent at once. So it is if
 * flash fails or cannot be used: at most once is better than never. Failing flash is tried again with a later sample, but not
 * with each one, because each attempt uses up a sequence number.
 */
import type { Board } from "../board.js";
import { TEMPERATURE } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";
import type { LineLevel } from "../common/log-levels.js";
import type { WritableFormats } from "../journal/formats.js";
import type { Journal, Sender } from "../journal/journal.js";
import { type Outbox, ReadFailure } from "../outbox/outbox.js";
import type { Settings } from "../settings/settings.js";
import { openUnkept, type RecordsOwner } from "./records.js";

/** Time before failing flash is tried again: an attempt costs many programs and erases. */
export const FLASH_RETRY_MS = 60_000;

const NO_TEMPERATURE =
  "samples without a temperature are not sent: payload plain carries nothing else; set payload json, or topics each";
const TEMPERATURES_ALONE =
  "on trial: only temperatures are kept, because the previous firmware reads no other channel; all are kept once this one is confirmed";

/** What the intake asks of the device. */
export interface IntakeOwner {
  readonly board: Board;
  readonly settings: Settings;
  readonly formats: WritableFormats;
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  /** Only if the device sleeps. `sampleMs`: the uptime for a sample that is taken now. */
  readonly sleep: (NonNullable<RecordsOwner["sleep"]> & { sampleMs(): number }) | undefined;
  readonly uplink: (Sender & { wake(): void; measured(channels: number): void }) | undefined;
  log(level: LineLevel, text: string): void;
}

/** Takes samples from the sampler. */
export class Intake {
  /** Samples since boot that could neither be sent at once nor stored. */
  dropped = 0;
  /** Flash refused the last sample. */
  isFlashFailing = false;
  private readonly owner: IntakeOwner;
  private readonly sleep: IntakeOwner["sleep"];
  /** The QoS with which samples are stored if `mqtt.qos` is 0; 0: they are not stored. A device that sleeps mostly has no connection, so it stores them. */
  private readonly keptQoS: 0 | 1;
  /** Makes the messages if there is no flash. */
  private unkept: Journal | undefined;
  private retryAtMs = 0;
  private isLeavingOut = false;
  private isShortened = false;
  /** Channels of all samples since boot, one bit each. */
  private channels = 0;

  constructor(owner: IntakeOwner) {
    this.owner = owner;
    this.sleep = owner.sleep;
    this.keptQoS = owner.sleep === undefined ? 0 : 1;
    if (owner.journal === undefined) this.unkept = openUnkept(owner);
  }

  /** The journal by which samples are stored and rendered. */
  get journal(): Journal | undefined {
    return this.owner.journal ?? this.unkept;
  }

  /** Stores a calibrated sample, or sends it. */
  take(sample: Sample): void {
    const owner = this.owner;
    if ((sample.mask & ~this.channels) !== 0) this.measure(sample.mask);
    if ((sample.mask & (1 << TEMPERATURE)) === 0 && this.isMute()) {
      this.leaveOut();
      return;
    }
    this.isLeavingOut = false;
    const qos = owner.settings.get("mqtt.qos") || this.keptQoS;
    const sequence = qos === 0 ? undefined : this.keep(sample, qos);
    owner.board.observer?.reading?.(sample, sequence);
    if (sequence === undefined) {
      this.sendNow(sample);
      return;
    }
    owner.uplink?.wake();
    owner.outbox?.idle(); // the sample is stored and being sent: there is time now to erase a block in advance
  }

  /** A sample without a temperature has nothing to send if only temperatures are sent. */
  private isMute(): boolean {
    const { settings } = this.owner;
    return settings.get("payload") === "plain" && settings.get("topics") === "sample";
  }

  /** Logs it once, until a sample can be sent again. */
  private leaveOut(): void {
    if (this.isLeavingOut) return;
    this.isLeavingOut = true;
    this.owner.log("warn", NO_TEMPERATURE);
  }

  /** A sample has channels that none had before. */
  private measure(mask: number): void {
    this.channels |= mask;
    this.owner.uplink?.measured(this.channels);
  }

  /** Stores the sample. Returns its sequence number; -1 if the full outbox refuses it; undefined if flash fails. */
  private keep(sample: Sample, qos: 1 | 2): number | undefined {
    const journal = this.owner.journal;
    const outbox = this.owner.outbox;
    if (journal === undefined || outbox === undefined) return undefined;
    if (!this.isKept(journal, sample.mask)) return undefined;
    if (this.isFlashFailing && this.owner.board.clock.uptimeMs() < this.retryAtMs) return undefined;
    const flashFailures = outbox.flashFailures;
    const sequence = this.append(journal, sample, qos);
    if (sequence >= 0) {
      if (this.isFlashFailing) this.flashIsBack();
      return sequence;
    }
    if (outbox.flashFailures === flashFailures) return sequence;
    this.flashFails();
    return undefined;
  }

  /** As the journal's `append`; -1 also if flash cannot be read. */
  private append(journal: Journal, sample: Sample, qos: 1 | 2): number {
    try {
      return journal.append(sample, qos, this.sleep?.sampleMs());
    } catch (error) {
      if (error instanceof ReadFailure) return -1;
      throw error;
    }
  }

  /** Whether a record format exists for at least one channel of the sample. A warning, logged once, names channels that are left out. */
  private isKept(journal: Journal, mask: number): boolean {
    const kept = journal.kept(mask);
    if (kept !== mask && !this.isShortened) this.owner.log("warn", TEMPERATURES_ALONE);
    this.isShortened = kept !== mask;
    return kept !== 0;
  }

  private sendNow(sample: Sample): void {
    const uplink = this.owner.uplink;
    if (uplink === undefined || this.journal?.sendNow(sample, uplink) !== true) this.dropped++;
  }

  private flashFails(): void {
    const { board, log } = this.owner;
    this.retryAtMs = board.clock.uptimeMs() + FLASH_RETRY_MS;
    if (this.isFlashFailing) return;
    this.isFlashFailing = true;
    log.call(this.owner, "error", "flash fails: readings are sent at once, or lost while there is no connection");
  }

  private flashIsBack(): void {
    this.isFlashFailing = false;
    this.owner.log("info", "flash stores readings again");
  }
}
