/*
 * The intake: a calibrated reading is rounded, kept in flash by the journal, and handed to the uplink. At QoS 0 it is sent at once.
 * Where the flash does not take it, or cannot be used at all, it is sent at once, too: at QoS 0's promise, which is better than
 * none. Failing flash is tried again after a while, with a reading: it may be back, and each try uses up a number.
 */
import type { Board } from "../board.js";
import { TEMPERATURE } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";
import type { LineLevel } from "../common/log-levels.js";
import type { WritableFormats } from "../journal/formats.js";
import type { Journal, Sender } from "../journal/journal.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Settings } from "../settings/settings.js";
import { openUnkept, type RecordsOwner } from "./records.js";

/** Failing flash is left alone for so long: a try is many programs and erases. */
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
  /** Of a thermometer that sleeps; `sampleMs`: the time that a sample taken now has. */
  readonly sleep: (NonNullable<RecordsOwner["sleep"]> & { sampleMs(): number }) | undefined;
  readonly uplink: (Sender & { wake(): void; measured(channels: number): void }) | undefined;
  log(level: LineLevel, text: string): void;
}

/** Takes samples from the sampler. */
export class Intake {
  /** Readings that could not be sent at once and were not kept, since boot. */
  dropped = 0;
  /** The flash did not take the last reading that it was given. */
  isFlashFailing = false;
  private readonly owner: IntakeOwner;
  private readonly sleep: IntakeOwner["sleep"];
  /** What becomes of samples of QoS 0: a thermometer that sleeps has no connection at most of them, and keeps them. */
  private readonly keptQoS: 0 | 1;
  /** Without flash, what makes messages. */
  private unkept: Journal | undefined;
  private retryAtMs = 0;
  private isLeavingOut = false;
  private isShortened = false;
  /** Channels of all samples since boot, a bit each. */
  private channels = 0;

  constructor(owner: IntakeOwner) {
    this.owner = owner;
    this.sleep = owner.sleep;
    this.keptQoS = owner.sleep === undefined ? 0 : 1;
    if (owner.journal === undefined) this.unkept = openUnkept(owner);
  }

  /** What samples are kept and sent by. */
  get journal(): Journal | undefined {
    return this.owner.journal ?? this.unkept;
  }

  /** A calibrated sample. */
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
    owner.outbox?.idle(); // the reading is safe and on its way: now is the time to erase a block ahead
  }

  /** A sample without a temperature has nothing to say where the temperature is all that is sent. */
  private isMute(): boolean {
    const { settings } = this.owner;
    return settings.get("payload") === "plain" && settings.get("topics") === "sample";
  }

  /** Said once, until there is one to send. */
  private leaveOut(): void {
    if (this.isLeavingOut) return;
    this.isLeavingOut = true;
    this.owner.log("warn", NO_TEMPERATURE);
  }

  /** There are channels that no sample had before. */
  private measure(mask: number): void {
    this.channels |= mask;
    this.owner.uplink?.measured(this.channels);
  }

  /** Its number; -1 if it was refused for want of free space; undefined if the flash does not take it. */
  private keep(sample: Sample, qos: 1 | 2): number | undefined {
    const journal = this.owner.journal;
    const outbox = this.owner.outbox;
    if (journal === undefined || outbox === undefined) return undefined;
    if (!this.isKept(journal, sample.mask)) return undefined;
    if (this.isFlashFailing && this.owner.board.clock.uptimeMs() < this.retryAtMs) return undefined;
    const flashFailures = outbox.flashFailures;
    const sequence = journal.append(sample, qos, this.sleep?.sampleMs());
    if (sequence >= 0) {
      if (this.isFlashFailing) this.flashIsBack();
      return sequence;
    }
    if (outbox.flashFailures === flashFailures) return sequence;
    this.flashFails();
    return undefined;
  }

  /** There is a record for it, for one of its channels at least. That others are left out is said once. */
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
    this.owner.log("info", "flash takes readings again");
  }
}
