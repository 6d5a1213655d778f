/*
 * The hardware for the sensor folder: an SMBus class, optionally a Digital class, and the interface of a driver. Types, and the
 * function that converts a board's port to a driver's `sensor` options. ECMA-419's SMBus extends I2C, as the SDK's does, so one
 * class serves drivers with registers and without.
 * Source: ECMA-419 §10.4 (I2C), §10.5 (SMBus), §10.2 (Digital), §14 (Sensor Class Pattern); SDK `modules/io/i2c`.
 */

/** Time limit of a call when the bus has no pull-ups, in milliseconds. The SDK's own default is far longer. */
export const BUS_TIMEOUT_MS = 50;
/** Standard mode: all chips support it, and it works over long wires. */
export const BUS_HZ = 100_000;

/** A GPIO number, or a name where the board has names. */
export type Pin = number | string;

/** One chip's address on the bus. Every method throws when the chip does not acknowledge. */
export interface SMBus {
  /** Fills `buffer`, or returns `count` bytes in a new one. */
  read(buffer: Uint8Array): unknown;
  write(buffer: Uint8Array): void;
  readUint8(register: number): number;
  writeUint8(register: number, value: number): void;
  readUint16(register: number, bigEndian?: boolean): number;
  writeUint16(register: number, value: number, bigEndian?: boolean): void;
  close(): void;
}

/** Options of an I2C or SMBus class. */
export interface BusOptions {
  readonly data: Pin;
  readonly clock: Pin;
  readonly address: number;
  readonly hz: number;
  /** The processor's I2C unit; absent: any. */
  readonly port?: number;
  /** Longest wait of one call, in milliseconds. An extension of the SDK's; others ignore it. */
  readonly timeout?: number;
  /** The processor's own pull-ups; on unless false. An extension of the SDK's. */
  readonly pullup?: boolean;
}

/** The class of an SMBus (ECMA-419 §10.5). */
export type SMBusConstructor = new (options: BusOptions) => SMBus;

/** One pin. */
export interface Digital {
  read(): number;
  write(value: 0 | 1): void;
  close(): void;
}

/** The class of a digital pin (ECMA-419 §10.2), used to free a bus. */
export interface DigitalConstructor {
  readonly InputPullUp: number;
  readonly OutputOpenDrain: number;
  new (options: { readonly pin: Pin; readonly mode: number; readonly initialValue?: 0 | 1 }): Digital;
}

/** The sensor's port, as a board supplies it. */
export interface SensorPort {
  readonly io: SMBusConstructor;
  readonly data: Pin;
  readonly clock: Pin;
  readonly hz?: number;
  readonly port?: number;
  readonly timeout?: number;
  readonly pullup?: boolean;
  /** Used to free a bus whose data line a chip holds low; without it such a bus needs a power cycle. */
  readonly digital?: DigitalConstructor;
}

/** The `sensor` option of a driver: the io class and its constructor's options. Drivers have defaults for the rest. */
export interface SensorIO extends Omit<BusOptions, "address" | "hz"> {
  readonly io: SMBusConstructor;
  readonly address?: number;
  readonly hz?: number;
}

/** Options of a driver's constructor. */
export interface SensorOptions {
  readonly sensor: SensorIO;
  /**
   * Receives faults of `sample()`, which then returns undefined. Without it `sample()` throws. The constructor and `configure`
   * always throw.
   */
  readonly onError?: (error: Error) => void;
}

/** An open driver. */
export interface Sensor {
  /** Milliseconds between two calls, if it depends on the driver's configuration. */
  readonly conversionMs?: number;
  configure(options: object): void;
  /**
   * Starts a conversion, or returns a finished one: values as measure.ts finds them, in an object that may be reused by the
   * next call. Undefined: not ready yet, call again.
   */
  sample(): object | undefined;
  /** Releases the bus. May be called again. */
  close(): void;
}

/** Options for the io class's constructor, for the chip at `address`. */
export function busOptions(port: SensorPort, address: number): BusOptions {
  // An absent key must stay absent: the SDK reads a present `port: undefined` as port 0.
  const { digital: _digital, io: _io, hz = BUS_HZ, timeout = BUS_TIMEOUT_MS, ...bus } = port;
  return { ...bus, hz, timeout, address };
}

/** The `sensor` option of a driver, for the chip at `address`. */
export function sensorIO(port: SensorPort, address: number): SensorIO {
  const { digital: _digital, hz = BUS_HZ, timeout = BUS_TIMEOUT_MS, ...bus } = port; // as above, but with `io`
  return { ...bus, hz, timeout, address };
}
