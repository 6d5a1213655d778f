/*
 * The factory reset: removes what the broker retains, erases the flash of readings and settings, and boots as a new device.
 * Settings are not just deleted: deleted values, passwords among them, remain readable in flash for a long time.
 * A flag shows that a reset is under way, from before the first erase until after the last. Half-erased flash is therefore
 * never mounted, and a boot continues an interrupted reset. While the readings are erased, the flag is a key in the settings'
 * store; while the store itself is erased, it is a mark on the readings' flash.
 * Flash is erased piece by piece, because megabytes at once would take longer than the chip's task watchdog allows.
 * If it cannot be completed, it is tried again from time to time. A device that sleeps does so between the attempts, so that its cells are not
 * emptied; it takes no readings until it is a new device.
 */
import type { Board, TimerId } from "../board.js";
import type { LineLevel } from "../common/log-levels.js";
import { messageOf } from "../common/message-of.js";
import type { Flash } from "../outbox/flash/flash.js";
import type { Sleeper } from "../power/io.js";
import type { Settings } from "../settings/settings.js";
import type { KeyValueStore } from "../settings/store.js";
import type { Uplink } from "./broker/uplink.js";
import type { Announcement } from "./presence/announcement.js";
import type { Awakening } from "./sleep/owner.js";
import { readStuckReset, writeStuckReset } from "./sleep/stuck-reset.js";

/** Key beside the settings: a reset is under way. */
export const ERASING_KEY = "erasing";
/** Bytes erased per turn of the event loop: four sectors, typically 0.2 s, at worst 1.6 s. The watchdog allows 10 s. */
const PIECE_BYTES = 16_384;
/** Time until what has failed is tried again, in milliseconds; then twice as long each time. */
export const AGAIN_MS = 15 * 60_000;
const MAX_AGAIN_MS = 96 * AGAIN_MS; // a day: each attempt erases the settings' flash
/**
 * "settings erased!", written to the first bytes of the readings' flash. As long as the largest write unit, and no header of
 * the outbox.
 */
const MARK = Uint8Array.of(115, 101, 116, 116, 105, 110, 103, 115, 32, 101, 114, 97, 115, 101, 100, 33);

/** The parts, in the order in which they are erased. */
const READINGS = 0;
const SETTINGS = 1;
type Part = typeof READINGS | typeof SETTINGS;

/** What the factory reset needs of its owner. */
export interface ResetOwner {
  readonly board: Board;
  /** Only on a board that can sleep. */
  readonly awakening: Awakening | undefined;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  readonly announcement: Announcement;
  readonly uplink: Uplink | undefined;
  log(level: LineLevel, text: string): void;
  print(text: string): void;
  /** Closes everything but the prompt. */
  letGo(): void;
  restart(reason: string): void;
}

/** One reset, from the request to the restart. */
export class FactoryReset {
  private readonly owner: ResetOwner;
  private readonly onStuck: () => void;
  private timer: TimerId | undefined;
  private isOver = false;
  private part: Part = READINGS;
  private flash: Flash | undefined;
  private at = 0;
  private againMs = AGAIN_MS;
  /** Uptime of the next attempt, in milliseconds. */
  private dueMs = 0;
  /** Undefined: it does not sleep. */
  private sleeper: Sleeper | undefined;
  /** Uptime until which the prompt stays, in milliseconds. */
  private promptEndMs = 0;

  /** `onStuck`: the reset failed, and is tried again from time to time. Called once. The prompt stays, on a device that sleeps for a while. */
  constructor(owner: ResetOwner, onStuck: () => void = () => {}) {
    this.owner = owner;
    this.onStuck = onStuck;
    if (owner.settings.get("sleep")) this.sleeper = owner.awakening?.sleeper;
  }

