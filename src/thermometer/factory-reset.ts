/*
 * The factory reset: takes back what the broker retains, erases readings and settings, and boots as a new device.
 * A key in the settings' store says that it is under way, from before the first erase to after the last: flash half erased
 * is never mounted, a boot in the midst goes on with it. Readings are erased a piece at a time: megabytes take longer than
 * the chip's task watchdog waits for a turn.
 */
import type { Board, TimerId } from "../board.js";
import { messageOf } from "../network/trouble.js";
import type { Flash } from "../outbox/flash.js";
import type { Settings } from "../settings/settings.js";
import type { KeyValueStore } from "../settings/store.js";
import type { Announcement } from "./announcement.js";
import type { Level } from "./device-log.js";
import type { Uplink } from "./uplink.js";

export const ERASING_KEY = "erasing";
/** Bytes a turn: four sectors, 0.2 s typically and 1.6 s at worst; the watchdog waits 10 s. */
const PIECE_BYTES = 16_384;

/** Whose factory reset it is. */
export interface ResetOwner {
  readonly board: Board;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  readonly announcement: Announcement;
  readonly uplink: Uplink | undefined;
  log(level: Level, text: string): void;
  print(text: string): void;
  /** Closes all but the prompt. */
  letGo(): void;
  restart(reason: string): void;
}

export class FactoryReset {
  private readonly owner: ResetOwner;
  private timer: TimerId | undefined;
  private isOver = false;
  private flash: Flash | undefined;
  private at = 0;

  constructor(owner: ResetOwner) {
    this.owner = owner;
  }

  /** The device was reset in the midst of one. */
  static isDue(store: KeyValueStore): boolean {
    try {
      return store.read(ERASING_KEY) !== undefined;
    } catch {
      return false;
    }
  }

  begin(): void {
    const { store, uplink } = this.owner;
    this.attempt(() => store.write(ERASING_KEY, new ArrayBuffer(1)));
    if (uplink === undefined) this.goOn();
    else uplink.forget(() => this.goOn());
  }

  /** Erases, and restarts. */
  goOn(): void {
    if (this.isOver) return;
    this.attempt(() => this.owner.letGo());
    this.later(() => {
      this.attempt(() => {
        this.flash = this.owner.board.openFlash();
      });
      this.step();
    });
  }

  /** Lets go: nothing more is erased in this life. */
  close(): void {
    this.isOver = true;
    if (this.timer !== undefined) this.owner.board.timers.clear(this.timer);
  }

  private later(action: () => void): void {
    this.timer = this.owner.board.timers.set(() => {
      this.timer = undefined;
      if (!this.isOver) action();
    }, 0);
  }

  private step(): void {
    const { flash, owner } = this;
    if (flash === undefined) {
      this.finish();
      return;
    }
    const { blocks, blockLength } = flash.status();
    const quarter = Math.floor((4 * this.at) / blocks);
    const end = Math.min(this.at + PIECE_BYTES / blockLength, blocks);
    for (; this.at < end; this.at++) this.erase(flash, this.at, blockLength);
    if (end === blocks) {
      this.attempt(() => flash.close());
      this.finish();
      return;
    }
    const now = Math.floor((4 * end) / blocks);
    if (now > quarter) owner.print(`erased: ${25 * now} %`);
    this.later(() => this.step());
  }

  /** One that cannot be erased is overwritten, and holds up no other: the next owner must not get what it holds. */
  private erase(flash: Flash, block: number, blockLength: number): void {
    try {
      flash.eraseBlock(block, block + 1);
    } catch {
      this.attempt(() => {
        const zeros = new Uint8Array(256); // can be programmed whatever is there
        for (let at = 0; at < blockLength; at += zeros.length) flash.write(zeros, block * blockLength + at);
      });
    }
  }

  private finish(): void {
    const { settings, store, announcement } = this.owner;
    announcement.forget();
    this.attempt(() => settings.factoryReset());
    this.attempt(() => store.delete(ERASING_KEY));
    this.owner.restart("factory reset");
  }

  /** What fails is told and passed over: only going on leaves less behind. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.owner.log("error", `factory reset: ${messageOf(error)}`);
    }
  }
}
