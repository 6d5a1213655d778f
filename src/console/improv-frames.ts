/*
 * Improv's frames within a stream of bytes: taken out of it, so that a browser and a person can share one port.
 * What begins like a frame and is none is handed on as typed, at the next byte or when `expire` says that nothing more
 * comes; the rest of a broken frame is thrown away, up to a line feed or a silence: it may be half a password. One line
 * break behind a frame belongs to it: clients send one. No clock, no I/O; one buffer as long as the longest frame.
 *
 *   0 "IMPROV"  6 version (1)  7 type  8 length of the data  9 data  9+length: low byte of the sum of all bytes before
 *
 * Source: https://www.improv-wifi.com/serial/, version 1.
 */

export const FRAME_TYPE = { state: 1, error: 2, command: 3, result: 4 } as const;
/** The longest data. */
export const DATA_MAX = 255;

const HEADER = [0x49, 0x4d, 0x50, 0x52, 0x4f, 0x56, 1]; // "IMPROV", version
const TYPE_AT = 7;
const LENGTH_AT = 8;
const DATA_AT = 9;
const LF = 0x0a;
const CR = 0x0d;

/** Where the bytes go. */
export interface FrameEvents {
  /** A byte that belongs to no frame. */
  onByte(byte: number): void;
  /** A whole frame. `data` is overwritten by the next one; `length` of its bytes count. */
  onFrame(type: number, data: Uint8Array, length: number): void;
  /** A frame whose sum is wrong. */
  onDamage(): void;
}

export class FrameReader {
  readonly #events: FrameEvents;
  readonly #frame = new Uint8Array(DATA_AT + DATA_MAX + 1);
  #length = 0;
  #after: "text" | "frame" | "damage" = "text";

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** `nothing`: no byte is held back. `header`: it may still be text. `frame`: it is none. */
  get holds(): "nothing" | "header" | "frame" {
    if (this.#length > 0) return this.#length < HEADER.length ? "header" : "frame";
    return this.#after === "text" ? "nothing" : "header";
  }

  feed(byte: number): void {
    if (this.#after !== "text" && this.#swallow(byte)) return;
    if (this.#length < HEADER.length && byte !== HEADER[this.#length]) {
      this.#release();
      if (byte !== HEADER[0]) {
        this.#events.onByte(byte);
        return;
      }
    }
    this.#frame[this.#length++] = byte;
    if (this.#length > DATA_AT && this.#length === DATA_AT + this.#frame[LENGTH_AT] + 1) this.#complete();
  }

  /** Nothing came for a while: the beginning of a frame was text, and half a frame was noise. */
  expire(): void {
    if (this.holds === "header") this.#release();
    this.#length = 0;
    this.#after = "text";
  }

  /** The line break behind a frame; behind a damaged one everything up to it, which may be the rest of a password. */
  #swallow(byte: number): boolean {
    const isDamage = this.#after === "damage";
    if (byte === LF || (byte !== CR && !isDamage)) this.#after = "text";
    return isDamage || byte === LF || byte === CR;
  }

  #release(): void {
    const length = this.#length;
    this.#length = 0;
    for (let i = 0; i < length; i++) this.#events.onByte(HEADER[i]);
  }

  #complete(): void {
    const sumAt = this.#length - 1;
    this.#length = 0;
    const isDamaged = sumOf(this.#frame, sumAt) !== this.#frame[sumAt];
    this.#after = isDamaged ? "damage" : "frame";
    if (isDamaged) this.#events.onDamage();
    else this.#events.onFrame(this.#frame[TYPE_AT], this.#frame.subarray(DATA_AT, sumAt), sumAt - DATA_AT);
  }
}

/** A frame of `type` that holds the first `length` bytes of `data`. */
export function frameOf(type: number, data: Uint8Array, length: number): Uint8Array {
  const frame = new Uint8Array(DATA_AT + length + 1);
  frame.set(HEADER);
  frame[TYPE_AT] = type;
  frame[LENGTH_AT] = length;
  frame.set(data.subarray(0, length), DATA_AT);
  frame[DATA_AT + length] = sumOf(frame, DATA_AT + length);
  return frame;
}

function sumOf(bytes: Uint8Array, end: number): number {
  let sum = 0;
  for (let i = 0; i < end; i++) sum += bytes[i];
  return sum & 0xff;
}
