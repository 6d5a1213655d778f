/*
 * The hardware that the console takes in its options, as types. No byte code.
 * Source: ECMA-419, 2nd edition, clause 9.7 (serial); Moddable's `timer` module.
 */

/** Options that the console adds to the board's. `onReadable` and `onWritable` find the console through `this.target`. */
export interface SerialCallbacks {
  readonly format: "buffer";
  /** ECMA-419, 9.2: callbacks are called as methods of an object with this property: the port or these options. */
  readonly target?: unknown;
  /** `bytes` can be read now. */
  onReadable(bytes: number): void;
  /** `bytes` can be written now. */
  onWritable(bytes: number): void;
}

/** One open port, `format` "buffer". */
export interface SerialPort {
  /** Fills the buffer, which must not be longer than the readable bytes. */
  read(buffer: Uint8Array): unknown;
  /** Accepts the whole buffer, which must not be longer than the writable bytes; throws otherwise. */
  write(buffer: Uint8Array): unknown;
  close(): void;
  /** Set by ports that can be a terminal or a file; used if the board's `mode` is absent. */
  readonly mode?: SerialMode;
  /** Called whenever all input read so far has been handled; only useful for a port that can end. */
  idle?(): void;
}

/** The class of a serial port (ECMA-419 clause 9.7). */
export interface SerialConstructor {
  new (options: SerialCallbacks & Readonly<Record<string, unknown>>): SerialPort;
}

/**
 * `terminal`: a person types, lines are edited and echoed. `lines`: a script, whose lines are read without echo, prompt or
 * control sequence.
 */
export type SerialMode = "terminal" | "lines";

/** The prompt's port as the board supplies it: the io class and its own options (pins, baud), which are passed on. */
export interface Serial {
  readonly io: SerialConstructor;
  /** Default: the port's own, otherwise "terminal". */
  readonly mode?: SerialMode;
  readonly [option: string]: unknown;
}

/** The result of `Timers.set`. Opaque. */
export type TimerId = object | number;

/** One-shot timers, as in Moddable's `timer` module. */
export interface Timers {
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
