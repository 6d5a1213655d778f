/*
 * Flash that cannot be read for some time. It may hold a long queue of readings, so nothing is concluded from a read that fails:
 *
 *   at a boot   the outbox is not mounted, and readings are sent at once. Mounts are tried, at growing intervals; when one succeeds, the
 *               device restarts, because every part depends on what is stored.
 *   later       the outbox delivers nothing. The uplink is woken every few seconds, to try again.
 *
 * If that lasts, but most of the flash can be read, a part of it is defective: then what cannot be read is lost, and counted.
 */
import type { TimerId } from "../board.js";
import { messageOf } from "../common/message-of.js";
import type { Formats } from "../journal/formats.js";
import { Outbox, ReadFailure } from "../outbox/outbox.js";
import { OutboxOwner, type Owner, PassingOutboxOwner } from "./owners.js";
import { openRecords, type Records, type RecordsOwner } from "./records.js";

/** Time before flash that could not be read is tried again, in milliseconds. */
export const READ_AGAIN_MS = 5_000;
/** The same after a restart: flash that can be read only now and then must not make the device restart all the time. */
const AFTER_RESTART_MS = 60_000;
/** Longest time between two mounts. */
const MAX_MS = 15 * 60_000;
/** After so long, what cannot be read counts as damaged, if most of the flash can be read. */
export const PATIENCE_MS = 15 * 60_000;
/** Key beside the settings, written before a restart: for the next mount, what it cannot read counts as damaged. */
export const PASS_KEY = "unread";

const AT_ONCE = "readings are sent at once, or lost while there is no connection";

/** What opening the flash needs of the device. */
export type FlashOwner = Owner & RecordsOwner & { readonly formats: Formats };

/** What the retries need of the device. */
export interface RetryOwner extends Owner {
  readonly outbox: Outbox | undefined;
  readonly uplink: { wake(): void } | undefined;
  restart(reason: string): void;
}

/** What is stored in flash; `trouble`: why it cannot be used. */
export interface OpenedFlash {
  readonly outbox?: Outbox;
  readonly records?: Records | undefined;
  readonly trouble?: string;
  /** It cannot be read, and should be tried again. */
  readonly isUnreadable?: boolean;
}

/** Mounts the outbox and opens the records in it. Errors are logged. */
export function openFlash(owner: FlashOwner): OpenedFlash {
  try {
    return open(owner, false);
  } catch (error) {
    return openAgain(owner, error);
  }
}

function openAgain(owner: FlashOwner, why: unknown): OpenedFlash {
  let error = why;
  try {
    if (error instanceof ReadFailure && owner.store.read(PASS_KEY) !== undefined) {
      owner.store.delete(PASS_KEY);
      owner.log("error", "outbox: a part of the flash cannot be read: what is stored there counts as damaged");
      return open(owner, true);
    }
  } catch (another) {
    error = another;
  }
  const trouble = messageOf(error);
  const isUnreadable = error instanceof ReadFailure;
  owner.log("error", `outbox: ${trouble}; ${AT_ONCE}${isUnreadable ? "; it is tried again" : ""}`);
  return { trouble, isUnreadable };
}

function open(owner: FlashOwner, passesUnreadable: boolean): OpenedFlash {
  const outbox = new Outbox(passesUnreadable ? new PassingOutboxOwner(owner) : new OutboxOwner(owner));
  if (outbox.isNewestFormat) owner.formats.foundNewest();
  try {
    return { outbox, records: openRecords(owner, outbox) };
  } catch (error) {
    if (error instanceof ReadFailure && !passesUnreadable) {
      outbox.close();
      throw error;
    }
    owner.log("error", `journal: not started: ${messageOf(error)}`);
    return { outbox };
  }
}

/** Tries again. Made when flash could not be read for the first time. */
export class FlashRetry {
  private readonly owner: RetryOwner;
  private timer: TimerId | undefined;
  /** Uptime of the first and of the last failure, in milliseconds. */
  private sinceMs: number;
  private lastMs: number;
  private delayMs = READ_AGAIN_MS;

  constructor(owner: RetryOwner) {
    const { clock, resetCause } = owner.board;
    this.owner = owner;
    this.sinceMs = this.lastMs = clock.uptimeMs();
    if (owner.outbox !== undefined) this.say();
    else if (resetCause === "restart") this.delayMs = AFTER_RESTART_MS;
    this.wait();
  }

  /** The outbox could not read its flash now. */
  failed(): void {
    const nowMs = this.owner.board.clock.uptimeMs();
    if (nowMs - this.lastMs > PATIENCE_MS) {
      this.sinceMs = nowMs;
      this.say();
    }
    this.lastMs = nowMs;
    if (this.timer === undefined) this.wait();
  }

  /** A failure was seen since the last try but one. */
  get isFailing(): boolean {
    return this.owner.board.clock.uptimeMs() - this.lastMs <= 2 * READ_AGAIN_MS;
  }

  close(): void {
    if (this.timer !== undefined) this.owner.board.timers.clear(this.timer);
    this.timer = undefined;
  }

  private say(): void {
    this.owner.log("error", "flash cannot be read: the readings stored there wait until it can");
  }

  private wait(): void {
    this.timer = this.owner.board.timers.set(() => this.again(), this.delayMs);
  }

  private again(): void {
    const { owner } = this;
    this.timer = undefined;
    const isOver = owner.board.clock.uptimeMs() - this.sinceMs >= PATIENCE_MS;
    if (owner.outbox === undefined) this.mountAgain(isOver);
    else {
      if (isOver && !owner.outbox.passUnreadable()) owner.restart("flash has a newer block than at the start");
      else owner.uplink?.wake();
    }
  }

  private mountAgain(isOver: boolean): void {
    try {
      const outbox = new Outbox(isOver ? new PassingOutboxOwner(this.owner) : new OutboxOwner(this.owner));
      outbox.close();
      if (isOver) this.owner.store.write(PASS_KEY, Uint8Array.of(1).buffer);
    } catch {
      this.delayMs = Math.min(2 * this.delayMs, MAX_MS);
      this.wait();
      return;
    }
    this.owner.restart("flash can be read again");
  }
}
