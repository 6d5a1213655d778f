/*
 * Replaces a settings store that cannot be opened: it is empty and stores nothing. The device then uses the defaults, and the
 * prompt shows the reason.
 */
import type { Board } from "../board.js";
import { messageOf } from "../common/message-of.js";
import type { KeyValueStore } from "../settings/store.js";

/** A key-value store that is empty and refuses writes with its reason. */
export class NoSettings implements KeyValueStore {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }

  read(): undefined {
    return undefined;
  }

  write(): void {
    throw new Error(this.reason);
  }

  delete(): void {
    throw new Error(this.reason);
  }
}

/** The board's store, or a replacement if that cannot be opened. Never throws. */
export function openSettings(board: Board): KeyValueStore {
  try {
    return board.openSettings();
  } catch (error) {
    return new NoSettings(`the settings' flash cannot be opened: ${messageOf(error)}`);
  }
}
