/* The firmware as a board starts it: the thermometer. On a board that can sleep, most starts are a short wake, which runs instead of it. */
import type { Board, Firmware } from "./board.js";
import type { Sleeper, SleepPort } from "./power/io.js";
import type { WakeRecord } from "./power/record.js";
import { Wake, type WakeOwner } from "./thermometer/sleep/wake.js";
import { Thermometer } from "./thermometer.js";

/** Starts the firmware; for `Board.boot`. */
export function startFirmware(board: Board): Firmware {
  return board.sleep === undefined ? new Thermometer(board) : new SleepingFirmware(board, board.sleep);
}

/** A short wake, or the thermometer that takes over from it. */
class SleepingFirmware implements Firmware, WakeOwner {
  private readonly board: Board;
  private readonly sleeper: Sleeper;
  private wake: Wake | undefined;
  private thermometer: Thermometer | undefined;

  constructor(board: Board, sleep: SleepPort) {
    this.board = board;
    this.sleeper = new sleep.io(sleep);
    const wake = new Wake(board, this.sleeper, this);
    if (this.thermometer === undefined) this.wake = wake;
  }

  onWhole(record: WakeRecord | undefined): void {
    this.wake = undefined;
    this.thermometer = new Thermometer(this.board, { sleeper: this.sleeper, record });
  }

  get unsettled(): number {
    return this.thermometer?.unsettled ?? 0;
  }

  print(text: string): void {
    this.thermometer?.print(text);
  }

  stopSampling(): void {
    this.thermometer?.stopSampling();
  }

  clockChanged(): void {
    this.thermometer?.clockChanged();
  }

  stop(whenDone: () => void): void {
    if (this.thermometer !== undefined) this.thermometer.stop(whenDone);
    else {
      this.close();
      whenDone();
    }
  }

  close(): void {
    this.wake?.close();
    this.thermometer?.close();
  }
}
