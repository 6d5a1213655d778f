/*
 * The intake: a calibrated reading is rounded, kept in flash by the journal, and handed to the uplink. At QoS 0 it is sent at once.
 * Where the flash does not take it, or cannot be used at all, it is sent at once, too: at QoS 0's promise, which is better than
 * none. Failing flash is tried again after a while, with a reading: it may be back, and each try uses up a number.
 */
import type { Board } from "../board.js";
import { toMilli } from "../channels/rounding.js";
import { encodeTopicName } from "../mqtt/topics.js";
import { encodeUTF8 } from "../mqtt/utf8.js";
import type { Outbox } from "../outbox/outbox.js";
import { Journal, type JournalStore, type ReadingMessage } from "../reading/journal.js";
import type { Settings } from "../settings/settings.js";
import type { Level } from "./device-log.js";

/** Failing flash is left alone for so long: a try is many programs and erases. */
export const FLASH_RETRY_MS = 60_000;

export interface IntakeOwner {
  readonly board: Board;
  readonly settings: Settings;
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly uplink: { sendNow(message: ReadingMessage): boolean; wake(): void } | undefined;
  log(level: Level, text: string): void;
}

export class Intake {
  /** Readings that could not be sent at once and were not kept, since boot. */
  dropped = 0;
  /** The flash did not take the last reading that it was given. */
  isFlashFailing = false;
  private readonly owner: IntakeOwner;
  /** Without flash, what makes messages. */
  private unkept: Journal | undefined;
  private retryAtMs = 0;

  constructor(owner: IntakeOwner) {
    this.owner = owner;
    if (owner.journal === undefined) this.unkept = openJournal(owner, NO_STORE);
  }

  /** What is to be sent in is of this format from now on. */
  set format(format: Journal["format"]) {
    const journal = this.owner.journal ?? this.unkept;
    if (journal !== undefined) journal.format = format;
  }

  /** Readings from now on are this far apart, milliseconds. */
  set intervalMs(intervalMs: number) {
    const journal = this.owner.journal ?? this.unkept;
    if (journal !== undefined) journal.intervalMs = intervalMs;
  }

  /** `decimals`: digits after the point to be shown. */
  take(celsius: number, decimals: number): void {
    const { board, settings, uplink, outbox } = this.owner;
    const milliCelsius = toMilli(celsius, decimals);
    const qos = settings.get("mqtt.qos");
    const sequence = qos === 0 ? undefined : this.keep(milliCelsius, decimals, qos);
    board.observer?.reading?.(celsius, sequence);
    if (sequence === undefined) {
      this.sendNow(milliCelsius, decimals);
      return;
    }
    uplink?.wake();
    outbox?.idle(); // the reading is safe and on its way: now is the time to erase a block ahead
  }

  /** Its number; -1 if it was refused for want of free space; undefined if the flash does not take it. */
  private keep(milliCelsius: number, decimals: number, qos: 1 | 2): number | undefined {
    const { board, journal, outbox } = this.owner;
    if (journal === undefined || outbox === undefined) return undefined;
    if (this.isFlashFailing && board.clock.uptimeMs() < this.retryAtMs) return undefined;
    const { flashFailures } = outbox;
    const sequence = journal.append(milliCelsius, decimals, qos);
    if (sequence >= 0) {
      if (this.isFlashFailing) this.flashIsBack();
      return sequence;
    }
    if (outbox.flashFailures === flashFailures) return sequence;
    this.flashFails();
    return undefined;
  }

  private sendNow(milliCelsius: number, decimals: number): void {
    const { journal, uplink } = this.owner;
    const message = (journal ?? this.unkept)?.renderNow(milliCelsius, decimals);
    if (message === undefined || uplink?.sendNow(message) !== true) this.dropped++;
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

/** The journal of this device's readings, on `store`. */
export function openJournal(owner: Pick<IntakeOwner, "board" | "settings">, store: JournalStore): Journal {
  return new Journal({
    store,
    clock: owner.board.clock,
    room: encodeUTF8(owner.settings.get("room")),
    format: owner.settings.get("payload"),
    intervalMs: owner.settings.get("interval") * 1000,
    topicOf: readingTopic,
  });
}

/** `home/<room>/temperature` for a room's name, both as UTF-8. */
function readingTopic(room: Uint8Array): Uint8Array {
  const before = encodeTopicName("home/");
  const after = encodeTopicName("/temperature");
  const topic = new Uint8Array(before.length + room.length + after.length);
  topic.set(before);
  topic.set(room, before.length);
  topic.set(after, before.length + room.length);
  return topic;
}

/** Keeps nothing. */
const NO_STORE: JournalStore = {
  append: () => -1,
  nextSequence: 0,
  note: () => {},
  readNote: () => undefined,
  noteAt: () => undefined,
  findNoteAfter: () => false,
};
