/*
 * The whole thermometer inside XS, on a board that uses hardly any heap, like the native classes of a device: flash, settings and
 * registers are in typed arrays made before the app machine boots. Time is virtual. What the board still has in the heap (an object
 * for each timer, their list, the callbacks of socket and radio) is counted, because on a device the native classes have such
 * objects, too.
 */
import type { Board, TimerId } from "../../../src/board.js";
import type { SerialCallbacks } from "../../../src/console/port/serial.js";
import type { KeyValueStore } from "../../../src/settings/store.js";
import { Thermometer } from "../../../src/thermometer.js";
import { announceReadable, announceWritable, PlainFlash, readable, Socket } from "./harness.js";
import { allocated, type Cost, spentIn } from "./meter.js";
import { update } from "./updating.js";

const flash = new PlainFlash(24);
const settings = { a: new Uint8Array(4_000), b: new Uint8Array(4_000), lengths: new Uint32Array(2) };
/** Counters that must not be in the app's heap: `[now in ms, readings, settled, wakes, key, bytes written and not drained, PUBLISH packets]`. */
const figures = new Float64Array(7);
const NOW = 0;
const READINGS = 1;
const SETTLED = 2;
const WAKES = 3;
const KEY = 4;
const WRITTEN = 5;
const PUBLISHED = 6;
const PUBLISH = 3;

interface Pending {
  callback: () => void;
  dueMs: number;
}

let pending: Pending[] = [];
let thermometer: Thermometer | undefined;
let isNetworkUp = true;

const timers = {
  set(callback: () => void, delayMs: number): TimerId {
    const timer = { callback, dueMs: figures[NOW] + Math.max(0, delayMs) };
    pending.push(timer);
    return timer;
  },
  clear(id: TimerId): void {
    const at = pending.indexOf(id as Pending);
    if (at >= 0) pending.splice(at, 1);
  },
};

/** A store that has only the two generations of settings. */
const store: KeyValueStore = {
  read(key) {
    if (!/[ab]$/.test(key)) return undefined;
    const which = key.endsWith("a") ? 0 : 1;
    const bytes = which === 0 ? settings.a : settings.b;
    const length = settings.lengths[which];
    return length === 0 ? undefined : bytes.slice(0, length).buffer;
  },
  write(key, value) {
    if (!/[ab]$/.test(key)) return;
    const which = key.endsWith("a") ? 0 : 1;
    (which === 0 ? settings.a : settings.b).set(new Uint8Array(value));
    settings.lengths[which] = value.byteLength;
  },
  delete() {},
};

/** A TMP117 at its first address, the only chip on the bus. It is always ready, and its temperature rises and falls. */
class Registers {
  constructor({ address }: { address: number }) {
    if (address !== 0x48) throw new Error("not acknowledged");
  }
  readUint16(register: number): number {
    if (register === 0x0f) return 0x0117;
    if (register === 0x00) return 2_700 + (figures[READINGS] % 64);
    return 0x2000 | 0x0400 | 0x0020; // ready, shutdown, averaging 8
  }
  writeUint16(): void {}
  readUint8(): number {
    return 0;
  }
  writeUint8(): void {}
  read(): void {}
  write(): void {}
  close(): void {}
}

const WRITABLE_BYTES = 1_024;
let port: TypedSerial | undefined;

/** A port without input, which accepts only the first output. It has no state: on a device, that of a port is native. */
class QuietSerial {
  constructor(options: { onWritable(bytes: number): void }) {
    timers.set(() => options.onWritable(WRITABLE_BYTES), 0);
  }
  read(): void {}
  write(): void {}
  close(): void {}
}

/** A port on which a person types: accepts all output of the prompt, and drops it. */
class TypedSerial {
  readonly target: unknown;
  readonly onReadable: SerialCallbacks["onReadable"];
  readonly onWritable: SerialCallbacks["onWritable"];
  constructor({ target, onReadable, onWritable }: SerialCallbacks) {
    this.target = target;
    this.onReadable = onReadable;
    this.onWritable = onWritable;
    port = this;
    timers.set(drained, 0);
  }
  read(buffer: Uint8Array): void {
    buffer[0] = figures[KEY];
  }
  write(buffer: Uint8Array): void {
    if (figures[WRITTEN] === 0) timers.set(drained, 0);
    figures[WRITTEN] += buffer.length;
  }
  close(): void {}
}

