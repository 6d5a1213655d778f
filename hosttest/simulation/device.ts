/*
 * A simulated device: the unchanged firmware on simulated flash, sensor, Wi-Fi and clock, with a power switch.
 * A life is the time from power on to power cut. When the power goes in the middle of a flash operation, whatever the
 * firmware still does in that turn has no effect: its sockets are dumb, its timers never fire, its flash throws.
 */

import { I2CBus } from "../../boards/parts/i2c-bus.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { NorFlash, PowerCut } from "../../boards/parts/nor-flash.js";
import { type Intruder, NTPServer } from "../../boards/parts/ntp.js";
import { TMP117Part } from "../../boards/parts/tmp117.js";
import { WiFiLink } from "../../boards/parts/wifi-link.js";
import type { Board } from "../../src/board.js";
import type { TCPConstructor } from "../../src/mqtt/io.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { Thermometer } from "../../src/thermometer.js";
import type { VirtualTime } from "../support/virtual-time.js";
import { Ledger, type Violation } from "./ledger.js";
import type { Network } from "./network.js";
import { watchPace } from "./pace.js";
import type { Random } from "./random.js";
import type { Lie } from "./storm.js";

const ADDRESS = 0x48;
const SETTINGS_BLOCKS = 4;
const FIRST_LIFE_MS = Date.UTC(2026, 5, 1);
/** An erase is as likely to be cut as so many programmed bytes. */
const ERASE_STEPS = 600;
const SSID = { ssid: "home", password: "correct horse", rssi: -60 };
const UNUSED_TAG = 7;

export interface DeviceOptions {
  readonly index: number;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly network: Network;
  readonly blocks: number;
  readonly intervalS: number;
  readonly qos: 1 | 2;
  /** Number of the first reading of its life. */
  readonly firstSequence: number;
  report(violation: Violation): void;
  log(text: string): void;
}

/** From power on to power cut. */
interface Life {
  on: boolean;
  readonly bootMs: number;
  /** The clock, as an offset from virtual time; undefined: not set in this life. */
  utcOffsetMs: number | undefined;
  /** Nobody told this life a wrong time. */
  clockRight: boolean;
  firmware: Thermometer | undefined;
}

export class Device {
  readonly ledger: Ledger;
  readonly flash: NorFlash;
  readonly options: DeviceOptions;
  cuts = 0;
  cutsInside = 0;
  boots = 0;
  readonly #settingsFlash: NorFlash;
  readonly #part: TMP117Part;
  #bus = new I2CBus();
  #isSensorThere = true;
  readonly #wifi: WiFiLink;
  readonly #ntp: NTPServer;
  #life: Life | undefined;
  #offMs = 1000; // how long the power stays away when it goes
  #brownouts = 0;
  #isExcused = false; // all time servers agree on a wrong time

  constructor(options: DeviceOptions) {
    const { index, time, random, blocks } = options;
    this.options = options;
    this.ledger = new Ledger(index, (violation) => options.report({ ...violation, device: index, atMs: time.nowMs }));
    this.flash = new NorFlash({ blocks, random: random.unit });
    this.flash.eraseCost = ERASE_STEPS;
    this.#settingsFlash = new NorFlash({ blocks: SETTINGS_BLOCKS, random: random.unit });
    const uptimeMs = (): number => time.nowMs;
    this.#part = new TMP117Part({ uptimeMs, celsius: () => temperature(time.nowMs) });
    const timers = time.timers;
    this.#wifi = new WiFiLink({ timers, accessPoints: [SSID] });
    this.#ntp = new NTPServer({ timers, utcMs: () => trueUtcMs(time.nowMs) });
    this.#prepare();
  }

  /** True while it has power. */
  get isOn(): boolean {
    return this.#life?.on === true;
  }

  get firmware(): Thermometer | undefined {
    return this.isOn ? this.#life?.firmware : undefined;
  }

  powerOn(): void {
    if (this.isOn) return;
    this.flash.powerOn();
    if (this.#brownouts > 0) {
      this.#brownouts--;
      this.flash.cutAfter(
        this.options.random.whole(0, 400),
        this.options.random.pick(["none", "some", "all"] as const),
      );
      this.#offMs = this.options.random.whole(50, 3000);
    }
    this.#boot();
  }

  /** The power goes now, between two operations. */
  cut(offMs: number): void {
    if (!this.isOn) return;
    this.#offMs = offMs;
    this.flash.powerOff();
    this.#die();
  }

