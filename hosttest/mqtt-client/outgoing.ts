/*
 * The store of the command-line client: in RAM, or with --flash in a file that survives the process.
 */
import { existsSync } from "node:fs";
import type { Message } from "../../src/mqtt/client.js";
import { MemoryStore, type OutboundEntry, type OutboundStore } from "../../src/mqtt/store.js";

const CAPACITY = 1_000;

/** A store for the client, with what the command line needs beside. */
export interface Outgoing {
  readonly store: OutboundStore<OutboundEntry>;
  render(entry: OutboundEntry): Message | undefined;
  /** Returns false when full. */
  append(message: Message, qos: 1 | 2): boolean;
  /** Every message is settled. */
  readonly isEmpty: boolean;
  /** Messages of an earlier process may be in flight. */
  readonly isResumed: boolean;
  close(): void;
}

/** @throws Error with one line, if the file does not serve */
export function openOutgoing(path: string | undefined): Outgoing {
  if (path !== undefined) throw new Error(`--flash ${path}: not in this build (${existsSync(path)})`);
  const store = new MemoryStore(CAPACITY);
  return {
    store: store as OutboundStore<OutboundEntry>,
    render: (entry) => entry as OutboundEntry & Message,
    append: ({ topic, payload, retain }, qos) => store.append(topic, payload, qos, retain) >= 0,
    get isEmpty() {
      return store.length === 0;
    },
    isResumed: false,
    close: () => {},
  };
}
