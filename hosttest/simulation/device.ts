/*
 * A simulated device: the unchanged firmware on simulated flash, sensor, Wi-Fi and clock, with a power switch.
 * A life is the time from power on to power cut. When the power goes in the middle of a flash operation, whatever the
 * firmware still does in that turn has no effect: its sockets are dumb, its timers never fire, its flash throws.
 */

import { NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { I2CBus } from "../../boards/parts/i2c-bus.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { type Intruder, NTPServer } from "../../boards/parts/ntp.js";
import { SHT3xPart } from "../../boards/parts/sht3x.js";
import { TMP117Part } from "../../boards/parts/tmp117.js";
import { WiFiLink } from "../../boards/parts/wifi-link.js";
import type { Board, Firmware } from "../../src/board.js";
import { TEMPERATURE } from "../../src/channels/channels.js";
import { startFirmware } from "../../src/firmware.js";
import type { ClockState } from "../../src/journal/dating.js";
import type { TCPConstructor } from "../../src/mqtt/wire/io.js";
import { Outbox, type Statistics } from "../../src/outbox/outbox.js";
import type { Thermometer } from "../../src/thermometer.js";
import { openedFlash } from "../support/opened-flash.js";
import type { VirtualTime } from "../support/virtual-time.js";
import { Ledger, type Violation } from "./ledger.js";
import type { Network } from "./network.js";
import { watchPace } from "./pace.js";
import type { Random } from "./random.js";
import { Sleeper, type SleeperPlan } from "./sleepers/sleeper.js";
import type { Lie } from "./troubles/storm.js";
import type { VersionSetting } from "./troubles/versions.js";
import { humidity, temperature, trueUtcMs } from "./truth.js";
import { Work } from "./work.js";

const SETTINGS_BLOCKS = 4;
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
  readonly version: VersionSetting;
  /** The broker may take QoS 1 at most. */
  readonly mayLower: boolean;
  /** A sensor of the temperature, or one of humidity too, in one message or in one for each. */
  readonly sensor: "tmp117" | "sht3x" | "sht3x, each";
  /** What its flash holds before the first boot: nothing, or a backlog that filled it and has drained. */
  readonly contents: "nothing" | "drained";
  /** Number of the first reading of its life. */
  readonly firstSequence: number;
  /** It sleeps between its samples; default: it does not. */
  readonly plan?: SleeperPlan;
  report(violation: Violation): void;
  log(text: string): void;
}

/** From power on to power cut. */
interface Life {
  on: boolean;
  readonly bootMs: number;
  /** The clock, as an offset from virtual time; undefined: not set in this life. */
  utcOffsetMs: number | undefined;
  /** No server gave this life a wrong time. */
  clockRight: boolean;
  running: Firmware | undefined;
  /** The whole thermometer, which runs or is about to. */
  firmware: Thermometer | undefined;
}

