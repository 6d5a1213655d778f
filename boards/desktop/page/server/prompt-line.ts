/*
 * The line between a device's prompt, the terminal and the page: input from both is sent to the prompt, and its output to both.
 * It outlives the device's lives. Without a terminal, only the page sends input.
 */
import type { Serial, SerialCallbacks, SerialMode, SerialPort } from "../../../../src/console/port/serial.js";

/** Bytes that the page accepts at a time. */
const WRITABLE = 4_096;
/** Last output that is kept for a page that connects later, in characters. */
const MAX_KEPT = 16_000;

type Options = SerialCallbacks & Readonly<Record<string, unknown>>;

export class PromptLine {
  /** Gets the prompt's output. */
  onText: (text: string) => void = () => {};
  readonly #decoder = new TextDecoder();
  #port: Port | undefined;
  #kept = "";

  /** The port for the board. `terminal`: the other source of input. `isOn`: the device has power; without it there is no output. */
  over(terminal: Serial | undefined, isOn: () => boolean): Serial {
    const line = this;
    return {
      ...terminal,
      io: class extends Port {
        constructor(options: Options) {
          super(options, terminal, line, isOn);
          line.#port = this;
        }
      },
    };
  }

  get kept(): string {
    return this.#kept;
  }

  get mode(): SerialMode {
    return this.#port?.mode ?? "terminal";
  }

  /** Keys from the page. Without power they are discarded. */
  type(text: string): void {
    this.#port?.type(new TextEncoder().encode(text));
  }

  /** @internal for the port */
  written(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#kept = `${this.#kept}${text}`.slice(-MAX_KEPT);
    this.onText(text);
  }

  /** @internal for the port */
  closed(port: Port): void {
    if (this.#port === port) this.#port = undefined;
  }
}

class Port implements SerialPort {
  readonly mode: SerialMode;
  readonly #options: Options;
  readonly #line: PromptLine;
  readonly #isOn: () => boolean;
  readonly #terminal: SerialPort | undefined;
  #typed: Uint8Array = new Uint8Array(0);
  #terminalBytes = 0; // readable from the terminal
  #isClosed = false;

  constructor(options: Options, terminal: Serial | undefined, line: PromptLine, isOn: () => boolean) {
    this.#isOn = isOn;
    this.#options = options;
    this.#line = line;
    if (terminal !== undefined) {
      this.#terminal = new terminal.io({
        ...options,
        onReadable: (bytes) => {
          this.#terminalBytes = bytes;
          this.#announce();
        },
        onWritable: (bytes) => options.onWritable(bytes),
      });
    } else setImmediate(() => this.#announceWritable());
    this.mode = this.#terminal?.mode ?? "terminal";
  }

  read(buffer: Uint8Array): number {
    const taken = Math.min(this.#typed.length, buffer.length);
    buffer.set(this.#typed.subarray(0, taken));
    this.#typed = this.#typed.subarray(taken);
    if (taken < buffer.length) {
      if (this.#terminal === undefined) throw new Error("invalid: more than there is to read");
      this.#terminal.read(buffer.subarray(taken));
      this.#terminalBytes -= buffer.length - taken;
    }
    return buffer.length;
  }

  write(buffer: Uint8Array): void {
    if (!this.#isOn()) return;
    this.#terminal?.write(buffer);
    this.#line.written(buffer);
    if (this.#terminal === undefined) setImmediate(() => this.#announceWritable());
  }

  idle(): void {
    this.#terminal?.idle?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#terminal?.close();
    this.#line.closed(this);
  }

  /** @internal for the line */
  type(bytes: Uint8Array): void {
    const typed = new Uint8Array(this.#typed.length + bytes.length);
    typed.set(this.#typed);
    typed.set(bytes, this.#typed.length);
    this.#typed = typed;
    this.#announce();
  }

  #announce(): void {
    const bytes = this.#typed.length + this.#terminalBytes;
    if (!this.#isClosed && bytes > 0) this.#options.onReadable(bytes);
  }

  #announceWritable(): void {
    if (!this.#isClosed) this.#options.onWritable(WRITABLE);
  }
}