  /** An earlier reset was interrupted. */
  static isDue(board: Board, store: KeyValueStore, sleeper?: Sleeper): boolean {
    if (sleeper !== undefined && readStuckReset(sleeper) !== undefined) return true;
    try {
      if (store.read(ERASING_KEY) !== undefined) return true;
    } catch {
      // a half-erased store: the mark decides
    }
    return isMarked(board);
  }

  begin(): void {
    const uplink = this.owner.uplink;
    this.someoneIsThere();
    this.attempt(() => this.owner.store.write(ERASING_KEY, new ArrayBuffer(1)));
    if (uplink === undefined) this.goOn();
    else uplink.forget(() => this.goOn());
  }

  /**
   * Continues a reset that the last run did not complete. Where a board can sleep, it does: the settings may be erased already, and with them
   * whether it has cells. After a sleep, the readings are erased already.
   */
  resume(): void {
    const { owner } = this;
    const sleeper = owner.awakening?.sleeper;
    const againMs = sleeper && readStuckReset(sleeper);
    owner.log("warn", "factory reset: continues after the interruption");
    this.sleeper = sleeper;
    if (sleeper?.cause === "reset" || sleeper?.cause === "button") this.someoneIsThere();
    if (againMs === undefined) this.goOn();
    else {
      this.againMs = againMs;
      this.eraseSettings();
    }
  }

  /** Somebody is at the prompt. */
  someoneIsThere(): void {
    const { board, settings } = this.owner;
    this.promptEndMs = board.clock.uptimeMs() + settings.get("awake") * 1_000;
  }

  /** Erases, then restarts. */
  goOn(): void {
    if (this.isOver) return;
    this.attempt(() => this.owner.letGo());
    this.later(() => {
      const { store, board } = this.owner;
      // The mark can be there without the key: then the erase starts again from its beginning.
      this.attempt(() => {
        if (store.read(ERASING_KEY) === undefined) store.write(ERASING_KEY, new ArrayBuffer(1));
      });
      this.erasePart(READINGS, () => board.openFlash());
    });
  }

  /** Stops: nothing more is erased in this run. */
  close(): void {
    this.isOver = true;
    if (this.timer !== undefined) this.owner.board.timers.clear(this.timer);
  }

  private later(action: () => void, delayMs = 0): void {
    this.timer = this.owner.board.timers.set(() => {
      this.timer = undefined;
      if (!this.isOver) action();
    }, delayMs);
  }

  private erasePart(part: Part, open: () => Flash): void {
    this.part = part;
    this.at = 0;
    this.flash = undefined;
    this.attempt(() => {
      this.flash = open();
    });
    this.step();
  }

  private step(): void {
    const { flash, owner } = this;
    if (flash === undefined) {
      this.finishPart();
      return;
    }
    const { blocks, blockLength } = flash.status();
    const quarter = Math.floor((4 * this.at) / blocks);
    const end = Math.min(this.at + PIECE_BYTES / blockLength, blocks);
    for (; this.at < end; this.at++) this.erase(flash, this.at, blockLength);
    if (end === blocks) {
      this.attempt(() => flash.close());
      this.finishPart();
      return;
    }
    const now = Math.floor((4 * end) / blocks);
    if (now > quarter && this.part === READINGS) owner.print(`erased: ${25 * now} %`);
    this.later(() => this.step());
  }

  /** A block that cannot be erased is overwritten with zeros, so that a new owner cannot read it. Failures do not stop the reset. */
  private erase(flash: Flash, block: number, blockLength: number): void {
    try {
      flash.eraseBlock(block, block + 1);
    } catch {
      this.attempt(() => {
        const zeros = new Uint8Array(256); // zeros can be programmed over any content
        for (let at = 0; at < blockLength; at += zeros.length) flash.write(zeros, block * blockLength + at);
      });
    }
  }

  private finishPart(): void {
    switch (this.part) {
      case READINGS:
        this.forgetSettings();
        return;
      case SETTINGS:
        this.attempt(() => unmark(this.owner.board));
        this.conclude(false);
        return;
      default:
        throw new TypeError(`part: ${this.part satisfies never}`);
    }
  }

