/*
 * What the outbox does when flash cannot be read: the call ends where it is, and nothing is concluded from what was not read. Every
 * step before is complete in itself, so a later call continues. An event reports it.
 */
import { ReadFailure } from "../flash/flash-calls.js";
import type { OutboxListener } from "./events.js";
import type { OutboxOptions } from "./options.js";

/** Reports a read that failed. @throws the error, if it is another */
export function reportUnread(listener: OutboxListener, error: unknown): void {
  if (!(error instanceof ReadFailure)) throw error;
  listener.onEvent?.({ kind: "unreadable", message: `${error.message}: it is read again later` });
}

/** The outbox's base: ends calls that cannot read. */
export class Guard {
  protected readonly options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Runs `act`; undefined: flash cannot be read. */
  protected attempt<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      return this.unread(error);
    }
  }

  /** Reports a read that failed. @throws the error, if it is another */
  protected unread(error: unknown): undefined {
    reportUnread(this.options, error);
    return undefined;
  }

  /** Reports other content on a flash without an outbox. */
  protected foreign(blocks: number): void {
    const what =
      blocks === 1 ? "a block that holds something else is" : `${blocks} blocks that hold something else are`;
    this.options.onEvent?.({
      kind: "foreign",
      blocks,
      message: `no outbox on this flash; ${what} erased when needed`,
    });
  }

  /** Reports a mark that is not on flash. */
  protected unmarked(sequence: number, what: string): void {
    const message = `entry ${sequence}: "${what}" could not be stored; it may come back after a reboot`;
    this.options.onEvent?.({ kind: "unmarked", sequence, message });
  }
}
