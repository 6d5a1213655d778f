/*
 * The store of the command-line client: in RAM, or with --flash in a file that survives the process.
 */
import { FlashFile, ImageError } from "../../boards/desktop/flash/flash-file.js";
import { UsageError } from "../../boards/desktop/options/command-line.js";
import type { Message } from "../../src/mqtt/client.js";
import {
  type MemoryEntry,
  MemoryStore,
  type OutboundEntry,
  type OutboundStore,
} from "../../src/mqtt/delivery/store.js";
import { type Entry, Outbox } from "../../src/outbox/outbox.js";

const CAPACITY = 1_000;
const FLASH_BYTES = 1 << 20;
/** Of a message in flash: less than half a block. */
export const MAX_STORED_BYTES = 1_900;
const HEAD_BYTES = 3;

/** A store for the client, with additions for the command line. */
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

/** @throws UsageError if the file cannot be used */
export function openOutgoing(path: string | undefined): Outgoing {
  return path === undefined ? inMemory() : inFile(path);
}

function inMemory(): Outgoing {
  const store = new MemoryStore(CAPACITY);
  return {
    store,
    render: (entry) => entry as MemoryEntry,
    append: ({ topic, payload, retain }, qos) => store.append(topic, payload, qos, retain) >= 0,
    get isEmpty() {
      return store.length === 0;
    },
    isResumed: false,
    close: () => {},
  };
}

function inFile(path: string): Outgoing {
  const file = openFile(path);
  const outbox = new Outbox({
    flash: file.partition(0, FLASH_BYTES),
    maxPayload: MAX_STORED_BYTES,
    whenFull: "refuse",
  });
  return {
    store: outbox as OutboundStore<Entry>,
    render: (entry) => decode(entry as Entry),
    append: (message, qos) => {
      if (outbox.entries >= CAPACITY) return false;
      return outbox.append(encode(message), qos) >= 0;
    },
    get isEmpty() {
      return outbox.entries === 0;
    },
    isResumed: outbox.entries > 0,
    close: () => {
      outbox.close();
      file.close();
    },
  };
}

function openFile(path: string): FlashFile {
  try {
    return new FlashFile(path, FLASH_BYTES);
  } catch (error) {
    throw error instanceof ImageError ? new UsageError(`--flash ${error.message}`) : error;
  }
}

/** Bytes that a message takes in flash, as a payload of the outbox. */
export function storedBytes(topic: string, payload: Uint8Array): number {
  return HEAD_BYTES + Buffer.byteLength(topic) + payload.length;
}

/** The content of an entry: retain flag, length of the topic (2 bytes), topic, payload. */
function encode({ topic, payload, payloadLength, retain }: Message): Uint8Array {
  const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), topic, payload.subarray(0, payloadLength)]);
  bytes[0] = retain ? 1 : 0;
  bytes.writeUInt16BE(topic.length, 1);
  return bytes;
}

function decode(entry: Entry): Message {
  const bytes = Buffer.from(entry.payload.slice(0, entry.payloadLength));
  const end = HEAD_BYTES + bytes.readUInt16BE(1);
  const payload = bytes.subarray(end);
  return { topic: bytes.subarray(HEAD_BYTES, end), payload, payloadLength: payload.length, retain: bytes[0] === 1 };
}
