/*
 * The board inside XS, which the firmware's bundle uses as its `board`. Every hardware class has ECMA-419's shape, and calls Node, where
 * the simulated parts, the sockets and the terminal are (run.ts). Events from Node arrive between the firmware's callbacks,
 * as on a device.
 */
import type { Board, Firmware, Outcome, TimerId } from "../../src/board.js";
import type { Sample } from "../../src/channels/sample.js";
import { fromHex } from "../../src/common/ascii.js";
import type { Sleeper as SleeperIO, WakeCause } from "../../src/power/io.js";
import { TLSSocket } from "../../src/tls/socket.js";
import { tlsEngine } from "../esp32/tls/native.js";
import { ask, askInto, askNumber, bytesOf, json, newHandle, textOf } from "./ask.js";
import { Flash, ImageSlots, isSigned, KeyValue } from "./storage.js";
import { COMMAND, CREDENTIAL, EVENT, type Facts, HEAD_BYTES, headOf, OUTCOMES, PARTITION } from "./wire.js";

/** The functions that the worker gives to scripts (hosttest/engine/host.c). */
declare const host: { trace(text: string): void };

type Listener = (event: number, value: number, rest: Uint8Array) => void;

let listeners: Map<number, Listener>; // created at boot: preloaded objects must not change
let begin: (() => Firmware) | undefined;
let firmware: Firmware | undefined;
let facts: Facts;

/** A handle for Node's events. */
function listen(listener: Listener): number {
  const handle = newHandle();
  listeners.set(handle, listener);
  return handle;
}

/** Callbacks of a socket or port, with ECMA-419's names. */
interface Callbacks {
  onReadable?(bytes: number): void;
  onWritable?(bytes: number): void;
  onError?(): void;
}

/** A stream on Node: socket or serial port. */
class Stream {
  protected readonly handle: number;
  readonly #kind: string;

  constructor(kind: string, callbacks: Callbacks, options: object) {
    this.#kind = kind;
    this.handle = listen((event) => {
      if (event === EVENT.error) callbacks.onError?.();
      else if (event === EVENT.readable) this.#announce("readable", (bytes) => callbacks.onReadable?.(bytes));
      else if (event === EVENT.writable) this.#announce("writable", (bytes) => callbacks.onWritable?.(bytes));
    });
    ask(`${kind}.open`, this.handle, 0, 0, json(options));
  }
  read(buffer: Uint8Array): number {
    return askInto(buffer, `${this.#kind}.read`, this.handle);
  }
  /** Returns how many bytes can be written after it. */
  write(buffer: Uint8Array): number | undefined {
    const writable = askNumber(`${this.#kind}.write`, this.handle, 0, 0, buffer);
    return Number.isNaN(writable) ? undefined : writable;
  }
  close(): void {
    if (listeners.delete(this.handle)) ask(`${this.#kind}.close`, this.handle);
  }
  /** The event may be late: asks Node how much it is now. */
  #announce(what: "readable" | "writable", announce: (bytes: number) => void): void {
    const bytes = askNumber(`${this.#kind}.${what}`, this.handle);
    if (bytes > 0) announce(bytes);
  }
}

class TCP extends Stream {
  constructor(options: Callbacks & { readonly address?: string; readonly host?: string; readonly port: number }) {
    const { address, host, port } = options;
    super("tcp", options, { address, host, port });
  }
}

class Serial extends Stream {
  constructor(options: Callbacks) {
    super("serial", options, {});
  }
  get mode(): "terminal" | "lines" | undefined {
    return facts.serialMode ?? undefined;
  }
  idle(): void {
    ask("serial.idle", this.handle);
  }
}

class Resolver {
  resolve(options: { host: string; onResolved(host: string, address: string): void; onError(): void }): void {
    const handle = listen((event, _value, rest) => {
      listeners.delete(handle);
      if (event !== EVENT.resolved) options.onError();
      else options.onResolved(options.host, textOf(rest));
    });
    ask("dns.resolve", handle, 0, 0, bytesOf(options.host));
  }
}

class SMBus {
  readonly #handle: number;

