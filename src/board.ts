/*
 * What a board gives to the thermometer: io classes, partitions, pins, time. Types only, no byte code.
 * A board hides where the hardware comes from (the SDK, Node, a simulation); the thermometer never asks.
 * Source: ECMA-419, 2nd edition, for the shapes of the io classes.
 */
import type { Sample } from "./channels/sample.js";
import type { Timers } from "./common/timers.js";
import type { Serial } from "./console/port/serial.js";
import type { ResetCause } from "./health/boot-guard.js";
import type { ResolverConstructor, TCPConstructor } from "./mqtt/wire/io.js";
import type { NTPPort, WiFiConstructor } from "./network/io.js";
import type { Flash } from "./outbox/flash/flash.js";
import type { BatteryPort } from "./power/battery.js";
import type { SleepPort } from "./power/io.js";
import type { SensorDriver } from "./sensor/drivers.js";
import type { SensorPort } from "./sensor/io.js";
import type { KeyValueStore } from "./settings/store.js";
import type { TLSDemand } from "./tls/io.js";
import type { UpdatePort } from "./update/io.js";

export type { TimerId, Timers } from "./common/timers.js";
export type { ResetCause } from "./health/boot-guard.js";

/** The board's clock. */
export interface Clock {
  /** Milliseconds since boot: never jumps, never wraps. */
  uptimeMs(): number;
  /** Milliseconds since 1970-01-01T00:00Z; undefined until the clock is set. */
  utcMs(): number | undefined;
}

/** The firmware at work, as a board sees it. */
export interface Firmware {
  /** Readings in flash that the broker has not acknowledged. */
  readonly unsettled: number;
  /** Shows a line above the prompt. */
  print(text: string): void;
  stopSampling(): void;
  /** The wall clock was set, and not by `Board.setUtc`: readings that were not sent yet are dated by what it says now. */
  clockChanged(): void;
  /** Leaves the broker politely, then `whenDone`. */
  stop(whenDone: () => void): void;
  /** As a power cut: nothing is sent, nothing is written. */
  close(): void;
}

/** What became of a reading in flash. "thrownAway": by `queue drop`. */
export type Outcome = "delivered" | "deadLetter" | "thrownAway";

/** Who watches a run from outside: the desktop's command line, tests. Every method is optional and must not throw. */
export interface Observer {
  /**
   * A sample was taken: filled anew for the next one. `sequence`: its number in the outbox (the last of them, if each channel is an
   * entry); -1 if it was refused; undefined at QoS 0.
   */
  reading?(sample: Sample, sequence: number | undefined): void;
  /** It does not wait any more. */
  settled?(sequence: number, outcome: Outcome): void;
  /** Flash was full: readings from number `first` to before `end` that still waited are gone. */
  evicted?(first: number, end: number): void;
  /** The thermometer has booted. */
  started?(firmware: Firmware): void;
}

/** A board: classes, partitions, pins, and its defaults. */
export interface Board {
  /** As in `boards/<name>`; shown by `version` and `status`. */
  readonly name: string;
  /** The network interface's address: 12 lower-case hexadecimal digits. Ids are made from it. */
  readonly mac: string;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  /** Sets the wall clock; milliseconds since 1970. */
  setUtc(utcMs: number): void;

  /** Opens the outbox's partition. */
  openFlash(): Flash;
  /** Smallest number of bytes that flash programs at once; 16 where a unit must not be programmed twice. */
  readonly flashWriteUnit?: 1 | 16;
  /** Opens the settings' key-value domain. */
  openSettings(): KeyValueStore;
  /**
   * Opens the flash that the settings' store lies on, for a factory reset to erase: deleted values may be read there still.
   * The store is closed by then, and nothing of this life opens it again. Absent where the board does not offer it.
   */
  openSettingsFlash?(): Flash;

  /** The I2C port: io class and pins. */
  readonly sensor: SensorPort;
  /** Drivers that this board has beyond those in src/sensor. */
  readonly drivers?: readonly SensorDriver[];
  readonly tcp: { readonly io: TCPConstructor };
  /** TCP under TLS; its class takes one option more, `demand`, a `TLSDemand`. Absent where the board has none. */
  readonly tls?: {
    readonly io: TCPConstructor;
    /** It knows the public CAs. */
    readonly hasPublicCAs: boolean;
    /** What else its constructor is to be given. */
    readonly [option: string]: unknown;
  };
  /** The bytes of `mqtt.ca`, `mqtt.cert`, `mqtt.key` where `defaults` or `overrides` have their texts (referenceTo). */
  readonly credentials?: Pick<TLSDemand, "ca" | "certificate" | "key">;
  /** Where `tcp.io` takes addresses only. */
  readonly dns?: { readonly io: ResolverConstructor };
  /** Absent where the network is always there. */
  readonly wifi?: { readonly io: WiFiConstructor };
  readonly ntp?: NTPPort;
  /** Deep sleep; absent where the board has none. */
  readonly sleep?: SleepPort;
  /** What measures the cells; absent where the board has no divider. */
  readonly battery?: BatteryPort;
  /** Slots for firmware images; absent where the firmware cannot be replaced while it runs. */
  readonly update?: UpdatePort;
  /** Of the firmware, where that is a simulated image's; absent: src/version.ts has it. */
  readonly version?: string;
  /** The prompt's port; absent in a headless run. */
  readonly serial?: Serial;

  /** Settings given at build time: below what was saved. Texts, as typed at the prompt. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Settings given on the command line: above what was saved, for this run only. */
  readonly overrides?: Readonly<Record<string, string>>;

  /** Starts the firmware, now and again after each `restart()`. */
  boot(start: () => Firmware): void;
  /** As pressing reset. `reason` is for the log. */
  restart(reason: string): void;
  /** How the life before this one ended; absent: "unknown". Boots that only lost their power are not held against the firmware. */
  readonly resetCause?: ResetCause;
  /** From now on `record` is given one line when an exception ends the machine, as the machine's last act. */
  onUncaught?(record: (line: string) => void): void;
  /** Prints a line on a console without a prompt (trace, standard error). */
  trace?(line: string): void;
  /** What the heap has in use, in bytes; absent where the engine does not report it. */
  heap?(): { readonly usedBytes: number };
  readonly observer?: Observer;
}
