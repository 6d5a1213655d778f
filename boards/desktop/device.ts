/*
 * One simulated device: its chip, sensors, air, network plug and sleep, and the firmware that runs on them, in lives from one reset to
 * the next. Its power can be cut, even in the middle of a flash write: from then on that life has no effect.
 */
import type { Board, Firmware, Observer, ResetCause } from "../../src/board.js";
import type { Serial } from "../../src/console/port/serial.js";
import type { ImageBoot } from "../common/image-boot.js";
import { Cells } from "../parts/cells.js";
import { I2CBus } from "../parts/i2c/i2c-bus.js";
import { WiFiLink } from "../parts/wifi-link.js";
import { Air } from "./air.js";
import type { Chip } from "./chip.js";
import type { DeviceClock } from "./device-clock.js";
import type { CutPlace } from "./flash/supply.js";
import { DeafTCP } from "./network/deaf-tcp.js";
import { Plug } from "./network/plug.js";
import { TCP } from "./network/tcp.js";
import { TLS } from "./network/tls.js";
import type { Elsewhere } from "./on-xs.js";
import { simulatedParts } from "./simulated-parts.js";
import { Sleeping } from "./sleeping.js";
import { timers } from "./timers.js";

/** The open Wi-Fi network in the air, and the setting's default. */
const NETWORK = "simulated";
const JOIN_MS = 30;
const ADDRESS_MS = 20;
/** Of a device that sleeps: two AA cells. */
const CELLS = Object.freeze({ volts: 3.01, low: 2.4 });
/** "In the middle of a write": a record's length, about. */
const CUT_WITHIN_BYTES = 12;

/** Observer of a device in all its lives. */
export interface DeviceListener extends Observer {
  /** A life begins, by power-on or reset. */
  booting?(cause: ResetCause): void;
  /** Deep sleep, until it wakes by itself after so long. */
  slept?(ms: number): void;
  woke?(): void;
  /** `place`: where in a flash write it happened, if in one. */
  powerLost?(place: CutPlace | undefined): void;
  /** A switch of its environment was changed. */
  changed?(): void;
}

export interface DeviceOptions {
  readonly chip: Chip;
  readonly clock: DeviceClock;
  readonly listener: DeviceListener;
  readonly serial: Serial | undefined;
  /** The device must join a Wi-Fi; else the network is always up. */
  readonly hasWiFi: boolean;
  /** Keys on standard input wake it. */
  readonly hasKeys: boolean;
  readonly defaults: Readonly<Record<string, string>>;
  readonly credentials: Board["credentials"];
  /** Settings of this run, read at each boot. */
  overrides(): Record<string, string>;
  /** For devices with replaceable firmware images: the image to boot; absent: this program. */
  readonly images?: ImageBoot | undefined;
  /** Starts the firmware in another process; undefined: in this one. */
  readonly elsewhere: Elsewhere | undefined;
  /** The chip has no image that could start. */
  onNoImage?(error: unknown): void;
  trace(line: string): void;
  /** Ctrl-C while it sleeps. */
  onQuit(): void;
}

export class DesktopDevice {
  readonly board: Board;
  readonly chip: Chip;
  readonly air: Air;
  readonly plug = new Plug();
  readonly cells = new Cells(CELLS);
  readonly sleeping: Sleeping;
  readonly #options: DeviceOptions;
  readonly #bus = new I2CBus();
  readonly #wifi: WiFiLink | undefined;
  #start: (() => Firmware) | undefined;
  #firmware: Firmware | undefined;
  #bootedMs = 0;
  #cause: ResetCause = "power"; // a process that was killed is a chip without power
  #lastWords = (_line: string): void => {};
  #isSensorThere = true;
  #hasTimeServer = true;
  #knowsTime = true;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.chip = options.chip;
    const uptimeMs = (): number => options.clock.uptimeMs();
    this.air = new Air({ uptimeMs, random: Math.random });
    this.#plugSensors(uptimeMs);
    if (options.hasWiFi) {
      const accessPoints = [{ ssid: NETWORK, rssi: -58 }];
      this.#wifi = new WiFiLink({ timers, accessPoints, joinMs: JOIN_MS, addressMs: ADDRESS_MS });
    }
    this.sleeping = new Sleeping({
      hasKeys: options.hasKeys,
      onSleep: (ms) => options.listener.slept?.(ms),
      onWake: () => this.#wake(),
      onQuit: () => options.onQuit(),
    });
    this.board = this.#makeBoard();
    process.on("uncaughtExceptionMonitor", (error) => this.#lastWords(String(error)));
  }

