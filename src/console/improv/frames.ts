/*
 * Separates Improv's frames from a stream of bytes, so that a browser and a person can share one port. Bytes that begin like a
 * frame but are none are passed on as typed, at the next byte or when `expire` shows that no more come. A damaged frame may
 * contain a password, which must not become text: wherever the damage is, all later bytes are discarded until a silence. A line
 * feed does not end this, because a length of ten looks like one. One line break after a frame belongs to it: clients send one.
 * No clock, no I/O; one buffer as long as the longest frame, while there is one.
 *
 *   0 "IMPROV"  6 version (1)  7 type  8 length of the data  9 data  9+length: low byte of the sum of all bytes before
 *
 * Source: https://www.improv-wifi.com/serial/, version 1.
 */

/** Types of Improv's packets (Improv Wi-Fi serial, "Packet format"). */
export const FRAME_TYPE = Object.freeze({ state: 1, error: 2, command: 3, result: 4 } as const);
/** The longest data. */
export const MAX_DATA = 255;

const HEADER = Object.freeze([0x49, 0x4d, 0x50, 0x52, 0x4f, 0x56, 1]); // "IMPROV", version
const TYPE_AT = 7;
const LENGTH_AT = 8;
const DATA_AT = 9;
const LF = 0x0a;
const CR = 0x0d;

const WIFI_SETTINGS = 1; // the command that carries a password
const MIN_COMMAND = 2; // data of a command: command, length of what follows

/** Receives the bytes and frames. */
export interface FrameEvents {
  /** A byte outside frames. */
  onByte(byte: number): void;
  /** A complete frame; a command's own length is correct. `data` is overwritten afterwards; only `length` of its bytes are valid. */
  onFrame(type: number, data: Uint8Array, length: number): void;
  /** A damaged frame: its sum is wrong, its lengths do not add up, or its header was damaged. */
  onDamage(): void;
}

const NO_FRAME: Uint8Array = new Uint8Array(0); // in flash on a device, where writing throws, even of no bytes

/** Separates Improv's frames from a stream of bytes; other bytes go to `events` as typed. */
export class FrameReader {
  private readonly events: FrameEvents;
  private frame = NO_FRAME; // made when its header is complete
  private length = 0;
  private after: "text" | "frame" | "damage" = "text";
  private last = 0; // three bytes of text, the newest in the lowest place

  constructor(events: FrameEvents) {
    this.events = events;
  }

  /** What a silence would decide. `header`: the bytes so far may still be text. `frame`: they are a part of a frame. */
  get awaits(): "nothing" | "header" | "frame" {
    if (this.after === "damage") return "frame";
    if (this.length > 0) return this.length < HEADER.length ? "header" : "frame";
    return this.after === "text" && (this.last & 0xff) !== WIFI_SETTINGS ? "nothing" : "header";
  }

  feed(byte: number): void {
    if (this.after === "damage" || (this.after === "frame" && !this.begins(byte))) return;
    if (this.length < HEADER.length && byte !== HEADER[this.length]) {
      this.release();
      if (byte !== HEADER[0]) {
        this.text(byte);
        return;
      }
    }
    if (this.length === HEADER.length) {
      this.frame = new Uint8Array(DATA_AT + MAX_DATA + 1);
      this.frame.set(HEADER);
    }
    if (this.length >= HEADER.length) this.frame[this.length] = byte;
    this.length += 1;
    if (this.length > DATA_AT && this.length === DATA_AT + this.frame[LENGTH_AT] + 1) this.complete();
  }

  /** No byte came for a while: the beginning of a frame was text, and half a frame was noise. */
  expire(): void {
    if (this.awaits === "header") this.release();
    this.length = 0;
    this.after = "text";
    this.last = 0; // typed by hand: no header
    this.letGo();
  }

  /**
   * A frame is followed by a line break, the next frame or nothing. Other bytes are the rest of a damaged frame whose sum was
   * right by chance. Returns whether `byte` begins something new.
   */
  private begins(byte: number): boolean {
    if (byte === CR) return false;
    this.after = byte === LF || byte === HEADER[0] ? "text" : "damage";
    return byte === HEADER[0];
  }

  private release(): void {
    const length = this.length;
    this.length = 0;
    for (let i = 0; i < length; i++) this.text(HEADER[i]);
  }

  private text(byte: number): void {
    const last = this.last;
    // Type, length, "Wi-Fi settings", and a length that is two less: a command whose header was damaged or cut off.
    const isSettings = last >> 16 === FRAME_TYPE.command && (last & 0xff) === WIFI_SETTINGS;
    if (isSettings && ((last >> 8) & 0xff) === byte + MIN_COMMAND) {
      this.after = "damage";
      this.events.onDamage();
      return;
    }
    this.last = ((last << 8) | byte) & 0xff_ffff;
    this.events.onByte(byte);
  }

  private complete(): void {
    const sumAt = this.length - 1;
    this.length = 0;
    const isWhole = sumOf(this.frame, sumAt) === this.frame[sumAt] && this.addsUp(sumAt - DATA_AT);
    this.after = isWhole ? "frame" : "damage";
    if (isWhole) this.events.onFrame(this.frame[TYPE_AT], this.frame.subarray(DATA_AT, sumAt), sumAt - DATA_AT);
    else this.events.onDamage();
    this.letGo();
  }

  /** The frame may have contained a password. */
  private letGo(): void {
    if (this.frame !== NO_FRAME) this.frame.fill(0);
    this.frame = NO_FRAME;
  }

  /** A wrong sum is accepted once in 256 cases. This check detects a wrong length, or a lost type. */
  private addsUp(length: number): boolean {
    const type = this.frame[TYPE_AT];
    if (type === FRAME_TYPE.command) return length >= MIN_COMMAND && this.frame[DATA_AT + 1] === length - MIN_COMMAND;
    return type >= FRAME_TYPE.state && type <= FRAME_TYPE.result;
  }
}

/** A frame of `type` with the first `length` bytes of `data`. */
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