const drained = (): void => {
  figures[WRITTEN] = 0;
  port?.onWritable(WRITABLE_BYTES);
};
const announceKey = (): void => port?.onReadable(1);

/** Refuses to connect while the network is down. */
class Network extends Socket {
  constructor(options: ConstructorParameters<typeof Socket>[0]) {
    super(options);
    timers.set(isNetworkUp ? announceWritable : () => options.onError(), 1);
  }
  override write(buffer: Uint8Array): number {
    if (buffer[0] >> 4 === PUBLISH) figures[PUBLISHED]++;
    return super.write(buffer);
  }
}

/** A radio that is connected at once. It has only its callback; the state is native, as in the SDK's class. */
class Radio {
  readonly onChanged: (property: "connection") => void;
  constructor({ onChanged }: { onChanged(property: "connection"): void }) {
    this.onChanged = onChanged;
    timers.set(() => this.onChanged("connection"), 1);
  }
  get connection(): number {
    return 500;
  }
  get address(): string {
    return "192.168.1.20";
  }
  get SSID(): string {
    return "home";
  }
  get RSSI(): number {
    return -60;
  }
  get channel(): number {
    return 6;
  }
  close(): void {}
  scan(): void {}
  connect(): void {}
  disconnect(): void {}
  configure(): void {}
}

const MAX_SSID = "s".repeat(32);

/** The same, with a network name of maximum length. */
class LongNamedRadio extends Radio {
  override get SSID(): string {
    return MAX_SSID;
  }
}

/** A UDP socket behind which a time server answers. */
class TimeServer {
  private readonly onReadable: (packets: number) => void;
  private answer: DataView | undefined;

  constructor(options: { onReadable(packets: number): void }) {
    this.onReadable = options.onReadable;
  }
  write(packet: ArrayBuffer): void {
    const answer = new DataView(packet.slice(0));
    answer.setUint16(0, 0x2402); // version 4, mode 4, stratum 2
    answer.setUint32(24, answer.getUint32(40));
    answer.setUint32(28, answer.getUint32(44));
    timers.set(() => {
      for (const at of [32, 40]) answer.setUint32(at, (EPOCH_MS + figures[NOW]) / 1000 + 2_208_988_800);
      this.answer = answer;
      this.onReadable(1);
    }, 50);
  }
  read(): ArrayBuffer & { address: string; port: number } {
    return Object.assign(this.answer?.buffer as ArrayBuffer, { address: "0.pool.ntp.org", port: 123 });
  }
  close(): void {}
}

const EPOCH_MS = 1_781_687_520_000;

/** A board whose network is always up. */
export const wired: Board = {
  name: "bench",
  mac: "0123456789ab",
  timers,
  clock: { uptimeMs: () => figures[NOW], utcMs: () => EPOCH_MS + figures[NOW] },
  random: () => 0.5,
  setUtc() {},
  openFlash: () => flash,
  openSettings: () => store,
  sensor: { io: Registers, data: 21, clock: 22 },
  tcp: { io: Network },
  serial: { io: QuietSerial },
  overrides: {
    "mqtt.host": "127.0.0.1",
    room: "livingroom",
    interval: "10",
    log: "error",
  },
  boot(start) {
    thermometer = start() as Thermometer;
  },
  restart(reason) {
    throw new Error(`restart: ${reason}`);
  },
  observer: {
    reading() {
      figures[READINGS]++;
    },
    settled() {
      figures[SETTLED]++;
    },
  },
};

/** The same, with a person at the prompt. */
const typed: Board = { ...wired, serial: { io: TypedSerial } };

/** The usual board: with Wi-Fi and NTP. */
const wireless: Board = {
  ...wired,
  overrides: { ...wired.overrides, "wifi.ssid": "home", ntp: "0.pool.ntp.org" },
  wifi: { io: Radio },
  ntp: { socket: { io: TimeServer } },
};

/** The same, with a person at the prompt, and the longest value of each text. */
const largest: Board = {
  ...wireless,
  wifi: { io: LongNamedRadio },
  serial: { io: TypedSerial },
  overrides: {
    ...wireless.overrides,
    room: "r".repeat(64),
    id: "i".repeat(23),
    "wifi.ssid": MAX_SSID,
    "wifi.password": "p".repeat(63),
    "mqtt.host": "h".repeat(128),
    "mqtt.user": "u".repeat(64),
    "mqtt.password": "w".repeat(128),
    "discovery.prefix": "d".repeat(64),
    hostname: "n".repeat(32),
    ntp: "t".repeat(128),
    "outbox.window": "64",
  },
};

