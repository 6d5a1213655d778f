/*
 * What a board supplies to the thermometer: io classes, partitions, pins, time. Types only, no byte code. Only the board knows
 * whether its hardware is the SDK's, Node's or simulated. Source: ECMA-419, 2nd edition, for the shapes of the io classes.
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

/** The running firmware, as a board sees it. */
export interface Firmware {
  /** Readings in flash that the broker has not acknowledged. */
  readonly unsettled: number;
  /** Shows a line above the prompt. */
  print(text: string): void;
  stopSampling(): void;
  /** The wall clock was set by something other than `Board.setUtc`. Readings that are not sent yet get their time from it. */
  clockChanged(): void;
  /** Disconnects from the broker (DISCONNECT, or the retained "offline"), then calls `whenDone`. */
  stop(whenDone: () => void): void;
  /** Stops at once, as a power cut does: nothing is sent, nothing is written. */
  close(): void;
}

/** How an entry in flash ended. "dropped": removed by `queue drop`. */
export type Outcome = "delivered" | "deadLetter" | "dropped";

/** Observes a run from outside: the desktop's command line, tests. Every method is optional and must not throw. */
export interface Observer {
  /**
   * A sample was taken. The object is reused for the next one: copy what you keep. `sequence`: its number in the outbox (the
   * last one, if each channel is an entry); -1 if the outbox refused it; undefined at QoS 0.
   */
  reading?(sample: Sample, sequence: number | undefined): void;
  /** The entry has left the queue. */
  settled?(sequence: number, outcome: Outcome): void;
  /** Flash was full: entries from number `first` up to, but without, `end` were removed unsent. */
  evicted?(first: number, end: number): void;
  /** The thermometer has booted. */
  started?(firmware: Firmware): void;
}

/** A board: classes, partitions, pins, and its default settings. */
export interface Board {
  /** As in `boards/<name>`; shown by `version` and `status`. */
  readonly name: string;
  /** The network interface's MAC address: 12 lower-case hexadecimal digits. The device's ids are made from it. */
  readonly mac: string;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  /** Sets the wall clock; milliseconds since 1970. */
  setUtc(utcMs: number): void;

  /** Opens the outbox's partition. */
  openFlash(): Flash;
  /** The smallest number of bytes that flash programs at once; 16 where a unit must not be programmed twice. */
  readonly flashWriteUnit?: 1 | 16;
  /** Opens the settings' key-value domain. */
  openSettings(): KeyValueStore;
  /**
   * Opens the flash in which the settings are stored, so that a factory reset can erase it: deleted values may still be
   * readable there. The store is closed by then and is not opened again before the reboot. Absent where the board does not
   * offer it.
   */
  openSettingsFlash?(): Flash;

  /** The I2C port: io class and pins. */
  readonly sensor: SensorPort;
  /** Drivers for this board's sensors, in addition to those in src/sensor. */
  readonly drivers?: readonly SensorDriver[];
  readonly tcp: { readonly io: TCPConstructor };
  /** TCP under TLS. Its class has one more option, `demand`, a `TLSDemand`. Absent where the board has no TLS. */
  readonly tls?: {
    readonly io: TCPConstructor;
    /** The class knows the public certificate authorities. */
    readonly hasPublicCAs: boolean;
    /** Further options for the constructor. */
    readonly [option: string]: unknown;
  };
  /** The bytes of `mqtt.ca`, `mqtt.cert` and `mqtt.key`, where `defaults` or `overrides` contain a reference to them (referenceTo). */
  readonly credentials?: Pick<TLSDemand, "ca" | "certificate" | "key">;
  /** Resolves host names; present where `tcp.io` accepts addresses only. */
  readonly dns?: { readonly io: ResolverConstructor };
  /** Absent where the network is always up. */
  readonly wifi?: { readonly io: WiFiConstructor };
  readonly ntp?: NTPPort;
  /** Deep sleep; absent where the board has none. */
  readonly sleep?: SleepPort;
  /** Measures the battery's voltage; absent where the board has no voltage divider. */
  readonly battery?: BatteryPort;
  /** The slots for firmware images; absent where the firmware cannot be replaced while it runs. */
  readonly update?: UpdatePort;
  /** The firmware's version, where a simulated image supplies it; absent: the one in src/version.ts. */
  readonly version?: string;
  /** The serial port of the prompt; absent in a run without a prompt. */
  readonly serial?: Serial;

  /** Settings given at build time; saved values take precedence. Texts, as typed at the prompt. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Settings given on the command line, for this run only; they take precedence over saved values. Texts. */
  readonly overrides?: Readonly<Record<string, string>>;

  /** Starts the firmware, now and after each `restart()`. */
  boot(start: () => Firmware): void;
  /** Resets the chip, as the reset button does. `reason` is for the log. */
  restart(reason: string): void;
  /** Why the last run ended; absent: "unknown". The boot guard does not count a reset by power loss as a crash. */
  readonly resetCause?: ResetCause;
  /** Calls `record` with one line when an uncaught exception ends the machine, as its last action. */
  onUncaught?(record: (line: string) => void): void;
  /** Prints a line on a console without a prompt (trace, standard error). */
  trace?(line: string): void;
  /** Heap in use, in bytes; absent where the engine does not report it. */
  heap?(): { readonly usedBytes: number };
  readonly observer?: Observer;
}