  /** The power goes after so many more programmed bytes. */
  cutAfter(steps: number, offMs: number): void {
    if (!this.isOn) return;
    this.#offMs = offMs;
    this.flash.cutAfter(steps, this.options.random.pick(["none", "some", "all"] as const));
  }

  brownouts(times: number): void {
    this.#brownouts = times;
    this.cut(500);
  }

  wifi(up: boolean): void {
    if (up) this.#wifi.up();
    else this.#wifi.down();
  }

  sensor(there: boolean): void {
    this.#isSensorThere = there;
    if (there) this.#bus.plug(ADDRESS);
    else this.#bus.unplug(ADDRESS);
  }

  /** A wrong time is told from now on; 0: the truth. Only where all servers agree on it is the device excused. */
  lie(byMs: number, how: Lie = "all"): void {
    const { faults } = this.#ntp;
    const isTold = byMs !== 0;
    const isByAll = how === "all" || how === "unsynchronised";
    faults.wrongByMs = isTold && isByAll ? byMs : 0;
    faults.unsynchronised = isTold && how === "unsynchronised" ? true : undefined;
    faults.wrongHosts = isTold && how === "oneServer" ? { "1.pool.ntp.org": byMs } : undefined;
    faults.intruder = isTold ? intruder(byMs, how) : undefined;
    this.#isExcused = isTold && how === "all";
    if (this.#isExcused && this.#life !== undefined) this.#life.clockRight = false;
  }

  /** Somebody at the prompt: new settings, saved, and a reboot. */
  change(room: string, qos: 1 | 2): void {
    const { firmware } = this;
    if (firmware === undefined) return;
    firmware.settings.set("room", room);
    firmware.settings.set("mqtt.qos", String(qos));
    firmware.settings.save();
    firmware.restart("reboot");
  }

  /** Fair weather: no cut is armed, nothing is broken, no more readings are taken. */
  calm(): void {
    this.#brownouts = 0;
    this.sensor(true);
    this.wifi(true);
    this.lie(0);
    if (this.isOn) this.flash.cutAfter(Number.POSITIVE_INFINITY);
    else this.powerOn();
    this.firmware?.stopSampling();
  }

  #prepare(): void {
    const { firstSequence, intervalS, qos } = this.options;
    const outbox = new Outbox({ flash: this.flash, firstSequence });
    outbox.note(UNUSED_TAG, Uint8Array.of(1)); // from now on the flash knows its first number
    outbox.close();
    this.flash.powerOn();
    const defaults = { interval: String(intervalS), "mqtt.qos": String(qos) };
    Object.assign(this.#defaults, defaults);
  }

  readonly #defaults: Record<string, string> = {
    room: "kitchen",
    "mqtt.host": "10.0.0.1",
    "wifi.ssid": SSID.ssid,
    "wifi.password": SSID.password,
    log: "off",
  };

