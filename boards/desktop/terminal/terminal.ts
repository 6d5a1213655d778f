/*
 * The terminal as a serial port: an ECMA-419 io class on the process's standard input and output.
 * On a terminal it switches to raw mode, so that the firmware's own line editor gets every key; Ctrl-C pressed twice ends
 * the program. Without one it passes lines on as they arrive. Bytes not read when a port is closed wait for the next
 * one, as in a UART across a reboot.
 */
import type { Serial, SerialCallbacks, SerialMode, SerialPort } from "../../../src/console/port/serial.js";

const INTERRUPT = 0x03; // Ctrl-C
const LF = 0x0a;
const CR = 0x0d;
const ROOM = 4_096; // bytes that the port takes at a time

/** Options of the port, in addition to the console's callbacks. */
export interface TerminalOptions {
  /** Default: the process's streams. */
  readonly input?: NodeJS.ReadStream;
  readonly output?: NodeJS.WriteStream;
  /** Default: "terminal" if both streams are one. */
  readonly mode?: SerialMode;
  /** Ctrl-C on an empty line: the next one calls onQuit. The prompt has received it. */
  onInterrupt?(): void;
  /** Ctrl-C twice in a row. Without a terminal, Ctrl-C is a signal and is not received here. */
  onQuit?(): void;
  /** Standard input has ended, and its commands have been executed. */
  onEnd?(): void;
}

/** The prompt's port, for a board. */
export function terminal(options: TerminalOptions = {}): Serial {
  return { io: Terminal, ...options };
}

/** `format` "buffer". Callbacks are called later, never from within a call. */
export class Terminal implements SerialPort {
  readonly mode: SerialMode;
  readonly #options: SerialCallbacks & TerminalOptions;
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  #announced = 0; // readable bytes that the owner knows of
  #room = ROOM;
  #interrupts = 0; // in a row
  #isTyping = false; // the line at the prompt is, or was, not empty
  #idle = false;
  #ended = false;
  #last = LF;
  #owesLineFeed = false;
  #closed = false;

  constructor(options: SerialCallbacks & TerminalOptions) {
    const { input = process.stdin, output = process.stdout } = options;
    this.#options = options;
    this.#input = input;
    this.#output = output;
    this.mode = options.mode ?? (input.isTTY && output.isTTY ? "terminal" : "lines");
    this.#setRaw(true);
    input.on("readable", this.#onReadable);
    input.on("end", this.#onEnd);
    output.on("error", this.#onBroken);
    setImmediate(() => {
      this.#announceRoom();
      this.#onReadable();
      if (input.readableEnded) this.#onEnd();
    });
  }

  /** Fills the buffer. @throws Error if fewer bytes are there */
  read(buffer: Uint8Array): number {
    if (this.#owesLineFeed) {
      this.#owesLineFeed = false;
      buffer[0] = LF;
      return 1;
    }
    const bytes: Buffer | null = this.#input.read(buffer.length);
    if (bytes === null || bytes.length !== buffer.length) throw new Error("invalid: more than there is to read");
    buffer.set(bytes);
    this.#last = bytes[bytes.length - 1];
    this.#idle = false;
    this.#announced -= bytes.length;
    if (this.#announced <= 0) setImmediate(this.#onReadable); // the stream reports new bytes only once
    this.#watch(bytes);
    return bytes.length;
  }

  /** @throws Error if there is no space left in the output */
  write(buffer: Uint8Array): void {
    if (buffer.length > this.#room) throw new Error("output full");
    this.#room -= buffer.length;
    this.#output.write(Buffer.from(buffer), () => {
      this.#room += buffer.length;
      this.#announceRoom();
    });
  }

  /** The owner has processed what was read, and waits for more. */
  idle(): void {
    this.#idle = true;
    this.#endWhenIdle();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.off("readable", this.#onReadable);
    this.#input.off("end", this.#onEnd);
    this.#output.off("error", this.#onBroken);
    this.#setRaw(false);
    this.#input.pause();
  }

  readonly #onReadable = (): void => {
    const bytes = this.#input.readableLength;
    if (this.#closed || bytes === 0) {
      // A stream reads its source again only when more is requested than it has.
      if (!this.#closed) this.#input.read(0);
      return;
    }
    this.#announced = bytes;
    this.#options.onReadable(bytes);
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (this.mode === "lines" && this.#last !== LF && !this.#closed) {
      // The last line of a script may lack its line end; it is executed all the same.
      this.#last = LF;
      this.#owesLineFeed = true;
      this.#options.onReadable(1);
    }
    this.#endWhenIdle();
  };

  #endWhenIdle(): void {
    if (!this.#ended || !this.#idle || this.#room < ROOM || this.#closed) return;
    this.#ended = false;
    this.#options.onEnd?.();
  }

  /** A stream that is no terminal itself, but leads to one, is raw already. */
  #setRaw(on: boolean): void {
    if (this.mode === "terminal" && this.#input.isTTY) this.#input.setRawMode(on);
  }

  /** The reader of our output has ended. */
  readonly #onBroken = (): void => {
    this.#room = 0;
  };

  #announceRoom(): void {
    if (!this.#closed && this.#room > 0) this.#options.onWritable(this.#room);
    this.#endWhenIdle();
  }

  readonly #onInterrupt = (): void => {
    if (this.#interrupts === 1 && !this.#closed) this.#options.onInterrupt?.();
  };

  #watch(bytes: Uint8Array): void {
    if (this.mode !== "terminal") return;
    for (const byte of bytes) {
      const isInterrupt = byte === INTERRUPT;
      this.#interrupts = isInterrupt ? this.#interrupts + 1 : 0;
      if (isInterrupt && !this.#isTyping) setImmediate(this.#onInterrupt);
      this.#isTyping = !isInterrupt && byte !== CR && byte !== LF;
    }
    if (this.#interrupts >= 2) this.#options.onQuit?.();
  }
}
