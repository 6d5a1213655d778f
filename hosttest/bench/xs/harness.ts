/*
 * What surrounds the product in a measurement: time, a server that acknowledges everything, flash. It allocates nothing while
 * something is measured, and its own cost is subtracted (meter.ts).
 */
import type { TCPOptions } from "../../../src/mqtt/wire/io.js";
import type { Flash, FlashStatus } from "../../../src/outbox/flash/flash.js";
import { enter, leave } from "./meter.js";

host.keepWritable(); // the typed arrays made here and in app.ts stand for the memory of native classes

let nowMs = 1_000;
let due: (() => void) | undefined;
let dueMs = 0;

/** A client uses only one timer. */
export const timers = {
  set(callback: () => void, delayMs: number): number {
    const entered = enter();
    due = callback;
    dueMs = nowMs + delayMs;
    leave(entered);
    return 1;
  },
  clear(): void {
    const entered = enter();
    due = undefined;
    leave(entered);
  },
};

export function uptimeMs(): number {
  const entered = enter();
  const now = nowMs;
  leave(entered);
  return now;
}

/** Lets `ms` milliseconds pass; returns the callback that is due then, if there is one. */
export function advance(ms: number): (() => void) | undefined {
  nowMs += ms;
  if (due === undefined || dueMs > nowMs) return undefined;
  const callback = due;
  due = undefined;
  return callback;
}

const CONNECT = 1;
const CLEAN = 2; // of its flags
const PUBLISH = 3;
const PUBREL = 6;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 10;
const PINGREQ = 12;
const DISCONNECT = 14;
const WRITABLE_BYTES = 4_096;

/** The server's answers, not yet read. */
const answers = new Uint8Array(512);
let answered = 0;
/** Protocol level of the last CONNECT. */
let spoken = 4;
let hasSession = false;

function answer(first: number, second: number, third: number): void {
  answers[answered++] = first;
  answers[answered++] = 2;
  answers[answered++] = second;
  answers[answered++] = third;
}

/** Answers the packet that begins at `at`; returns the offset of the next one. Packets are complete. */
function serve(packet: Uint8Array, at: number): number {
  let length = 0;
  let next = at + 1;
  for (let shift = 0; ; shift += 7) {
    const byte = packet[next++];
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const type = packet[at] >> 4;
  if (type === CONNECT) greet(packet[next + 6], (packet[next + 7] & CLEAN) === 0);
  else if (type === PUBLISH) {
    const qos = (packet[at] >> 1) & 3;
    const id = next + 2 + ((packet[next] << 8) | packet[next + 1]);
    if (qos > 0) answer(qos === 1 ? 0x40 : 0x50, packet[id], packet[id + 1]);
  } else if (type === PUBREL) answer(0x70, packet[next], packet[next + 1]);
  else if (type === SUBSCRIBE) {
    answer(0x90, packet[next], packet[next + 1]);
    answers[answered - 3] = spoken === 5 ? 4 : 3; // one filter, granted at QoS 0
    if (spoken === 5) answers[answered++] = 0; // no properties
    answers[answered++] = 0;
  } else if (type === UNSUBSCRIBE) {
    answer(0xb0, packet[next], packet[next + 1]);
    if (spoken === 5) {
      answers[answered - 3] = 4;
      answers[answered++] = 0; // no properties
      answers[answered++] = 0;
    }
  } else if (type === PINGREQ) {
    answers[answered++] = 0xd0;
    answers[answered++] = 0;
  } else if (type !== DISCONNECT) throw new Error(`packet of type ${type}`);
  return next + length;
}

/** CONNACK in the version of CONNECT; `level`: its protocol level. In version 5 it has one property, a topic alias maximum. */
function greet(level: number, resumes: boolean): void {
  answer(0x20, resumes && hasSession ? 1 : 0, 0);
  hasSession = true;
  spoken = level;
  if (level !== 5) return;
  answers[answered - 3] = 6;
  answers[answered++] = 3; // three bytes of properties:
  answers[answered++] = 0x22; // topic alias maximum
  answers[answered++] = 0;
  answers[answered++] = 10;
}

let socket: Socket | undefined;

/** A TCP connection to the server above, in ECMA-419's shape. Of its options it keeps the callbacks, as the SDK's class does. */
export class Socket {
  readonly onReadable: TCPOptions["onReadable"];
  readonly onWritable: TCPOptions["onWritable"];
  readonly onError: TCPOptions["onError"];

  constructor(options: TCPOptions) {
    this.onReadable = options.onReadable;
    this.onWritable = options.onWritable;
    this.onError = options.onError;
    socket = this;
    answered = 0;
  }
  read(buffer: Uint8Array): number {
    const entered = enter();
    const length = buffer.length;
    if (length > answered) throw new Error("invalid");
    for (let i = 0; i < length; i++) buffer[i] = answers[i];
    for (let i = length; i < answered; i++) answers[i - length] = answers[i];
    answered -= length;
    leave(entered);
    return length;
  }
  write(buffer: Uint8Array): number {
    const entered = enter();
    for (let at = 0; at < buffer.length; ) at = serve(buffer, at);
    leave(entered);
    return WRITABLE_BYTES;
  }
  close(): void {
    answered = 0;
  }
}

/** Bytes that the server has to send. */
export function readable(): number {
  return answered;
}

/** Calls the owner's `onReadable`, as the socket does. */
export function announceReadable(): void {
  socket?.onReadable(answered);
}
export function announceWritable(): void {
  socket?.onWritable(WRITABLE_BYTES);
}

const BLOCK_BYTES = 4_096;

/** NOR flash that never fails: bits go from 1 to 0. */
export class PlainFlash implements Flash {
  readonly #bytes: Uint8Array;
  constructor(blocks: number) {
    this.#bytes = new Uint8Array(blocks * BLOCK_BYTES).fill(0xff);
  }
  read(buffer: Uint8Array, offsetBytes: number): number {
    const entered = enter();
    const bytes = this.#bytes;
    const length = buffer.length;
    for (let i = 0; i < length; i++) buffer[i] = bytes[offsetBytes + i];
    leave(entered);
    return length;
  }
  write(buffer: Uint8Array, offsetBytes: number): void {
    const entered = enter();
    const bytes = this.#bytes;
    for (let i = 0; i < buffer.length; i++) bytes[offsetBytes + i] &= buffer[i];
    leave(entered);
  }
  eraseBlock(first: number, end = first + 1): void {
    const entered = enter();
    this.#bytes.fill(0xff, first * BLOCK_BYTES, end * BLOCK_BYTES);
    leave(entered);
  }
  status(): FlashStatus {
    return { size: this.#bytes.length, blockLength: BLOCK_BYTES, blocks: this.#bytes.length / BLOCK_BYTES };
  }
  close(): void {}
}
