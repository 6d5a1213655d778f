/*
 * Output: texts and frames in order, written as far as the port has announced space. Text is encoded to UTF-8 piece by piece in
 * one small buffer, so that a long text needs no second copy. The queue itself refuses nothing: callers check `waiting`, and
 * the console stops reading while much output waits. Unprintable characters are shown in escape notation in every line, because
 * names of networks come from strangers.
 */
import { printable } from "./printable.js";
import type { SerialPort } from "./serial.js";
import { encodeInto, MAX_UTF8 } from "./utf8.js";

const BEYOND_BMP_UNITS = "\u{1f600}".length; // two units to most engines, one to XS
const CHUNK = 128; // most bytes per write; a UART accepts that many

/** What the output needs of its owner. */
export interface OutputOwner {
  /** Read at every write; undefined while there is none. */
  readonly port: SerialPort | undefined;
  /** Everything is written. */
  onDrained(): void;
}

const NO_CHUNK: Uint8Array = new Uint8Array(0);

/** The queue of one port. */
export class Output {
  private readonly owner: OutputOwner;
  private readonly queue: (string | Uint8Array)[] = [];
  private chunk = NO_CHUNK; // exists while something waits
  private at = 0; // in queue[0]: UTF-16 units or bytes already encoded
  private start = 0; // of what is encoded and not written
  private end = 0;
  private free = 0; // bytes that the port accepts now
  private _waiting = 0;
  private writing = false;

  constructor(owner: OutputOwner) {
    this.owner = owner;
  }

  /** Approximate number of waiting characters and bytes. */
  get waiting(): number {
    return this._waiting + this.end - this.start;
  }

  /** The port has announced space for `bytes`. */
  writable(bytes: number): void {
    this.free = bytes;
    this.flush();
  }

  /** Adds text unchanged: our own control characters, and text that was made printable. */
  text(text: string): void {
    if (text === "") return;
    this.queue.push(text);
    this._waiting += text.length;
  }

  /** Adds a text and a line break. */
  line(text: string, lineBreak: string): void {
    this.text(printable(text) + lineBreak);
  }

  /** Adds bytes, which must not change any more. */
  bytes(bytes: Uint8Array): void {
    this.queue.push(bytes);
    this._waiting += bytes.length;
  }

  /** Writes as much as the port accepts. */
  flush(): void {
    if (this.writing) return; // a port may call back from within write
    this.writing = true;
    try {
      while (this.free > 0 && this.fill() && this.write());
    } finally {
      this.writing = false;
    }
    if (this.waiting > 0) return;
    this.chunk = NO_CHUNK;
    this.owner.onDrained();
  }

  /** Drops what waits. */
  discard(): void {
    this.queue.length = 0;
    this.at = this.start = this.end = this._waiting = 0;
    this.chunk = NO_CHUNK;
  }

  /** Encodes up to a chunk, if the last one is written. Returns false if there is nothing to write. */
  private fill(): boolean {
    if (this.start < this.end) return true;
    this.start = this.end = 0;
    if (this.queue.length > 0 && this.chunk === NO_CHUNK) this.chunk = new Uint8Array(CHUNK);
    while (this.queue.length > 0 && this.end + MAX_UTF8 <= CHUNK) {
      const head = this.queue[0];
      const from = this.at;
      if (typeof head === "string") this.encode(head);
      else this.copy(head);
      this._waiting -= this.at - from;
      if (this.at < head.length) break;
      this.queue.shift();
      this.at = 0;
    }
    return this.end > 0;
  }

  private encode(text: string): void {
    while (this.at < text.length && this.end + MAX_UTF8 <= CHUNK) {
      const code = text.codePointAt(this.at)!;
      this.at += code > 0xffff ? BEYOND_BMP_UNITS : 1;
      this.end = encodeInto(this.chunk, this.end, code);
    }
  }

  private copy(bytes: Uint8Array): void {
    while (this.at < bytes.length && this.end < CHUNK) this.chunk[this.end++] = bytes[this.at++];
  }

  /** Returns false if the port accepts nothing after all, or is closed: the chunk waits for the next announcement. */
  private write(): boolean {
    const count = Math.min(this.free, this.end - this.start);
    const port = this.owner.port;
    if (port === undefined) return false;
    this.free -= count;
    try {
      port.write(this.chunk.subarray(this.start, this.start + count));
    } catch {
      this.free = 0;
      return false;
    }
    this.start += count;
    return true;
  }
}