  get firmware(): Firmware | undefined {
    return this.#firmware;
  }

  // The power

  get isOn(): boolean {
    return this.chip.supply.isOn;
  }

  /** The firmware runs in this process: power and sleep are available. */
  get isHere(): boolean {
    return this.#options.elsewhere === undefined;
  }

  /** Cuts the power at once. */
  cut(): void {
    if (!this.isOn || !this.isHere) return;
    this.chip.supply.off();
    this.#powerLost(undefined);
  }

  /**
   * Cuts it in the middle of the next write to flash, or of the one after that: while all is well, one is a sample and the other
   * its settle, a single byte. At QoS 1 a settle that is cut causes a double.
   */
  cutInNextWrite(): void {
    if (!this.isOn || !this.isHere) return;
    const calls = Math.floor(Math.random() * 2);
    const bytes = calls > 0 ? 0 : 1 + Math.floor(Math.random() * (CUT_WITHIN_BYTES - 1));
    this.chip.supply.cutAfter(bytes, (place) => this.#powerLost(place), calls);
    this.#options.listener.changed?.();
  }

  powerOn(): void {
    if (this.isOn || this.#start === undefined) return;
    this.chip.supply.on();
    this.#cause = "power";
    this.#knowsTime = this.#hasTimeServer;
    this.#boot();
  }

  /** Like pressing reset: settings that take effect at a boot are in force afterwards. */
  reset(): void {
    if (this.isOn && this.sleeping.isAsleep) this.#restart();
    else if (this.isOn) this.board.restart("reset");
  }

  // Its environment

  get hasNetwork(): boolean {
    return this.plug.isIn;
  }

  set hasNetwork(is: boolean) {
    if (is === this.plug.isIn) return;
    if (is) {
      this.plug.in();
      this.#wifi?.up();
    } else {
      this.plug.out();
      this.#wifi?.down();
    }
    this.#options.listener.changed?.();
  }

  get isSensorThere(): boolean {
    return this.#isSensorThere;
  }

  set isSensorThere(is: boolean) {
    this.#isSensorThere = is;
    for (const { address } of simulatedParts) {
      if (is) this.#bus.plug(address);
      else this.#bus.unplug(address);
    }
    this.#options.listener.changed?.();
  }

  get hasTimeServer(): boolean {
    return this.#hasTimeServer;
  }

  /** A device that knows the time keeps it until the power is cut. */
  set hasTimeServer(is: boolean) {
    this.#hasTimeServer = is;
    if (is && !this.#knowsTime) {
      this.#knowsTime = true;
      this.#firmware?.clockChanged();
    }
    this.#options.listener.changed?.();
  }

  get knowsTime(): boolean {
    return this.#knowsTime;
  }

  // Its lives

  /** Resets the firmware in the other process. */
  restarted(): void {
    this.sleeping.reset();
    this.#bootedMs = this.#options.clock.uptimeMs();
    this.#cause = "restart";
    this.#options.listener.booting?.(this.#cause);
  }

  #boot(): void {
    this.#bootedMs = this.#options.clock.uptimeMs();
    this.#options.listener.booting?.(this.#cause);
    this.#begin();
  }

  #begin(): void {
    this.select(() => {
      const firmware = this.#start?.();
      if (this.isOn) this.#firmware = firmware;
      else this.#end(firmware); // the power was cut while it started
    });
  }

  /** On a chip with replaceable images, `start` is called when one runs. `cause`: as of ImageBoot.boot */
  select(start: (cause?: ResetCause) => void): void {
    const begin = (cause?: ResetCause): void => {
      if (cause !== undefined) this.#cause = cause;
      this.#bootedMs = this.#options.clock.uptimeMs();
      start(cause);
    };
    const { images, onNoImage } = this.#options;
    if (images === undefined) {
      begin();
      return;
    }
    try {
      images.boot(begin);
    } catch (error) {
      if (this.isOn) onNoImage?.(error);
    }
  }