  /**
   * Restarts. If the flag cannot be removed, every boot would erase again; then the device stays at the prompt, and erases the settings
   * again later. The readings are erased already.
   */
  private conclude(isStoreOpen: boolean): void {
    const { board, store } = this.owner;
    const { againMs } = this;
    if (isStillDue(board, isStoreOpen ? store : undefined)) {
      const minutes = againMs / 60_000;
      this.owner.log(
        "error",
        `factory reset: cannot be completed, the settings' flash fails; tried again in ${minutes} minutes`,
      );
      this.dueMs = board.clock.uptimeMs() + againMs;
      this.againMs = Math.min(2 * againMs, MAX_AGAIN_MS);
      this.rest();
      if (againMs === AGAIN_MS) this.onStuck();
    } else if (isStoreOpen) this.owner.restart("factory reset");
    else board.restart("factory reset"); // not through the owner, which would write to the store
  }

  /** Waits for the next attempt: asleep, if the device sleeps and the prompt is not in use. */
  private rest(): void {
    const { sleeper } = this;
    const nowMs = this.owner.board.clock.uptimeMs();
    const ms = Math.ceil(this.dueMs - nowMs);
    const stayMs = this.promptEndMs - nowMs;
    if (ms <= 0) this.eraseSettings();
    else if (sleeper !== undefined && stayMs <= 0) this.sleep(sleeper, ms);
    else this.later(() => this.rest(), sleeper === undefined ? ms : Math.min(ms, stayMs));
  }

  private sleep(sleeper: Sleeper, ms: number): void {
    this.owner.log("info", `factory reset: sleeps for ${Math.round(ms / 60_000)} minutes`);
    try {
      writeStuckReset(sleeper, this.againMs);
      sleeper.sleep(ms);
    } catch (error) {
      this.owner.log("error", `factory reset: cannot sleep: ${messageOf(error)}`);
      this.later(() => this.eraseSettings(), ms);
    }
  }

  private forgetSettings(): void {
    const { settings, announcement } = this.owner;
    announcement.forget();
    this.attempt(() => settings.factoryReset());
    this.eraseSettings();
  }

  private eraseSettings(): void {
    const { store, board } = this.owner;
    const openSettingsFlash = board.openSettingsFlash;
    if (openSettingsFlash === undefined) {
      this.attempt(() => {
        this.owner.settings.factoryReset(); // again: only without them the reset is complete
        store.delete(ERASING_KEY);
      });
      this.conclude(true);
      return;
    }
    this.attempt(() => mark(board));
    this.attempt(() => store.close?.());
    this.later(() => this.erasePart(SETTINGS, () => openSettingsFlash.call(board)));
  }

  /** Errors are logged and skipped: continuing erases more than stopping. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.owner.log("error", `factory reset: ${messageOf(error)}`);
    }
  }
}

/** `open`: the store, if it is still open. */
function isStillDue(board: Board, open: KeyValueStore | undefined): boolean {
  try {
    const store = open ?? board.openSettings();
    const isDue = FactoryReset.isDue(board, store);
    if (open === undefined) store.close?.();
    return isDue;
  } catch {
    return false; // the next boot cannot open the store either, so it finds no flag
  }
}

function isMarked(board: Board): boolean {
  try {
    const flash = board.openFlash();
    try {
      const found = new Uint8Array(MARK.length);
      flash.read(found, 0);
      for (let i = 0; i < MARK.length; i++) if (found[i] !== MARK[i]) return false;
      return true;
    } finally {
      flash.close();
    }
  } catch {
    return false; // flash that cannot be opened was not marked
  }
}

/** Only after the readings' flash has been erased. */
function mark(board: Board): void {
  const flash = board.openFlash();
  flash.write(MARK, 0);
  flash.close();
}

function unmark(board: Board): void {
  const flash = board.openFlash();
  flash.eraseBlock(0, 1);
  flash.close();
}
