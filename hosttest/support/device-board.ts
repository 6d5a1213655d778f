/*
 * A board of simulated hardware (hardware.ts) on virtual time, with a power switch: the unchanged firmware runs on it, loses its power at
 * any moment, and boots again with the same flash. One or more boards share a house (house.ts).
 */
import { DeepSleep } from "../../boards/common/deep-sleep.js";
import { isSigned } from "../../boards/common/ed25519.js";
import { slotsClass } from "../../boards/common/image-slots.js";
import { BootSlots } from "../../boards/parts/flash/boot-slots.js";
import type { ImageDescription } from "../../boards/parts/flash/image.js";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import type { I2CBus, I2CPart } from "../../boards/parts/i2c/i2c-bus.js";
import { TMP117Part } from "../../boards/parts/i2c/tmp117.js";
import type { NTPServer } from "../../boards/parts/ntp.js";
import { type AccessPoint, WiFiLink } from "../../boards/parts/wifi-link.js";
import type { Board, Firmware, ResetCause } from "../../src/board.js";
import { startFirmware } from "../../src/firmware.js";
import type { ResolverConstructor, TCPConstructor } from "../../src/mqtt/wire/io.js";
import type { Thermometer } from "../../src/thermometer.js";
import { FakeSerial, type FakeSerialOptions } from "../console/support/fake-serial.js";
import { Hardware, type Life } from "./hardware.js";
import { House } from "./house.js";
import { openedFlash } from "./opened-flash.js";
import { Region } from "./region.js";

const SENSOR_ADDRESS = 0x48;
const RESET_MS = 300; // from a restart to the firmware's first line
const WAKE_MS = 60; // from the end of deep sleep to the firmware's first line
const CRASH_MS = 200; // after which a crashing image ends
const WATCHDOG_MS = 10_000; // the hardware's
const SELECTION_BLOCKS = 2;
const HOME: AccessPoint = { ssid: "home", password: "correct horse", rssi: -58 };

export interface DeviceOptions {
  readonly house?: House;
  /** As given at build time. Default: a network, a broker, the room "kitchen", a reading every 10 s. */
  readonly defaults?: Readonly<Record<string, string>>;
  readonly blocks?: number;
  /** Delay of the time server's answer. */
  readonly ntpLatencyMs?: number;
  /** Does the board report why it was reset? Default: it does. */
  readonly tellsResetCause?: "yes" | "no";
  /** Simulated sensors beside the TMP117, by address. */
  readonly parts?: Readonly<Record<number, I2CPart>>;
  /** Drivers in addition to the firmware's. */
  readonly drivers?: Board["drivers"];
  /** TLS over the house's network. Default: the board has none. */
  readonly tls?: (tcp: TCPConstructor) => TCPConstructor;
  /** Whether its TLS knows public CAs. Default: it does. */
  readonly hasPublicCAs?: boolean;
  /** The input that measures its cells. Default: it has none. */
  readonly battery?: Board["battery"];
  /** The board can sleep; `rate`: milliseconds that its slow clock counts in a true millisecond. Default: it cannot. */
  readonly sleep?: { readonly rate: number };
  /** Two slots of so many blocks for firmware images; the first one holds `image`. Default: the firmware cannot be replaced. */
  readonly slots?: { readonly image: Uint8Array; readonly blocks: number; readonly key: Uint8Array | undefined };
  /** The prompt's port. Default: read line by line, as a script does. */
  readonly serial?: FakeSerialOptions;
}

export class SimulatedDevice {
  readonly house: House;
  readonly flash: NorFlash;
  readonly settingsFlash: NorFlash;
  /** Boot selection and slots of a device that has them. */
  readonly slotFlash: NorFlash | undefined;
  readonly slots: BootSlots | undefined;
  /** Public key of the build. Takes effect at the next boot. */
  key: Uint8Array | undefined;
  /** Running image of a device with slots; undefined after a boot that found none. */
  image: ImageDescription | undefined;
  /** Versions that have started. */
  readonly started: string[] = [];
  readonly wifi: WiFiLink;
  readonly ntp: NTPServer;
  readonly sensor: TMP117Part;
  readonly defaults: Record<string, string>;
  readonly traces: string[] = [];
  /** All readings, of this life and earlier ones: sequence number, or undefined at QoS 0. */
  readonly taken: (number | undefined)[] = [];
  readonly settled: number[] = [];
  /** Why the firmware asked for resets. */
  readonly restarts: string[] = [];
  /** Undefined on a board that cannot sleep. */
  readonly chip: DeepSleep | undefined;
  /** How long it has slept, and how often it was put to sleep. */
  sleptMs = 0;
  sleeps = 0;
  /** Longest time awake after a wake by the timer. */
  longestWakeMs = 0;
  #wokenMs: number | undefined;
  /** Starts of the whole thermometer. */
  wholes = 0;
  /** The next boot loses its power after so many bytes on flash. */
  cutBootAfter = Number.POSITIVE_INFINITY;
  /** The board's resolver; undefined: its TCP class resolves names. */
  resolver: ResolverConstructor | undefined;
  port: FakeSerial;
  /** Exceptions that left the firmware; each ended a life. */
  crashes: unknown[] = [];
  boots = 0;
  readonly #hardware: Hardware;
  readonly #drivers: Board["drivers"];
  readonly #tls: DeviceOptions["tls"];
  readonly #battery: DeviceOptions["battery"];
  readonly #hasPublicCAs: boolean;
  readonly #tellsCause: boolean;
  readonly #serial: FakeSerialOptions;
  #running: Firmware | undefined;
  #firmware: Thermometer | undefined; // the whole one
  #record: ((line: string) => void) | undefined;
  #life: Life | undefined;