  #wake(): void {
    this.chip.reset();
    this.#cause = "sleep";
    this.#bootedMs = this.#options.clock.uptimeMs();
    const { listener, elsewhere } = this.#options;
    listener.woke?.();
    if (elsewhere === undefined) this.#begin();
    else elsewhere.wake();
  }

  #restart(): void {
    this.#firmware?.close();
    this.chip.reset();
    this.sleeping.reset();
    this.#wifi?.powerCycle();
    this.#cause = "restart";
    setImmediate(() => {
      if (this.isOn) this.#boot();
    });
  }

  /** May be called from within a call of the firmware. */
  #powerLost(place: CutPlace | undefined): void {
    const dying = this.#firmware;
    this.#firmware = undefined;
    this.plug.cut();
    this.#wifi?.powerCycle();
    this.sleeping.powerOff();
    this.#options.images?.powerOff();
    this.#options.listener.powerLost?.(place);
    this.#end(dying);
  }

  /** Discards the rest of a life when the firmware's call has ended. */
  #end(dying: Firmware | undefined): void {
    setImmediate(() => {
      try {
        dying?.close();
      } catch {
        // Its flash is no longer accessible.
      }
      if (!this.isOn) this.chip.reset();
    });
  }

  #plugSensors(uptimeMs: () => number): void {
    const parts = simulatedParts.map(({ address, Part }) => ({ address, part: new Part({ uptimeMs, celsius }) }));
    const air = this.air;
    // One is read by default, the others with `--sensor sht3x` or `--sensor auto`.
    for (const { address, part } of parts) this.#bus.attach(address, part);
    function celsius(): number {
      for (const { part } of parts) if ("humidity" in part) part.humidity = air.humidity;
      return air.celsius;
    }
  }

  #makeBoard(): Board {
    const { chip, clock, listener, credentials, serial, defaults, images } = this.#options;
    const plugged = this.plug.socketOf(TCP);
    const device = this;
    const isOn = (): boolean => this.isOn;
    return {
      name: "desktop",
      mac: chip.mac,
      timers,
      clock: {
        uptimeMs: () => clock.uptimeMs() - this.#bootedMs,
        utcMs: () => (this.#knowsTime ? clock.utcMs() : undefined),
      },
      random: () => Math.random(),
      setUtc: () => {}, // the device must not set the computer's clock
      openFlash: () => chip.outboxFlash(),
      openSettings: () => chip.settings(),
      openSettingsFlash: () => chip.settingsFlash(),
      get sensor() {
        const bus = images?.fault === "blind" ? new I2CBus() : device.#bus;
        return { io: bus.SMBus, digital: bus.Digital, data: bus.data, clock: bus.clock };
      },
      tcp: {
        get io() {
          return images?.fault === "deaf" ? DeafTCP : plugged;
        },
      },
      update: images?.port,
      get version() {
        return images?.version;
      },
      tls: { io: this.plug.socketOf(TLS), hasPublicCAs: true },
      wifi: this.#wifi,
      sleep: this.sleeping.port,
      get battery() {
        return this.overrides?.sleep === "on" ? device.cells.port : undefined;
      },
      credentials,
      serial,
      defaults: this.#wifi === undefined ? defaults : { "wifi.ssid": NETWORK, ...defaults },
      get overrides() {
        return device.#options.overrides();
      },
      observer: {
        started: (firmware) => {
          if (!isOn()) return;
          this.#firmware = firmware;
          listener.started?.(firmware);
        },
        reading: (sample, sequence) => {
          if (isOn()) listener.reading?.(sample, sequence);
        },
        settled: (sequence, outcome) => {
          if (isOn()) listener.settled?.(sequence, outcome);
        },
        evicted: (first, end) => {
          if (isOn()) listener.evicted?.(first, end);
        },
      },
      trace: (line) => this.#options.trace(line),
      heap: () => ({ usedBytes: process.memoryUsage().heapUsed }),
      boot: (begin) => {
        const { elsewhere } = this.#options;
        if (elsewhere !== undefined) {
          elsewhere.boot();
          return;
        }
        this.#start = begin;
        this.#begin();
      },
      restart: () => this.#restart(),
      get resetCause() {
        return device.#cause;
      },
      onUncaught: (record) => {
        this.#lastWords = record;
      },
    };
  }
}