  constructor(options: { readonly address: number; readonly hz?: number }) {
    const { address, hz, data, clock } = options as { address: number; hz?: number; data?: unknown; clock?: unknown };
    this.#handle = askNumber("smbus.open", 0, 0, 0, json({ address, hz, data, clock }));
  }
  read(what: Uint8Array | number): ArrayBuffer | number {
    const buffer = typeof what === "number" ? new Uint8Array(what) : what;
    askInto(buffer, "smbus.read", this.#handle);
    return typeof what === "number" ? (buffer.buffer as ArrayBuffer) : buffer.length;
  }
  write(buffer: Uint8Array): void {
    ask("smbus.write", this.#handle, 0, 0, buffer);
  }
  readUint8(register: number): number {
    return askNumber("smbus.readUint8", this.#handle, register);
  }
  writeUint8(register: number, value: number): void {
    ask("smbus.writeUint8", this.#handle, register, value);
  }
  readUint16(register: number, bigEndian = false): number {
    return askNumber("smbus.readUint16", this.#handle, register, bigEndian ? 1 : 0);
  }
  writeUint16(register: number, value: number, bigEndian = false): void {
    ask(bigEndian ? "smbus.writeUint16BE" : "smbus.writeUint16LE", this.#handle, register, value);
  }
  close(): void {
    ask("smbus.close", this.#handle);
  }
}

class Digital {
  static InputPullUp = 0; // the board's figures are part of the facts
  static OutputOpenDrain = 0;
  readonly #handle: number;

  constructor(options: { readonly pin: number | string; readonly mode: number; readonly initialValue?: 0 | 1 }) {
    this.#handle = askNumber("digital.open", 0, 0, 0, json(options));
  }
  read(): number {
    return askNumber("digital.read", this.#handle);
  }
  write(value: 0 | 1): void {
    ask("digital.write", this.#handle, value);
  }
  close(): void {
    ask("digital.close", this.#handle);
  }
}

/** The chip's deep sleep. RTC memory is on Node, so that it survives this machine. */
class Sleeper implements SleeperIO {
  readonly cause: WakeCause;
  readonly firmware: Uint8Array;

  constructor() {
    ask("sleep.open");
    this.cause = textOf(new Uint8Array(ask("sleep.cause") as ArrayBuffer)) as WakeCause;
    this.firmware = new Uint8Array(ask("sleep.firmware") as ArrayBuffer);
  }
  slowClockMs(): number {
    return askNumber("sleep.clock");
  }
  readMemory(buffer: Uint8Array, at = 0): void {
    askInto(buffer, "sleep.read", 0, at);
  }
  writeMemory(bytes: Uint8Array, at = 0): void {
    ask("sleep.write", 0, at, 0, bytes);
  }
  sleep(ms: number): void {
    ask("sleep.sleep", 0, ms);
  }
  close(): void {
    ask("sleep.close");
  }
}

/** An input of the ADC. On Node it is open only while it is read. */
class Analog {
  readonly resolution = facts.battery?.resolution ?? 0;
  readonly #pin: number;

  constructor({ pin }: { readonly pin: number }) {
    this.#pin = pin;
  }
  read(): number {
    return askNumber("analog.read", 0, this.#pin);
  }
  close(): void {
    // There is nothing to release.
  }
}

const timers = {
  set(callback: () => void, delayMs: number): TimerId {
    const handle = listen(() => {
      listeners.delete(handle);
      callback();
    });
    ask("timer.set", handle, delayMs);
    return handle;
  },
  clear(id: TimerId): void {
    if (listeners.delete(id as number)) ask("timer.clear", id as number);
  },
};

/** Reports each event of a reading to Node, with the number of unsettled ones. */
const observer = {
  started(started: Firmware): void {
    firmware = started;
    ask("observer.started", started.unsettled);
  },
  reading({ mask, values, decimals }: Sample, sequence: number | undefined): void {
    const sample = json({ mask, values, decimals });
    ask("observer.reading", firmware?.unsettled ?? 0, sequence ?? Number.NaN, 0, sample);
  },
  settled(sequence: number, outcome: Outcome): void {
    ask("observer.settled", firmware?.unsettled ?? 0, sequence, OUTCOMES.indexOf(outcome));
  },
  evicted(first: number, end: number): void {
    ask("observer.evicted", firmware?.unsettled ?? 0, first, end);
  },
};

export const board: Board = {
  name: "xs",
  mac: "",
  timers,
  clock: {
    uptimeMs: () => askNumber("clock.uptime"),
    utcMs: () => {
      const utcMs = askNumber("clock.utc");
      return Number.isNaN(utcMs) ? undefined : utcMs;
    },
  },
  random: () => askNumber("random"),
  setUtc(utcMs) {
    ask("clock.set", 0, utcMs);
  },
  openFlash: () => new Flash(PARTITION.outbox),
  openSettings() {
    ask("settings.open");
    return new KeyValue();
  },
  sensor: { io: SMBus, data: 0, clock: 0 },
  tcp: { io: TCP },
  observer,
  trace(line) {
    host.trace(line);
  },
  heap() {
    return { usedBytes: askNumber("heap") };
  },
  boot(start) {
    begin = start;
  },
  restart(reason) {
    ask("restart", 0, 0, 0, bytesOf(reason));
  },
};

/** TLS credentials for this run. */
function credential(name: (typeof CREDENTIAL)[number]): Uint8Array | undefined {
  const bytes = ask("credentials", CREDENTIAL.indexOf(name));
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

/** The device's TLS, if the worker has it. */
function tls(): Board["tls"] {
  const isThere = facts.hasTLS && tlsEngine.open !== undefined;
  return isThere ? { io: TLSSocket, hasPublicCAs: false, socket: { io: TCP }, engine: tlsEngine, timers } : undefined;
}

function update(): Board["update"] {
  if (facts.update === null) return undefined;
  const { chip, key } = facts.update;
  return { io: ImageSlots, chip, key: key === null ? undefined : fromHex(key), isSigned };
}

/** Facts that are known only when the machine runs. */
function learn(): void {
  listeners = new Map();
  facts = JSON.parse(textOf(new Uint8Array(ask("facts") as ArrayBuffer)));
  const { data, clock, hz } = facts.sensor;
  Object.assign(Digital, facts.digital ?? {});
  Object.assign(board, {
    name: facts.name,
    mac: facts.mac,
    flashWriteUnit: facts.flashWriteUnit ?? undefined,
    resetCause: facts.resetCause ?? undefined,
    version: facts.version ?? undefined,
    update: update(),
    sensor: { io: SMBus, data, clock, hz: hz ?? undefined, digital: facts.digital === null ? undefined : Digital },
    openSettingsFlash: facts.hasSettingsFlash ? () => new Flash(PARTITION.settings) : undefined,
    dns: facts.hasDNS ? { io: Resolver } : undefined,
    sleep: facts.hasSleep ? { io: Sleeper } : undefined,
    battery: facts.battery === null ? undefined : { io: Analog, ...facts.battery },
    serial: facts.hasSerial ? { io: Serial, mode: facts.serialMode ?? undefined } : undefined,
    tls: tls(),
    credentials: { ca: credential("ca"), certificate: credential("certificate"), key: credential("key") },
    defaults: facts.defaults,
    overrides: facts.overrides,
  });
}

function obey(command: number, text: string): void {
  if (command === COMMAND.print) firmware?.print(text);
  else if (command === COMMAND.stopSampling) firmware?.stopSampling();
  else if (command === COMMAND.clockChanged) firmware?.clockChanged();
  else if (command === COMMAND.stop) firmware?.stop(() => ask("stopped", firmware?.unsettled ?? 0));
}

/** Called by Node: `boot` and `deafen` once for each machine, `onMessage` for each event. */
Object.assign(globalThis, {
  boardXS: {
    boot(): void {
      learn();
      firmware = begin?.();
    },
    /** A reset or a sleep has begun: events are ignored. */
    deafen(): void {
      listeners.clear();
      firmware = undefined;
    },
  },
  onMessage(buffer: ArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    const { handle, first, second } = headOf(bytes);
    const rest = bytes.subarray(HEAD_BYTES);
    if (first === EVENT.command) obey(second, textOf(rest));
    else listeners.get(handle)?.(first, second, rest);
  },
});
