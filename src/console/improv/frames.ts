/*
 * Improv's frames within a stream of bytes: taken out of it, so that a browser and a person can share one port.
 * What begins like a frame and is none is handed on as typed, at the next byte or when `expire` says that nothing more
 * comes. A damaged frame may hold a password, which must not become text: wherever in the frame the damage is, all that
 * follows is thrown away, up to a silence. Not up to a line feed: a length of ten looks like one. One line break behind a
 * frame belongs to it: clients send one. No clock, no I/O; one buffer as long as the longest frame, while there is one.
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

/** Where the bytes go. */
export interface FrameEvents {
  /** A byte that belongs to no frame. */
  onByte(byte: number): void;
  /** A whole frame; a command's own length adds up. `data` is overwritten afterwards; `length` of its bytes count. */
  onFrame(type: number, data: Uint8Array, length: number): void;
  /** A frame that is none: its sum is wrong, its lengths do not add up, or its header was damaged. */
  onDamage(): void;
}

const NO_FRAME: Uint8Array = new Uint8Array(0); // in flash on a device, where even writing nothing throws

/** Takes Improv's frames out of a stream of bytes; the rest goes to `events` as typed. */
export class FrameReader {
  private readonly events: FrameEvents;
  private frame = NO_FRAME; // once its header is whole
  private length = 0;
  private after: "text" | "frame" | "damage" = "text";
  private last = 0; // three bytes of text, the newest in the lowest place

  constructor(events: FrameEvents) {
    this.events = events;
  }

  /** Whether a silence would decide something. `header`: what came may still be text. `frame`: it is none. */
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

  /** Nothing came for a while: the beginning of a frame was text, and half a frame was noise. */
  expire(): void {
    if (this.awaits === "header") this.release();
    this.length = 0;
    this.after = "text";
    this.last = 0; // typed by hand: no header
    this.letGo();
  }

  /**
   * Right behind a frame comes a line break, the next frame or nothing. What else comes is the rest of a damaged one, whose
   * sum was right by chance. Begins something new with `byte`?
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

  /** It may have held a password. */
  private letGo(): void {
    if (this.frame !== NO_FRAME) this.frame.fill(0);
    this.frame = NO_FRAME;
  }

  /** One wrong sum in 256 is right. A frame of another length, or one that lost its type, shows here. */
  private addsUp(length: number): boolean {
    const type = this.frame[TYPE_AT];
    if (type === FRAME_TYPE.command) return length >= MIN_COMMAND && this.frame[DATA_AT + 1] === length - MIN_COMMAND;
    return type >= FRAME_TYPE.state && type <= FRAME_TYPE.result;
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
