/*
 * A serial port between a test and the console: it enforces ECMA-419's rules.
 * Reading more than was announced, or writing more than was announced, throws, as on the device.
 */
import type { Serial, SerialCallbacks, SerialPort } from "../../../src/console/port/serial.js";
import { TextStream } from "./text-stream.js";

export interface FakeSerialOptions {
  readonly mode?: "terminal" | "lines";
  /** Bytes that the port accepts before the other end reads; default: any number. */
  readonly room?: number;
  /** Receives everything that is written. */
  onWritten?(bytes: Uint8Array): void;
}

/** One port, and the far end of it. */
export class FakeSerial {
  readonly #options: FakeSerialOptions;
  readonly #incoming: number[] = [];
  #callbacks: SerialCallbacks | undefined;
  #room = 0;
  written = "";
  bytesWritten = 0;
  /** Keep `written`; switched off where a test writes megabytes. */
  keeps = true;
  readonly #decoder = new TextStream();

  constructor(options: FakeSerialOptions = {}) {
    this.#options = options;
  }

  /** The port for a board. */
  get serial(): Serial {
    const far = this;
    class Port implements SerialPort {
      constructor(callbacks: SerialCallbacks) {
        far.#callbacks = callbacks;
        far.#room = far.#options.room ?? 1_024;
        callbacks.onWritable(far.#room);
        callbacks.onReadable(far.#incoming.length);
      }
      read(buffer: Uint8Array): number {
        if (buffer.length > far.#incoming.length) throw new Error("read beyond what is there");
        buffer.set(far.#incoming.splice(0, buffer.length));
        return buffer.length;
      }
      write(buffer: Uint8Array): void {
        far.#written(buffer);
      }
      close(): void {
        far.#callbacks = undefined;
      }
    }
    return { io: Port, mode: this.#options.mode, baud: 115_200 };
  }

  /** Bytes that the console has not read. */
  get unread(): number {
    return this.#incoming.length;
  }

  /** The far end sends text or bytes, all at once. */
  send(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (const byte of bytes) this.#incoming.push(byte);
    this.#callbacks?.onReadable(this.#incoming.length);
    this.drain();
  }

  /** The far end takes what was written, until the console has nothing more. */
  drain(): void {
    if (this.#options.room !== undefined) return;
    for (let turns = 0; this.#callbacks !== undefined && this.#room < 1_024; turns++) {
      if (turns === 10_000) throw new Error("the console writes without end");
      this.announce(1_024);
    }
  }

  /** The port accepts `bytes` bytes now. */
  announce(bytes: number): void {
    this.#room = bytes;
    this.#callbacks?.onWritable(bytes);
  }

  /** Bytes written since the last call. */
  take(): string {
    const { written } = this;
    this.written = "";
    return written;
  }

  #written(buffer: Uint8Array): void {
    if (buffer.length > this.#room) throw new Error("output full");
    this.#room -= buffer.length;
    this.bytesWritten += buffer.length;
    if (this.keeps) this.written += this.#decoder.decode(buffer);
    this.#options.onWritten?.(buffer);
  }
}
