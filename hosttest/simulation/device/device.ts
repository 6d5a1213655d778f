/*
 * A device of the simulation: the unchanged firmware on simulated hardware (support/hardware.ts), with power cuts at any
 * moment, and a ledger that knows which readings were taken and which must be delivered.
 */

import type { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { SHT3xPart } from "../../../boards/parts/i2c/sht3x.js";
import { TMP117Part } from "../../../boards/parts/i2c/tmp117.js";
import type { WiFiLink } from "../../../boards/parts/wifi-link.js";
import type { Board, Firmware } from "../../../src/board.js";
import { TEMPERATURE } from "../../../src/channels/channels.js";
import { startFirmware } from "../../../src/firmware.js";
import type { ClockState } from "../../../src/journal/dating.js";
import type { TCPConstructor } from "../../../src/mqtt/wire/io.js";
import { Outbox, type Statistics } from "../../../src/outbox/outbox.js";
import type { Thermometer } from "../../../src/thermometer.js";
import { Hardware, type Life as HardwareLife } from "../../support/hardware.js";
import type { VirtualTime } from "../../support/virtual-time.js";
import { Ledger, type Violation } from "../ledger.js";
import type { Network } from "../network.js";
import type { Random } from "../random.js";
import { Sleeper, type SleeperPlan } from "../sleepers/sleeper.js";
import { applyLie } from "../troubles/lie.js";
import type { Lie } from "../troubles/storm.js";
import type { VersionSetting } from "../troubles/versions.js";
import { humidity, temperature, trueUtcMs } from "../truth.js";
import { fill } from "./contents.js";
import { watchPace } from "./pace.js";
import { enter } from "./taken.js";
import { Work } from "./work.js";

/** An erase is as likely to be cut as so many programmed bytes. */
const ERASE_STEPS = 600;
const SSID = { ssid: "home", password: "correct horse", rssi: -60 };

export interface DeviceOptions {
  readonly index: number;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly network: Network;
  readonly blocks: number;
  readonly intervalS: number;
  readonly qos: 1 | 2;
  readonly version: VersionSetting;
  /** The broker may support at most QoS 1. */
  readonly mayLower: boolean;
  /** A sensor of temperature, or also of humidity, in one message or in one for each. */
  readonly sensor: "tmp117" | "sht3x" | "sht3x, each";
  /** Its flash before the first boot: erased, or after a backlog that filled it and has drained. */
  readonly contents: "nothing" | "drained";
  /** Number of the first reading of its life. */
  readonly firstSequence: number;
  /** It sleeps between its samples; default: it does not. */
  readonly plan?: SleeperPlan;
  report(violation: Violation): void;
  log(text: string): void;
}

/** The time from one reset to the next. */
interface Life {
  readonly own: HardwareLife;
  /** No server gave a wrong time in this life. */
  clockRight: boolean;
  running: Firmware | undefined;
  /** The whole thermometer is running or starting. */
  firmware: Thermometer | undefined;
}

/** A power cut after so many programmed bytes. */
interface Armed {
  readonly steps: number;
  readonly bits: "none" | "some" | "all";
}

export class Device {
  readonly ledger: Ledger;
  readonly flash: NorFlash;
  readonly options: DeviceOptions;
  cuts = 0;
  cutsInside = 0;
  boots = 0;
  readonly #hardware: Hardware;
  readonly #address: number;
  #life: Life | undefined;
  #offMs = 1000; // how long the power is off after a cut
  #brownouts = 0;
  #isExcused = false; // all time servers agree on a wrong time
  readonly #work: Work;
  readonly sleeper: Sleeper | undefined;
  #armed: Armed | undefined; // while it sleeps
  #bootNumber = 0; // the latest boot number that the firmware had
  #inForce: { readonly room: string; readonly qos: 1 | 2 };
  #isRetired = false;
  #left: number | undefined; // entries that waited when it last went to sleep after a report; undefined: there was none yet

  constructor(options: DeviceOptions) {
    const { index, time, random, blocks } = options;
    this.options = options;
    this.ledger = new Ledger(index, options.mayLower, (violation) =>
      options.report({ ...violation, device: index, atMs: time.nowMs }),
    );
    const air = { uptimeMs: () => time.nowMs, celsius: () => temperature(time.nowMs) };
    const isBoth = options.sensor !== "tmp117";
    this.#address = isBoth ? 0x44 : 0x48;
    const part = isBoth ? new SHT3xPart({ ...air, humidity: () => humidity(time.nowMs) }) : new TMP117Part(air);
    this.#hardware = new Hardware({
      time,
      network: options.network,
      random: random.unit,
      bits: random.unit,
      blocks,
      accessPoint: SSID,
      parts: { [this.#address]: part },
      utcMs: () => trueUtcMs(time.nowMs),
      counted: (flash) => this.#work.counted(flash),
      onCut: () => this.#die(),
      onCrash: (error) => this.#crashed(error),
    });
    this.flash = this.#hardware.flash;
    this.flash.eraseCost = ERASE_STEPS;
    this.#work = new Work({
      turn: () => time.turns,
      onWatchdog: (text) => options.report({ kind: "watchdog", device: index, atMs: time.nowMs, text }),
    });
    this.sleeper = options.plan && this.#sleeperOf(options.plan);
    this.#inForce = { room: this.#defaults.room, qos: options.qos };
    this.#prepare();
  }

  /** True while it has power, asleep or not. */
  get isPowered(): boolean {
    return this.isOn || this.sleeper?.isPowered === true;
  }

  /** True while its firmware runs. */
  get isOn(): boolean {
    return this.#hardware.isOn;
  }

  get firmware(): Thermometer | undefined {
    return this.isOn ? this.#life?.firmware : undefined;
  }

  powerOn(): void {
    if (!this.isPowered && !this.#isRetired) this.#boot();
  }

  /** Cuts the power now, between two operations. */
  cut(offMs: number): void {
    if (!this.isPowered) return;
    this.#offMs = offMs;
    this.#die();
  }

  /** Cuts the power after so many more programmed bytes. */
  cutAfter(steps: number, offMs: number): void {
    if (!this.isPowered) return;
    this.#offMs = offMs;
    this.#armed = { steps, bits: this.options.random.pick(["none", "some", "all"] as const) };
    if (this.isOn) this.#arm();
  }

  brownouts(times: number): void {
    this.#brownouts = times;
    this.cut(500);
  }

  wifi(up: boolean): void {
    if (up) this.#hardware.wifi.up();
    else this.#hardware.wifi.down();
  }

  sensor(there: boolean): void {
    if (there) this.#hardware.plug(this.#address);
    else this.#hardware.unplug(this.#address);
  }

  /** Servers give a wrong time from now on; 0: the true one. The ledger accepts wrong times only if all servers agree on them. */
  lie(byMs: number, how: Lie = "all"): void {
    applyLie(this.#hardware.ntp.faults, byMs, how);
    this.#isExcused = byMs !== 0 && how === "all";
    if (this.#isExcused && this.#life !== undefined) this.#life.clockRight = false;
  }

  /** Changes settings at the prompt, saves them, and reboots. */
  change(settings: Readonly<Record<string, string>>): void {
    const { firmware } = this;
    const life = this.#life;
    if (firmware === undefined || life === undefined) return;
    this.#hardware.run(life.own, () => {
      for (const [key, value] of Object.entries(settings)) firmware.settings.set(key, value);
      firmware.settings.save();
      const { room = this.#inForce.room, "mqtt.qos": qos = `${this.#inForce.qos}` } = settings;
      this.#inForce = { room, qos: qos === "1" ? 1 : 2 };
      firmware.restart("reboot");
    });
  }

  /** Ends all faults: no cut is armed, no part fails, no more readings are taken. */
  calm(): void {
    this.#brownouts = 0;
    this.sensor(true);
    this.wifi(true);
    this.lie(0);
    this.#armed = undefined;
    if (this.isOn) this.flash.cutAfter(Number.POSITIVE_INFINITY);
    else this.powerOn();
    this.#left = undefined;
    this.rest();
  }

  /** It takes no more samples; one that sleeps sends a last report. */
  rest(): void {
    if (this.sleeper === undefined) this.firmware?.stopSampling();
    else if (this.#left === 0) this.switchOff();
    else this.sleeper.press();
  }

  /** All its stored readings are delivered. */
  get isQuiet(): boolean {
    return this.sleeper === undefined ? this.firmware?.unsettled === 0 : this.#left === 0;
  }

  /** Entries in its outbox; if the device is off, as a mount finds them. */
  statistics(): Statistics | undefined {
    if (this.sleeper === undefined) return this.firmware?.outbox?.statistics();
    this.flash.powerOn();
    return new Outbox({ flash: this.flash }).statistics();
  }

  /** Switches it off permanently. */
  switchOff(): void {
    this.#isRetired = true;
    this.#hardware.powerOff();
    this.sleeper?.reset();
  }

  #sleeperOf(plan: SleeperPlan): Sleeper {
    const { time, random, index, report } = this.options;
    Object.assign(this.#defaults, { sleep: "on", report: `${plan.reportMin}`, awake: `${plan.awakeS}` });
    return new Sleeper({
      time,
      random,
      plan,
      onSleep: () => this.#fellAsleep(),
      onStart: () => this.#boot(),
      onTooLong: (text) => report({ kind: "awake", device: index, atMs: time.nowMs, text }),
    });
  }

  #fellAsleep(): void {
    if (this.#armed !== undefined) this.#armed = { ...this.#armed, steps: this.flash.stepsUntilCut };
    if (this.firmware?.uplink !== undefined) this.#left = this.firmware.unsettled;
    this.#hardware.powerOff();
  }

  #arm(): void {
    if (this.#armed !== undefined) this.flash.cutAfter(this.#armed.steps, this.#armed.bits);
  }

  #prepare(): void {
    const { firstSequence, intervalS, qos, version, contents, sensor, plan } = this.options;
    fill(this.flash, firstSequence, contents);
    const topics = sensor === "sht3x, each" ? "each" : "sample";
    const defaults = { "mqtt.qos": String(qos), "mqtt.version": version, topics };
    Object.assign(this.#defaults, { interval: String(plan?.intervalS ?? intervalS) }, defaults);
  }

  readonly #defaults: Record<string, string> = {
    room: "kitchen",
    "mqtt.host": "10.0.0.1",
    "wifi.ssid": SSID.ssid,
    "wifi.password": SSID.password,
    log: "off",
  };

  #boot(): void {
    const own = this.#hardware.start();
    this.#armBrownout();
    this.#arm();
    const life: Life = { own, clockRight: !this.#isExcused, running: undefined, firmware: undefined };
    this.#life = life;
    this.boots++;
    this.sleeper?.started();
    if (this.sleeper === undefined) this.options.log(`device ${this.options.index} boots`);
    this.#hardware.run(own, () => {
      life.running = startFirmware(this.#board(life));
    });
  }

  #armBrownout(): void {
    if (this.#brownouts === 0) return;
    this.#brownouts--;
    const { random } = this.options;
    this.#armed = { steps: random.whole(0, 400), bits: random.pick(["none", "some", "all"] as const) };
    this.#offMs = random.whole(50, 3000);
  }

  /** An exception that leaves the firmware would restart a real device: a violation. */
  #crashed(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const { index, time, report } = this.options;
    report({ kind: "crash", device: index, atMs: time.nowMs, text });
    this.#hardware.end();
  }

  #die(): void {
    if (!this.isPowered) return;
    const isInside = this.flash.cutInside;
    this.cuts++;
    if (isInside) this.cutsInside++;
    this.#armed = undefined;
    this.#hardware.powerOff();
    this.sleeper?.powerOff();
    this.options.log(`device ${this.options.index} loses power${isInside ? " inside a flash operation" : ""}`);
    this.options.time.timers.set(() => this.powerOn(), this.#offMs);
  }

  #board(life: Life): Board {
    const { index } = this.options;
    const { own } = life;
    const common = this.#hardware.board();
    return {
      ...common,
      name: "simulation",
      mac: `0200000000${index.toString(16).padStart(2, "0")}`,
      setUtc: (utcMs) => {
        common.setUtc(utcMs);
        if (own.isOn) this.#synchronised(life);
      },
      tcp: { io: this.#paced(this.#hardware.tcp(own)) },
      wifi: { io: this.#watchedWiFi() },
      ntp: this.#hardware.ntp,
      sleep: this.sleeper?.portFor(() => own.isOn),
      resetCause: this.sleeper?.resetCause ?? "power",
      defaults: this.#defaults,
      boot: () => {},
      restart: () => this.#restart(life),
      trace: (line) => this.options.log(`device ${index}: ${line}`),
      observer: {
        started: (firmware) => this.#started(life, firmware as Thermometer),
        reading: ({ values }, sequence) => this.#onReading(life, values[TEMPERATURE], sequence),
        settled: (sequence, outcome) => {
          if (own.isOn) this.ledger.settle(sequence, outcome);
        },
      },
    };
  }

  #paced(io: TCPConstructor): TCPConstructor {
    const { time, index, report } = this.options;
    const nowMs = (): number => time.nowMs;
    return watchPace(io, nowMs, (text) => report({ kind: "crowd", device: index, atMs: nowMs(), text }));
  }

  #started(life: Life, firmware: Thermometer): void {
    if (!life.own.isOn) return;
    life.firmware = firmware;
    const boots = firmware.lifetime?.boots ?? 0;
    if (boots !== this.#bootNumber) this.sleeper?.bootBegins(); // also if RTC memory was changed
    this.#bootNumber = boots;
  }

  #synchronised(life: Life): void {
    const before: ClockState = { syncUptimeMs: 0, syncUtcMs: 0, syncNext: 0, sentEnd: 0 };
    life.firmware?.journal?.keepClock(before);
    this.sleeper?.synchronised(before.sentEnd, !this.#isExcused);
  }

  /** The chip's class, which records that it is in use. */
  #watchedWiFi(): WiFiLink["io"] {
    const { io } = this.#hardware.wifi;
    const radioOn = (): void => this.sleeper?.radioOn();
    return class extends io {
      constructor(options: ConstructorParameters<WiFiLink["io"]>[0]) {
        super(options);
        radioOn();
      }
    };
  }

  #restart(life: Life): void {
    life.running?.close();
    this.#hardware.powerOff();
    this.sleeper?.reset();
    this.options.time.timers.set(() => this.powerOn(), 300);
  }

  #onReading(life: Life, celsius: number, sequence: number | undefined): void {
    if (!life.own.isOn || sequence === undefined || sequence < 0) return;
    this.#left = undefined;
    this.sleeper?.awake.sampled(life.firmware === undefined ? "wake" : "thermometer");
    const { room, qos } = this.#inForce;
    enter(sequence, celsius, this.options, { ledger: this.ledger, room, qos, clock: this.sleeper?.stretch ?? life });
  }
}