  #boot(): void {
    const { time, random } = this.options;
    const life: Life = {
      on: true,
      bootMs: time.nowMs,
      utcOffsetMs: undefined,
      clockRight: !this.#isExcused,
      firmware: undefined,
    };
    this.#life = life;
    this.boots++;
    this.#bus = new I2CBus(); // what the last life had open, it has no more
    this.#bus.attach(ADDRESS, this.#part);
    this.#part.powerOn();
    this.sensor(this.#isSensorThere);
    this.options.log(`device ${this.options.index} boots`);
    const board = this.#board(life, random);
    this.#guarded(life, () => {
      life.firmware = new Thermometer(board);
    });
  }

  /** Runs firmware code. A cut ends it; anything else that gets out would restart a real device: a violation. */
  #guarded(life: Life, code: () => void): void {
    if (!life.on) return;
    try {
      code();
    } catch (error) {
      if (error instanceof PowerCut || !life.on) return;
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const { index, time, report } = this.options;
      report({ kind: "crash", device: index, atMs: time.nowMs, text });
      life.on = false;
    }
  }

  #die(): void {
    const life = this.#life;
    if (life === undefined || !life.on) return;
    life.on = false;
    this.cuts++;
    if (this.flash.cutInside) this.cutsInside++;
    this.#wifi.powerCycle();
    this.options.log(
      `device ${this.options.index} loses power${this.flash.cutInside ? " inside a flash operation" : ""}`,
    );
    this.options.time.timers.set(() => this.powerOn(), this.#offMs);
  }

  #board(life: Life, random: Random): Board {
    const { index, time, network } = this.options;
    const { timers } = time;
    const isOn = (): boolean => life.on;
    const uptimeMs = (): number => time.nowMs - life.bootMs;
    const set = (callback: () => void, delayMs: number) => timers.set(() => this.#guarded(life, callback), delayMs);
    return {
      name: "simulation",
      mac: `0200000000${index.toString(16).padStart(2, "0")}`,
      timers: { set, clear: timers.clear },
      clock: { uptimeMs, utcMs: () => (life.utcOffsetMs === undefined ? undefined : time.nowMs + life.utcOffsetMs) },
      random: random.unit,
      setUtc: (utcMs) => {
        life.utcOffsetMs = utcMs - time.nowMs;
      },
      openFlash: () => this.#watched(this.flash),
      openSettings: () => new KeyValueOnFlash(this.#watched(this.#settingsFlash)),
      sensor: { io: this.#bus.SMBus, digital: this.#bus.Digital, data: this.#bus.data, clock: this.#bus.clock },
      tcp: { io: this.#paced(network.socketClass(isOn, () => this.#wifi.connected)) },
      wifi: this.#wifi,
      ntp: this.#ntp,
      resetCause: "power",
      defaults: this.#defaults,
      boot: () => {},
      restart: () => this.#restart(life),
      trace: (line) => this.options.log(`device ${index}: ${line}`),
      observer: {
        reading: (celsius, sequence) => this.#onReading(life, celsius, sequence),
        settled: (sequence, outcome) => {
          if (life.on) this.ledger.settle(sequence, outcome);
        },
      },
    };
  }

  #paced(io: TCPConstructor): TCPConstructor {
    const { time, index, report } = this.options;
    const nowMs = (): number => time.nowMs;
    return watchPace(io, nowMs, (text) => report({ kind: "crowd", device: index, atMs: nowMs(), text }));
  }

  #restart(life: Life): void {
    life.firmware?.close();
    life.on = false;
    this.flash.powerOn();
    this.#wifi.powerCycle();
    this.options.time.timers.set(() => {
      if (!this.isOn) this.#boot();
    }, 300);
  }

  /** The flash as the firmware sees it: the moment it throws for want of power, the life is over. */
  #watched(flash: NorFlash): ReturnType<Board["openFlash"]> {
    let isOpen = true; // each opening is closed by itself: the firmware opens its flash more than once
    const watch = <T>(call: () => T): T => {
      if (!isOpen) throw new Error("closed");
      try {
        return call();
      } catch (error) {
        if (error instanceof PowerCut) this.#die();
        throw error;
      }
    };
    return {
      read: (buffer, offset) => watch(() => flash.read(buffer, offset)),
      write: (buffer, offset) => watch(() => flash.write(buffer, offset)),
      eraseBlock: (first, end) => watch(() => flash.eraseBlock(first, end)),
      status: () => flash.status(),
      close: () => {
        isOpen = false;
      },
    };
  }

  #onReading(life: Life, celsius: number, sequence: number | undefined): void {
    if (!life.on || sequence === undefined || sequence < 0) return;
    const { time, index, report } = this.options;
    const { settings } = life.firmware ?? {};
    if (settings === undefined) return;
    const truly = temperature(time.nowMs);
    if (Math.abs(celsius - truly) > 0.1) {
      report({
        kind: "wrongValue",
        device: index,
        atMs: time.nowMs,
        text: `${sequence}: read ${celsius}, is ${truly}`,
      });
    }
    const qos = settings.get("mqtt.qos") === 2 ? 2 : 1;
    this.ledger.append(sequence, {
      utcMs: trueUtcMs(time.nowMs),
      room: settings.get("room"),
      celsius,
      qos,
      clock: life,
    });
  }
}

function intruder(byMs: number, how: Lie): Intruder | undefined {
  if (how === "forgedOnce") return { byMs, sees: "question", times: 1 };
  return how === "forgedBlind" ? { byMs, sees: "nothing", times: 1_000 } : undefined;
}

/** The wall clock of the world. */
export function trueUtcMs(nowMs: number): number {
  return FIRST_LIFE_MS + nowMs;
}

/** The room's temperature, °C: a day's swing, and a faster one on top. */
function temperature(nowMs: number): number {
  return 21 + 4 * Math.sin(nowMs / 13_750_987) + 0.5 * Math.sin(nowMs / 600_000);
}
