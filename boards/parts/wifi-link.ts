/*
 * Simulated Wi-Fi: a station's chip and the air around it, behind an ECMA-419-shaped class.
 * It behaves as the SDK's wifi-esp32.c, including its difficult parts: no reason for a failed join, `connect` while connecting and a
 * second scan throw, `disconnect` is silent and its event is late, an `undefined` password is a password of nine letters.
 * All delays use the given timers; nothing is random.
 */
import type { TimerId, Timers } from "./timers.js";

/** A network in the air. */
export interface AccessPoint {
  readonly ssid: string;
  /** Absent: an open network. */
  readonly password?: string;
  /** dBm. Of several with one name, the strongest is joined. */
  readonly rssi: number;
  readonly channel?: number;
}

export interface WiFiLinkOptions {
  readonly timers: Timers;
  readonly accessPoints: readonly AccessPoint[];
  /** From `connect` to being associated, or to failing. Default 300 ms. */
  readonly joinMs?: number;
  /** From being associated to having an address. Default 200 ms. */
  readonly addressMs?: number;
  /** Default 2,000 ms. */
  readonly scanMs?: number;
}

/** Faults; may be changed at any time. The texts are the thrown errors' messages. */
export interface WiFiFaults {
  open?: string;
  connect?: string;
  scan?: string;
  configure?: string;
  /** Every use of an object throws. */
  broken?: string;
  /** No address is ever given. */
  noAddress?: true;
  /** The router takes so long to give an address, in milliseconds. */
  addressMs?: number;
  /** Scans never end. */
  endlessScan?: true;
  /** The chip's events do not reach the program. */
  deaf?: true;
}

export interface ScanResult {
  readonly SSID: string;
  readonly RSSI: number;
  readonly channel: number;
  readonly security: string;
}

export type OnChanged = (property: "connection" | "address") => void;

export class WiFiLink {
  /** The shape of `embedded:network/interface/wifi`. Any number of objects share the one chip. */
  readonly io: new (options: {
    onChanged?: OnChanged;
  }) => Station;
  readonly faults: WiFiFaults = {};
  readonly #chip: Chip;

  constructor(options: WiFiLinkOptions) {
    const chip = new Chip(options, this.faults);
    this.#chip = chip;
    this.io = class extends Station {
      constructor({ onChanged }: { onChanged?: OnChanged }) {
        super(chip, onChanged);
      }
    };
  }

  /** The switch: all access points are off, or on again. */
  down(): void {
    this.#chip.switchOff();
  }

  up(): void {
    this.#chip.on = true;
  }

  /** Replaces the networks in the air. A station whose network has disappeared or has another password is disconnected. */
  setAir(accessPoints: readonly AccessPoint[]): void {
    this.#chip.setAir(accessPoints);
  }

  /** The access point drops the station, and would accept it again. */
  kick(): void {
    this.#chip.drop();
  }

  /** The station moves to another access point of its network, and is given its address again. */
  roam(): void {
    this.#chip.associate();
  }

  /** Power is cut: every object created so far stops working, without a callback. */
  powerCycle(): void {
    this.#chip.reset();
  }

  /** Packets would pass: associated, with an address. */
  get connected(): boolean {
    return this.#chip.hasAddress;
  }

  /** As the program configured it. */
  get hostname(): string | undefined {
    return this.#chip.hostname;
  }

  /** Joins and scans that reached the chip. */
  get joins(): number {
    return this.#chip.joins;
  }

  get scans(): number {
    return this.#chip.scans;
  }

  /** The channel at which each join began, if one was given. */
  get channels(): readonly (number | undefined)[] {
    return this.#chip.channels;
  }
}

/** The radio. It has the true state; the stations know only its events. */
class Chip {
  on = true;
  hostname?: string;
  joins = 0;
  scans = 0;
  readonly channels: (number | undefined)[] = [];
  joined?: AccessPoint;
  hasAddress = false;
  scanning?: Station;
  readonly faults: WiFiFaults;
  readonly stations = new Set<Station>();
  readonly #options: WiFiLinkOptions;
  #air: readonly AccessPoint[];
  #step?: TimerId;

  constructor(options: WiFiLinkOptions, faults: WiFiFaults) {
    this.#options = options;
    this.#air = options.accessPoints;
    this.faults = faults;
  }