/** A power cut that waits for so many programmed bytes. */
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
  readonly #settingsFlash: NorFlash;
  readonly #part: TMP117Part | SHT3xPart;
  readonly #address: number;
  #bus = new I2CBus();
  #isSensorThere = true;
  readonly #wifi: WiFiLink;
  readonly #ntp: NTPServer;
  #life: Life | undefined;
  #offMs = 1000; // how long the power stays away when it goes
  #brownouts = 0;
  #isExcused = false; // all time servers agree on a wrong time
  readonly #work: Work;
  readonly sleeper: Sleeper | undefined;
  #armed: Armed | undefined; // while it sleeps
  #bootNumber = 0; // the latest that the firmware had
  #inForce: { readonly room: string; readonly qos: 1 | 2 };
  #isRetired = false;
  #left: number | undefined; // entries that waited when it last went to sleep after a report; undefined: there was none yet

  constructor(options: DeviceOptions) {
    const { index, time, random, blocks } = options;
    this.options = options;
    this.ledger = new Ledger(index, options.mayLower, (violation) =>
      options.report({ ...violation, device: index, atMs: time.nowMs }),
    );
    this.flash = new NorFlash({ blocks, random: random.unit });
    this.flash.eraseCost = ERASE_STEPS;
    this.#settingsFlash = new NorFlash({ blocks: SETTINGS_BLOCKS, random: random.unit });
    const uptimeMs = (): number => time.nowMs;
    const air = { uptimeMs, celsius: () => temperature(time.nowMs) };
    this.#part = options.sensor === "tmp117" ? new TMP117Part(air) : new SHT3xPart(air);
    this.#address = options.sensor === "tmp117" ? 0x48 : 0x44;
    const timers = time.timers;
    this.#wifi = new WiFiLink({ timers, accessPoints: [SSID] });
    this.#ntp = new NTPServer({ timers, utcMs: () => trueUtcMs(time.nowMs) });
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
    return this.#life?.on === true;
  }

  get firmware(): Thermometer | undefined {
    return this.isOn ? this.#life?.firmware : undefined;
  }

  powerOn(): void {
    if (!this.isPowered && !this.#isRetired) this.#boot();
  }

  /** The power goes now, between two operations. */
  cut(offMs: number): void {
    if (!this.isPowered) return;
    this.#offMs = offMs;
    this.#die();
  }

  /** The power goes after so many more programmed bytes. */
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
    if (up) this.#wifi.up();
    else this.#wifi.down();
  }

  sensor(there: boolean): void {
    this.#isSensorThere = there;
    if (there) this.#bus.plug(this.#address);
    else this.#bus.unplug(this.#address);
  }

  /** A wrong time is served from now on; 0: the truth. Only where all servers agree on it is the device excused. */
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
  change(settings: Readonly<Record<string, string>>): void {
    const { firmware } = this;
    const life = this.#life;
    if (firmware === undefined || life === undefined) return;
    this.#guarded(life, () => {
      for (const [key, value] of Object.entries(settings)) firmware.settings.set(key, value);
      firmware.settings.save();
      const { room = this.#inForce.room, "mqtt.qos": qos = `${this.#inForce.qos}` } = settings;
      this.#inForce = { room, qos: qos === "1" ? 1 : 2 };
      firmware.restart("reboot");
    });
  }

  /** Fair weather: no cut is armed, nothing is broken, no more readings are taken. */
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

  /** It takes no more samples; one that sleeps reports, and then no more. */
  rest(): void {
    if (this.sleeper === undefined) this.firmware?.stopSampling();
    else if (this.#left === 0) this.switchOff();
    else this.sleeper.press();
  }

  /** All that it has kept is delivered. */
  get isQuiet(): boolean {
    return this.sleeper === undefined ? this.firmware?.unsettled === 0 : this.#left === 0;
  }

  /** What its outbox holds, as a mount finds it if it is off. */
  statistics(): Statistics | undefined {
    if (this.sleeper === undefined) return this.firmware?.outbox?.statistics();
    this.flash.powerOn();
    return new Outbox({ flash: this.flash }).statistics();
  }

  /** For good: it takes no more samples. */
  switchOff(): void {
    this.#isRetired = true;
    this.#endLife();
    this.sleeper?.reset();
  }

  #sleeperOf(plan: SleeperPlan): Sleeper {
    const { time, random, index, report } = this.options;
    const sleep = { sleep: "on", report: `${plan.reportMin}`, awake: `${plan.awakeS}` };
    Object.assign(this.#defaults, sleep);
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
    const { stepsUntilCut } = this.flash;
    if (this.#armed !== undefined) this.#armed = { ...this.#armed, steps: stepsUntilCut };
    if (this.firmware?.uplink !== undefined) this.#left = this.firmware.unsettled;
    this.#endLife();
  }

  #arm(): void {
    if (this.#armed !== undefined) this.flash.cutAfter(this.#armed.steps, this.#armed.bits);
  }

  #prepare(): void {
    const { firstSequence, intervalS, qos, version, contents, sensor, plan } = this.options;
    const outbox = new Outbox({ flash: this.flash, firstSequence });
    outbox.note(UNUSED_TAG, Uint8Array.of(1)); // from now on the flash knows its first number
    if (contents === "drained") drain(outbox);
    outbox.close();
    this.flash.powerOn();
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
    const { time, random } = this.options;
    this.flash.powerOn();
    this.#settingsFlash.powerOn(); // what was mounted on it is no more, however the last life ended
    this.#armBrownout();
    this.#arm();
    const life: Life = {
      on: true,
      bootMs: time.nowMs,
      utcOffsetMs: undefined,
      clockRight: !this.#isExcused,
      running: undefined,
      firmware: undefined,
    };
    this.#life = life;
    this.boots++;
    this.sleeper?.started();
    this.#bus = new I2CBus(); // what the last life had open, it has no more
    this.#bus.attach(this.#address, this.#part);
    this.#part.powerOn();
    this.sensor(this.#isSensorThere);
    if (this.sleeper === undefined) this.options.log(`device ${this.options.index} boots`);
    const board = this.#board(life, random);
    this.#guarded(life, () => {
      life.running = startFirmware(board);
    });
  }

  #armBrownout(): void {
    if (this.#brownouts === 0) return;
    this.#brownouts--;
    const { random } = this.options;
    this.#armed = { steps: random.whole(0, 400), bits: random.pick(["none", "some", "all"] as const) };
    this.#offMs = random.whole(50, 3000);
  }

  /** Runs firmware code. A cut ends it; anything else that gets out would restart a real device: a violation. */
  #guarded(life: Life, code: () => void): void {
    if (!life.on) return;
    if (this.#part instanceof SHT3xPart) this.#part.humidity = humidity(this.options.time.nowMs);
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
    if (!this.isPowered) return;
    const isInside = this.flash.cutInside;
    this.cuts++;
    if (isInside) this.cutsInside++;
    this.#armed = undefined;
    this.#endLife();
    this.sleeper?.powerOff();
    this.options.log(`device ${this.options.index} loses power${isInside ? " inside a flash operation" : ""}`);
    this.options.time.timers.set(() => this.powerOn(), this.#offMs);
  }

  /** Whatever the firmware still does in this turn has no effect. */
  #endLife(): void {
    if (this.#life !== undefined) this.#life.on = false;
    this.flash.powerOff();
    this.#settingsFlash.powerOff();
    this.#wifi.powerCycle();
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
        if (life.on) this.#synchronised(life);
      },
      openFlash: () => this.#opened(this.flash),
      openSettings: () => new KeyValueOnFlash(this.#opened(this.#settingsFlash)),
      sensor: { io: this.#bus.SMBus, digital: this.#bus.Digital, data: this.#bus.data, clock: this.#bus.clock },
      tcp: { io: this.#paced(network.socketClass(isOn, () => this.#wifi.connected)) },
      wifi: { io: this.#watchedWiFi() },
      ntp: this.#ntp,
      sleep: this.sleeper?.portFor(isOn),
      resetCause: this.sleeper?.resetCause ?? "power",
      defaults: this.#defaults,
      boot: () => {},
      restart: () => this.#restart(life),
      trace: (line) => this.options.log(`device ${index}: ${line}`),
      observer: {
        started: (firmware) => this.#started(life, firmware as Thermometer),
        reading: ({ values }, sequence) => this.#onReading(life, values[TEMPERATURE], sequence),
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

  #started(life: Life, firmware: Thermometer): void {
    if (!life.on) return;
    life.firmware = firmware;
    const boots = firmware.lifetime?.boots ?? 0;
    if (boots !== this.#bootNumber) this.sleeper?.bootBegins(); // also where RTC memory was not as it was left
    this.#bootNumber = boots;
  }

  #synchronised(life: Life): void {
    const before: ClockState = { syncUptimeMs: 0, syncUtcMs: 0, syncNext: 0, sentEnd: 0 };
    life.firmware?.journal?.keepClock(before);
    this.sleeper?.synchronised(before.sentEnd, !this.#isExcused);
  }

  /** The chip's class; that it is in use is seen. */
  #watchedWiFi(): WiFiLink["io"] {
    const { io } = this.#wifi;
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
    this.#endLife();
    this.sleeper?.reset();
    this.options.time.timers.set(() => this.powerOn(), 300);
  }

  /** The flash as the firmware sees it: the moment it throws for want of power, the life is over. */
  #opened(flash: NorFlash): ReturnType<typeof openedFlash> {
    return this.#work.counted(openedFlash(flash, () => this.#die()));
  }

  #onReading(life: Life, celsius: number, sequence: number | undefined): void {
    if (!life.on || sequence === undefined || sequence < 0) return;
    this.#left = undefined;
    this.sleeper?.awake.sampled(life.firmware === undefined ? "wake" : "thermometer");
    const { time, index, report } = this.options;
    const truly = temperature(time.nowMs);
    if (Math.abs(celsius - truly) > 0.1) {
      report({
        kind: "wrongValue",
        device: index,
        atMs: time.nowMs,
        text: `${sequence}: read ${celsius}, is ${truly}`,
      });
    }
    const clock = this.sleeper?.stretch ?? life;
    const truth = { utcMs: trueUtcMs(time.nowMs), clock, ...this.#inForce };
    const percent = humidity(time.nowMs);
    const { sensor } = this.options;
    if (sensor === "sht3x, each") {
      this.ledger.append(sequence, { ...truth, channel: "temperature", value: celsius });
      this.ledger.append(sequence + 1, { ...truth, channel: "humidity", value: percent });
    } else
      this.ledger.append(sequence, {
        ...truth,
        channel: "temperature",
        value: celsius,
        humidity: sensor === "tmp117" ? undefined : percent,
      });
  }
}

function intruder(byMs: number, how: Lie): Intruder | undefined {
  if (how === "forgedOnce") return { byMs, sees: "question", times: 1 };
  return how === "forgedBlind" ? { byMs, sees: "nothing", times: 1_000 } : undefined;
}

/** A backlog that fills the ring, and is settled to the last. */
function drain(outbox: Outbox): void {
  const payload = new Uint8Array(12);
  const { blocks } = outbox.statistics();
  while (outbox.statistics().blocksUsed < blocks - 1) outbox.append(payload, 1);
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(0)) outbox.settle(entry.sequence);
}