/** A board whose firmware can be replaced. */
const updatable: Board = { ...wired, update };

const BOARDS = { wired, wireless, typed, largest, updatable };

/** Boots the thermometer in this machine. */
export function boot(kind: keyof typeof BOARDS = "wired"): void {
  const board = BOARDS[kind];
  board.boot(() => new Thermometer(board));
}

/** @throws Error before a boot */
export function running(): Thermometer {
  if (thermometer === undefined) throw new Error("nothing runs");
  return thermometer;
}

/** Lets time pass until `readings` more readings were taken; the network is up or down meanwhile. */
export function run(readings: number, network: "up" | "down"): void {
  setNetwork(network);
  const end = figures[READINGS] + readings;
  while (figures[READINGS] < end) next()();
}

/** Mean number of timer callbacks a minute, those of readings included, over `minutes` minutes with the network up. */
export function wakesAMinute(minutes: number): number {
  setNetwork("up");
  const end = figures[NOW] + minutes * 60_000;
  const before = figures[WAKES];
  while (figures[NOW] < end) next()();
  return (figures[WAKES] - before) / minutes;
}

/** Writes of PUBLISH packets so far. */
export const published = (): number => figures[PUBLISHED];

export const hasTimers = (): boolean => pending.length > 0;

/** Removes all timers, as a reset does. */
export function forgetTimers(): void {
  pending = [];
}

/** Lets `ms` milliseconds pass; no timer runs. */
export function sleepFor(ms: number): void {
  figures[NOW] += ms;
}

/** Advances to the next timer, calls it, and delivers the server's answers. */
function next(): () => void {
  const callback = nextCallback();
  return () => {
    callback();
    while (readable() > 0) announceReadable();
  };
}

/** Advances to the next timer; returns its callback. */
export function nextCallback(): () => void {
  if (pending.length === 0) throw new Error("nothing will happen any more");
  let first = 0;
  for (let i = 1; i < pending.length; i++) if (pending[i].dueMs < pending[first].dueMs) first = i;
  const { callback, dueMs } = pending[first];
  pending.splice(first, 1);
  figures[NOW] = Math.max(figures[NOW], dueMs);
  figures[WAKES]++;
  return callback;
}

/** Types `text` `times` times, and runs timers that are due at once. Returns the mean cost of typing it once, including timers of the harness. */
export function type(text: string, times: number): Cost {
  const cost: Cost = { computrons: 0, slots: 0, chunkBytes: 0 };
  for (let i = 0; i < text.length * times; i++) {
    figures[KEY] = text.charCodeAt(i % text.length);
    const memory = allocated(() => {
      cost.computrons += spentIn(announceKey);
      while (pending.some(isDue)) cost.computrons += spentIn(next());
    });
    cost.slots += memory.slots;
    cost.chunkBytes += memory.chunkBytes;
  }
  const each = (sum: number): number => sum / times;
  const { computrons, slots, chunkBytes } = cost;
  return { computrons: each(computrons), slots: each(slots), chunkBytes: each(chunkBytes) };
}

/** Types `bytes`, each a character of the text, and runs timers that are due at once. Not measured. */
export function enter(bytes: string): void {
  for (let i = 0; i < bytes.length; i++) {
    figures[KEY] = bytes.charCodeAt(i);
    announceKey();
    while (pending.some(isDue)) next()();
  }
}

const isDue = ({ dueMs }: Pending): boolean => dueMs <= figures[NOW];

function setNetwork(network: "up" | "down"): void {
  const isUp = network === "up";
  if (isUp === isNetworkUp) return;
  isNetworkUp = isUp;
  if (isUp) thermometer?.uplink?.linkUp();
  else thermometer?.uplink?.linkDown();
}

/** The device's progress, as JSON. */
export function progress(): string {
  return JSON.stringify({
    readings: figures[READINGS],
    settled: figures[SETTLED],
    unsettled: thermometer?.unsettled,
    statistics: thermometer?.outbox?.statistics(),
    state: thermometer?.uplink?.status.state,
  });
}

export function powerOff(): void {
  thermometer?.close();
  thermometer = undefined;
  pending = [];
}
