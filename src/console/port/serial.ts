/*
 * The hardware shapes that the console takes in its options. Types only, no byte code.
 * Source: ECMA-419, 2nd edition, clause 9.7 (serial); Moddable's `timer` module.
 */

/** What the console adds to the board's options. `onReadable` and `onWritable` find the console through `this.target`. */
export interface SerialCallbacks {
  readonly format: "buffer";
  /** ECMA-419, 9.2: callbacks are called as methods of an object that has this property, too: the port or these options. */
  readonly target?: unknown;
  /** `bytes` can be read now. */
  onReadable(bytes: number): void;
  /** `bytes` can be written now. */
  onWritable(bytes: number): void;
}

/** One open port, `format` "buffer". */
export interface SerialPort {
  /** Fills the buffer, which must not be longer than what is readable. */
  read(buffer: Uint8Array): unknown;
  /** Takes the whole buffer, which must not be longer than what is writable; throws otherwise. */
  write(buffer: Uint8Array): unknown;
  close(): void;
  /** Known to ports that are a terminal at one time and a file at another; counts where the board's `mode` is absent. */
  readonly mode?: SerialMode;
  /** Called whenever all that was read has been done and answered; only of use to a port that can end. */
  idle?(): void;
}

/** The class of a serial port (ECMA-419 clause 9.7). */
export interface SerialConstructor {
  new (options: SerialCallbacks & Readonly<Record<string, unknown>>): SerialPort;
}

/**
 * `terminal`: somebody types, lines are edited and echoed. `lines`: a script, whose lines are read without echo, prompt
 * or control sequence.
 */
export type SerialMode = "terminal" | "lines";

/** The prompt's port as a board gives it: the io class and its own options (pins, baud), which are passed through. */
export interface Serial {
  readonly io: SerialConstructor;
  /** Default: what the port says, else "terminal". */
  readonly mode?: SerialMode;
  readonly [option: string]: unknown;
}

/** What `Timers.set` returns. Opaque. */
export type TimerId = object | number;

/** One-shot timers, as Moddable's `timer` module has them. */
export interface Timers {
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