  constructor(options: DeviceOptions = {}) {
    const { house = new House(), blocks = 16, defaults = {}, ntpLatencyMs, tellsResetCause = "yes" } = options;
    const { serial = { mode: "lines" } } = options;
    this.#drivers = options.drivers;
    this.#tls = options.tls;
    this.#battery = options.battery;
    this.#hasPublicCAs = options.hasPublicCAs ?? true;
    const { time } = house;
    this.house = house;
    this.#tellsCause = tellsResetCause === "yes";
    this.#serial = serial;
    this.port = new FakeSerial(serial);
    this.sensor = new TMP117Part({ uptimeMs: () => time.nowMs, celsius: 21.5 });
    this.#hardware = new Hardware({
      time,
      network: house.network,
      random: house.random.unit,
      blocks,
      accessPoint: HOME,
      parts: { [SENSOR_ADDRESS]: this.sensor, ...options.parts },
      utcMs: () => house.utcMs,
      ntpLatencyMs,
      onCut: () => this.cut(),
      onCrash: (error) => {
        this.crashes.push(error);
        this.#end();
      },
    });
    const { flash, settingsFlash, wifi, ntp } = this.#hardware;
    this.flash = flash;
    this.settingsFlash = settingsFlash;
    this.wifi = wifi;
    this.ntp = ntp;
    this.key = options.slots?.key;
    if (options.slots !== undefined) {
      const { image, blocks: each } = options.slots;
      const flash = new NorFlash({ blocks: SELECTION_BLOCKS + 2 * each, random: house.random.unit });
      const opened = openedFlash(flash, () => this.cut());
      const regions = [0, 1].map((slot) => new Region(opened, SELECTION_BLOCKS + slot * each, each));
      flash.bytes.set(image, SELECTION_BLOCKS * flash.blockLength);
      this.slotFlash = flash;
      this.slots = new BootSlots(new Region(opened, 0, SELECTION_BLOCKS), [regions[0], regions[1]]);
    }
    this.chip =
      options.sleep &&
      new DeepSleep({
        ...options.sleep,
        timers: time.timers,
        uptimeMs: () => time.nowMs,
        firmware: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        onSleep: (ms) => {
          this.sleeps++;
          this.sleptMs += ms;
          this.longestWakeMs = Math.max(this.longestWakeMs, time.nowMs - (this.#wokenMs ?? time.nowMs));
          this.#end();
        },
        onWake: (cause) => {
          this.#wokenMs = cause === "timer" ? time.nowMs : undefined;
          time.timers.set(() => this.powerOn("sleep"), WAKE_MS);
        },
      });
    this.defaults = {
      room: "kitchen",
      interval: "10",
      "mqtt.host": "10.0.0.1",
      "wifi.ssid": HOME.ssid,
      "wifi.password": HOME.password ?? "",
      ...defaults,
    };
  }

  /** @throws Error without power, or if the boot failed */
  get firmware(): Thermometer {
    if (this.#firmware === undefined) throw new Error("the device is off");
    return this.#firmware;
  }

  get isOn(): boolean {
    return this.#hardware.isOn;
  }

  /** Of this life. */
  get bus(): I2CBus {
    return this.#hardware.bus;
  }

  powerOn(cause: ResetCause = "power"): this {
    if (!this.isOn) this.#boot(cause);
    return this;
  }

  /** The power is cut: nothing more is sent or written. */
  cut(): void {
    this.slotFlash?.powerOff();
    this.chip?.powerOff();
    this.#wokenMs = undefined;
    this.#end();
    this.#hardware.powerOff();
  }

  /** An exception left a callback: the machine ends, and boots again. */
  crash(error: unknown): void {
    this.#record?.(String(error));
    this.chip?.reset();
    this.#end();
    this.#boot("crash");
  }

  unplugSensor(): void {
    this.#hardware.unplug(SENSOR_ADDRESS);
  }

  plugSensor(): void {
    this.#hardware.plug(SENSOR_ADDRESS);
  }

  /** From now on timers set for at most so long never fire, in this life. */
  loseTimersOf(ms: number): void {
    this.#hardware.lostTimersMs = ms;
  }

  get isConnected(): boolean {
    return (this.#firmware?.uplink ?? this.#firmware?.safeUplink)?.isConnected === true;
  }

  /** Delivers a piece of a message, if the device is connected. */
  hear(topic: string, payload: Uint8Array, offsetBytes: number, totalBytes: number): void {
    const uplink = this.#firmware?.uplink ?? this.#firmware?.safeUplink;
    if (uplink?.isConnected !== true) return;
    const last = offsetBytes + payload.length === totalBytes;
    const message = { topic, qos: 1, retain: false, dup: false, totalBytes, offsetBytes, payload, last } as const;
    if (this.#life !== undefined) this.#hardware.run(this.#life, () => uplink.onMessage(message, 1));
  }

  /** Types a line at the prompt; returns the prompt's output so far. */
  type(line: string): string {
    this.port.take();
    this.port.send(`${line}\n`);
    return this.port.take();
  }

  /** Saves settings, as a person at the prompt does. */
  set(settings: Readonly<Record<string, string>>): void {
    for (const [key, text] of Object.entries(settings)) this.type(`set ${key} "${text}"`);
    const answer = this.type("save");
    if (answer.includes("error") || this.firmware.settings.staged().length > 0) throw new Error(answer);
  }

  reboot(): void {
    this.type("reboot");
    this.house.time.advance(RESET_MS);
  }

  /** The row of `status` with this label. */
  status(label: string): string | undefined {
    return this.type("status")
      .split("\n")
      .find((line) => line.startsWith(label))
      ?.slice(label.length)
      .trim();
  }

  #boot(cause: ResetCause): void {
    this.boots++;
    this.port = new FakeSerial(this.#serial);
    const life = this.#hardware.start();
    this.#life = life;
    this.slotFlash?.powerOn();
    this.flash.cutAfter(this.cutBootAfter);
    this.cutBootAfter = Number.POSITIVE_INFINITY;
    if (this.slots !== undefined && !this.#select(life, this.slots)) return;
    if (this.image?.fault === "blind") this.bus.unplug(SENSOR_ADDRESS);
    this.#hardware.run(life, () => {
      this.#running = startFirmware(this.#board(life, cause));
    });
  }

  /** The bootloader; false: the firmware does not run, for example for lack of power. */
  #select(life: Life, slots: BootSlots): boolean {
    this.#hardware.run(life, () => {
      this.image = slots.boot();
      if (this.image !== undefined) this.started.push(this.image.version);
    });
    if (!life.isOn || this.image === undefined) return false;
    const { fault } = this.image;
    if (fault !== "crash" && fault !== "hang") return true;
    const [cause, ms] = fault === "crash" ? (["crash", CRASH_MS] as const) : (["watchdog", WATCHDOG_MS] as const);
    this.house.time.timers.set(() => {
      if (!life.isOn) return;
      this.#end();
      this.#boot(cause);
    }, ms);
    return false;
  }

  #end(): void {
    if (!this.isOn) return;
    const firmware = this.#running;
    this.#running = this.#firmware = undefined;
    this.#record = undefined;
    this.#hardware.end();
    // Not at once: one of its callbacks may be running.
    this.house.time.timers.set(() => firmware?.close(), 0);
  }

  #restart(life: Life, reason: string): void {
    if (!life.isOn) return;
    this.restarts.push(reason);
    this.chip?.reset();
    this.#end();
    this.house.time.timers.set(() => {
      if (!this.isOn) this.#boot("restart");
    }, RESET_MS);
  }

  #board(life: Life, resetCause: ResetCause): Board {
    const { timers } = this.house.time;
    const tcp = this.#hardware.tcp(life);
    return {
      ...this.#hardware.board(),
      name: "simulated",
      mac: "020000000001",
      resetCause: this.#tellsCause ? resetCause : undefined,
      drivers: this.#drivers,
      tcp: { io: tcp },
      dns: this.resolver && { io: this.resolver },
      tls: this.#tls && { io: this.#tls(tcp), hasPublicCAs: this.#hasPublicCAs },
      wifi: this.image?.fault === "deaf" ? new WiFiLink({ timers, accessPoints: [] }) : this.wifi,
      update: this.slots && { io: slotsClass(this.slots), chip: this.image?.chip ?? "", key: this.key, isSigned },
      version: this.image?.version,
      sleep: this.chip && { io: this.chip.io },
      battery: this.#battery,
      ntp: this.ntp,
      serial: this.port.serial,
      defaults: this.defaults,
      boot: () => {},
      restart: (reason) => this.#restart(life, reason),
      onUncaught: (record) => {
        this.#record = record;
      },
      trace: (line) => this.traces.push(line),
      observer: {
        started: (firmware) => {
          if (!life.isOn) return;
          this.#firmware = firmware as Thermometer;
          this.wholes++;
        },
        reading: (_celsius, sequence) => {
          if (life.isOn) this.taken.push(sequence);
        },
        settled: (sequence) => {
          if (life.isOn) this.settled.push(sequence);
        },
      },
    };
  }
}
