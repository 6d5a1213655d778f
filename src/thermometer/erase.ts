/*
 * Erases the readings' flash a piece at a time: megabytes take longer than the chip's task watchdog waits for a turn.
 */
import type { Board } from "../board.js";
import { messageOf } from "../network/trouble.js";
import type { Flash } from "../outbox/flash.js";

/** Bytes a turn: what flash chips erase at once. Typically 0.2 s, 2 s at worst; the watchdog waits 10 s. */
const PIECE_BYTES = 65_536;

/**
 * Erases all of the board's flash for readings. A block that cannot be erased is overwritten instead, and holds up no other:
 * the next owner must not get what it holds. `done`, from a later turn, hears of the last thing that went wrong.
 */
export function eraseInTurns(board: Board, done: (trouble?: string) => void): void {
  let flash: Flash;
  let blocks: number;
  let blockLength: number;
  let at = 0;
  let trouble: string | undefined;
  const later = (step: () => void): void => {
    board.timers.set(step, 0);
  };
  const step = (): void => {
    const end = Math.min(at + PIECE_BYTES / blockLength, blocks);
    trouble = erase(flash, at, end, blockLength) ?? trouble;
    at = end;
    if (at < blocks) later(step);
    else {
      flash.close();
      done(trouble);
    }
  };
  later(() => {
    try {
      flash = board.openFlash();
      ({ blocks, blockLength } = flash.status());
    } catch (error) {
      done(messageOf(error));
      return;
    }
    step();
  });
}

function erase(flash: Flash, from: number, end: number, blockLength: number): string | undefined {
  try {
    flash.eraseBlock(from, end);
    return undefined;
  } catch (error) {
    if (end - from === 1) return overwrite(flash, from, blockLength) ?? messageOf(error);
  }
  let trouble: string | undefined;
  for (let block = from; block < end; block++) trouble = erase(flash, block, block + 1, blockLength) ?? trouble;
  return trouble;
}

/** Zeros can be programmed whatever is there. */
function overwrite(flash: Flash, block: number, blockLength: number): string | undefined {
  const zeros = new Uint8Array(256);
  try {
    for (let at = 0; at < blockLength; at += zeros.length) flash.write(zeros, block * blockLength + at);
    return undefined;
  } catch (error) {
    return `block ${block}: ${messageOf(error)}`;
  }
}
