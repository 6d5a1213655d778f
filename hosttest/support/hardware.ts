/*
 * Simulated hardware on virtual time, on which the unchanged firmware runs: flash, the flash of the settings, an I2C bus with its
 * parts, Wi-Fi and a time server. The devices of the tests (device-board.ts) and of the simulation (simulation/device/device.ts) are built on it.
 * A life is the time from one reset to the next. A life has no effect on the next one: its timers do not fire, its
 * sockets are silent, and effects of the callback in which it ended are discarded.
 */
import { NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { I2CBus, type I2CPart } from "../../boards/parts/i2c/i2c-bus.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { NTPServer } from "../../boards/parts/ntp.js";
import { type AccessPoint, WiFiLink } from "../../boards/parts/wifi-link.js";
import type { Board } from "../../src/board.js";
import type { TCPConstructor } from "../../src/mqtt/wire/io.js";
import type { Network } from "../simulation/network.js";
import { openedFlash } from "./opened-flash.js";
import type { VirtualTime } from "./virtual-time.js";

const SETTINGS_BLOCKS = 4;

/** The time from one reset to the next. */
export interface Life {
  readonly isOn: boolean;
  readonly bootedMs: number;
}

interface OwnLife extends Life {
  isOn: boolean;
  /** The wall clock, as an offset from virtual time; undefined: not set in this life. */
  utcOffsetMs: number | undefined;
}

export interface HardwareOptions {
  readonly time: VirtualTime;
  readonly network: Network;
  /** Uniform in [0, 1): the firmware's random numbers. */
  readonly random: () => number;
  /** Uniform in [0, 1): the bits of a program or erase that is cut. Default: as NorFlash has it. */
  readonly bits?: () => number;
  /** Options of the outbox's flash. */
  readonly blocks: number;
  readonly accessPoint: AccessPoint;
  /** The sensors, by address. */
  readonly parts: Readonly<Record<number, I2CPart>>;
  /** True time, milliseconds since 1970. */
  utcMs(): number;
  /** Delay of the time server's answer. */
  readonly ntpLatencyMs?: number;
  /** Wraps an opening of flash, to count its calls. Default: none. */
  counted?(flash: Opening): Opening;
  /** Called when an operation on flash fails because the power is cut. */
  onCut(): void;
  /** An exception left a callback of the firmware, not because of a power cut: it would reset a real device. */
  onCrash(error: unknown): void;
}

type Opening = ReturnType<typeof openedFlash>;
type Common = "timers" | "clock" | "random" | "setUtc" | "openFlash" | "openSettings" | "openSettingsFlash" | "sensor";

export class Hardware {
  readonly flash: NorFlash;
  readonly settingsFlash: NorFlash;
  readonly wifi: WiFiLink;
  readonly ntp: NTPServer;
  /** Of this life. */
  bus = new I2CBus();
  /** Timers set for at most so long never fire, in this life. A delay may be negative. */
  lostTimersMs = Number.NEGATIVE_INFINITY;
  readonly #options: HardwareOptions;
  readonly #unplugged = new Set<number>();
  #life: OwnLife | undefined;

  constructor(options: HardwareOptions) {
    const { time, blocks, bits, accessPoint, utcMs, ntpLatencyMs: latencyMs } = options;
    const { timers } = time;
    this.#options = options;
    this.flash = new NorFlash({ blocks, random: bits });
    this.settingsFlash = new NorFlash({ blocks: SETTINGS_BLOCKS, random: bits });
    this.wifi = new WiFiLink({ timers, accessPoints: [accessPoint] });
    this.ntp = new NTPServer({ timers, utcMs, latencyMs });
  }

  /** True from a reset to the end of that life. */
  get isOn(): boolean {
    return this.#life?.isOn === true;
  }

  /** Power, or a reset: a new life begins. */
  start(): Life {
    this.flash.powerOn();
    this.settingsFlash.powerOn(); // nothing of the last life is mounted any more, however it ended
    this.lostTimersMs = Number.NEGATIVE_INFINITY;
    this.#life = { isOn: true, bootedMs: this.#options.time.nowMs, utcOffsetMs: undefined };
    this.bus = new I2CBus(); // objects that the last life had open are closed
    for (const [address, part] of Object.entries(this.#options.parts)) {
      this.bus.attach(Number(address), part);
      part.powerOn?.();
    }
    for (const address of this.#unplugged) this.bus.unplug(address);
    return this.#life;
  }

  /** Ends the life; flash keeps its power. */
  end(): void {
    if (this.#life !== undefined) this.#life.isOn = false;
    this.wifi.powerCycle();
  }

  /** Cuts the power: nothing more is written. */
  powerOff(): void {
    this.flash.powerOff();
    this.settingsFlash.powerOff();
    this.end();
  }

  unplug(address: number): void {
    this.#unplugged.add(address);
    this.bus.unplug(address);
  }

  plug(address: number): void {
    this.#unplugged.delete(address);
    this.bus.plug(address);
  }

  /** Runs firmware code of a life; does nothing after its end. */
  run(life: Life, code: () => void): void {
    if (!life.isOn) return;
    try {
      code();
    } catch (error) {
      if (!(error instanceof PowerCut) && life.isOn) this.#options.onCrash(error);
    }
  }

  /** Sockets of a life, which work while Wi-Fi is joined. */
  tcp(life: Life): TCPConstructor {
    return this.#options.network.socketClass(
      () => life.isOn,
      () => this.wifi.connected,
    );
  }

  /** The common parts of all boards with this hardware, for the running life. @throws Error if none runs */
  board(): Pick<Board, Common> {
    const life = this.#life;
    if (life === undefined) throw new Error("no power");
    const { time, random, onCut, counted = (flash) => flash } = this.#options;
    const openSettingsFlash = (): Opening => counted(openedFlash(this.settingsFlash, onCut));
    const uptimeMs = (): number => time.nowMs - life.bootedMs;
    const { SMBus: io, Digital: digital, data, clock } = this.bus;
    return {
      timers: {
        set: (callback, delayMs) => {
          const isLost = delayMs <= this.lostTimersMs;
          return time.timers.set(isLost ? () => {} : () => this.run(life, callback), delayMs);
        },
        clear: time.timers.clear,
      },
      clock: {
        uptimeMs,
        utcMs: () => (life.utcOffsetMs === undefined ? undefined : time.nowMs + life.utcOffsetMs),
      },
      random,
      setUtc: (utcMs) => {
        life.utcOffsetMs = utcMs - time.nowMs;
      },
      openFlash: () => counted(openedFlash(this.flash, onCut)),
      openSettings: () => new KeyValueOnFlash(openSettingsFlash()),
      openSettingsFlash,
      sensor: { io, digital, data, clock },
    };
  }
}