  /** `channel`: joining fails if the access point is on another one. (A chip begins its scan there, and goes on with the others.) */
  join(ssid: string, password: string, channel: number | undefined): void {
    this.joins++;
    this.channels.push(channel);
    this.#next(this.#options.joinMs ?? 300, () => {
      const point = this.#heard(ssid);
      const isElsewhere = channel !== undefined && channel !== (point?.channel ?? 1);
      if (!point || isElsewhere || (point.password ?? "") !== password) return this.#notify("disconnected");
      this.joined = point;
      this.associate();
    });
  }

  associate(): void {
    this.hasAddress = false;
    this.#notify("associated");
    if (this.faults.noAddress) return;
    this.#next(this.faults.addressMs ?? this.#options.addressMs ?? 200, () => {
      this.hasAddress = true;
      this.#notify("address");
    });
  }

  /** Leaves the network, for any reason; the event follows. */
  drop(): void {
    this.joined = undefined;
    this.hasAddress = false;
    this.#next(50, () => this.#notify("disconnected"));
  }

  switchOff(): void {
    this.on = false;
    if (this.joined) this.drop();
  }

  setAir(accessPoints: readonly AccessPoint[]): void {
    this.#air = accessPoints;
    const joined = this.joined;
    if (joined && this.#heard(joined.ssid)?.password !== joined.password) this.drop();
  }

  reset(): void {
    this.stations.clear();
    this.scanning = undefined;
    this.joined = undefined;
    this.hasAddress = false;
    this.#next(0, () => {});
  }

  scan(station: Station, onFound: (result: ScanResult) => void, onComplete?: () => void): void {
    this.scans++;
    this.scanning = station;
    if (this.faults.endlessScan) return;
    this.#options.timers.set(() => {
      if (this.scanning !== station) return;
      this.scanning = undefined;
      for (const { ssid, rssi, channel, password } of this.on ? this.#air : []) {
        onFound({ SSID: ssid, RSSI: rssi, channel: channel ?? 1, security: password ? "wpa2_psk" : "none" });
      }
      onComplete?.();
    }, this.#options.scanMs ?? 2_000);
  }

  #heard(ssid: string): AccessPoint | undefined {
    const named = this.on ? this.#air.filter((point) => point.ssid === ssid) : [];
    return named.sort((a, b) => b.rssi - a.rssi)[0];
  }

  /** One operation at a time: the previous one is dropped. */
  #next(afterMs: number, action: () => void): void {
    if (this.#step !== undefined) this.#options.timers.clear(this.#step);
    this.#step = this.#options.timers.set(action, afterMs);
  }

  #notify(event: "associated" | "address" | "disconnected"): void {
    if (this.faults.deaf) return;
    for (const station of [...this.stations]) station.notified(event);
  }
}

/** An object of the firmware. */
export class Station {
  readonly #chip: Chip;
  readonly #onChanged?: OnChanged;
  #connection = 200;

  constructor(chip: Chip, onChanged?: OnChanged) {
    if (chip.faults.open) throw new Error(chip.faults.open);
    this.#chip = chip;
    this.#onChanged = onChanged;
    if (chip.joined) this.#connection = chip.hasAddress ? 500 : 400;
    chip.stations.add(this);
  }

  get connection(): number {
    return this.#live().#connection;
  }

  get address(): string | undefined {
    return this.#live().#chip.hasAddress ? "192.0.2.7" : undefined;
  }

  get MAC(): string {
    return "02:00:00:00:00:01";
  }

  get SSID(): string | undefined {
    return this.#live().#chip.joined?.ssid;
  }

  get RSSI(): number | undefined {
    return this.#live().#chip.joined?.rssi;
  }

  get channel(): number | undefined {
    const { joined } = this.#live().#chip;
    return joined && (joined.channel ?? 1);
  }

  connect(options: { SSID: string; password?: string; channel?: number }): void {
    const { faults, scanning } = this.#live().#chip;
    if (faults.connect) throw new Error(faults.connect);
    if (this.#connection === 300) throw new Error("already connecting");
    if (scanning) throw new Error("connect failed");
    const { channel } = options;
    if ("channel" in options && !(Number(channel) >= 1 && Number(channel) <= 13))
      throw new RangeError("invalid channel");
    this.#connection = 300;
    this.#chip.join(String(options.SSID), "password" in options ? String(options.password) : "", channel);
  }

  disconnect(): void {
    this.#live().#connection = 200;
    this.#chip.drop();
  }

  scan(options: { onFound(result: ScanResult): void; onComplete?(): void }): void {
    const { faults, scanning } = this.#live().#chip;
    if (faults.scan) throw new Error(faults.scan);
    if (scanning) throw new Error("already scanning");
    if (this.#connection === 300 || this.#connection === 400) throw new Error("scan failed");
    this.#chip.scan(
      this,
      (result) => options.onFound(result),
      () => options.onComplete?.(),
    );
  }

  configure({ hostname }: { hostname?: string }): void {
    const { faults } = this.#live().#chip;
    if (faults.configure) throw new Error(faults.configure);
    if (hostname !== undefined) this.#chip.hostname = hostname;
  }

  close(): void {
    if (!this.#chip.stations.delete(this)) return;
    if (this.#chip.scanning === this) this.#chip.scanning = undefined;
  }

  /** Called by the chip: one of its events arrives here. */
  notified(event: "associated" | "address" | "disconnected"): void {
    const before = this.#connection;
    this.#connection = event === "associated" ? 400 : event === "address" ? 500 : 200;
    if (this.#connection === before) return;
    this.#onChanged?.("connection");
    if (event === "address" && this.#chip.stations.has(this)) this.#onChanged?.("address");
  }

  #live(): this {
    if (!this.#chip.stations.has(this)) throw new SyntaxError("WiFi: closed");
    if (this.#chip.faults.broken) throw new Error(this.#chip.faults.broken);
    return this;
  }
}
