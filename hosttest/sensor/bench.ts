/*
 * A bench for sensors: a simulated bus on virtual time, the parts, and the port that a board would give.
 */
import { AHT20Part } from "../../boards/parts/i2c/aht20.js";
import { BME280Part } from "../../boards/parts/i2c/bme280.js";
import { I2CBus } from "../../boards/parts/i2c/i2c-bus.js";
import { SHT3xPart } from "../../boards/parts/i2c/sht3x.js";
import { SHT4xPart } from "../../boards/parts/i2c/sht4x.js";
import { TMP117Part } from "../../boards/parts/i2c/tmp117.js";
import { drivers, type SensorDriver } from "../../src/sensor/drivers.js";
import { hex } from "../../src/sensor/fault.js";
import type { SensorPort } from "../../src/sensor/io.js";
import { type OpenSensor, SensorBus, type SensorSource } from "../../src/sensor/probe.js";
import { VirtualTime } from "../support/virtual-time.js";

export class Bench {
  readonly time = new VirtualTime();
  readonly bus = new I2CBus();

  get port(): SensorPort {
    return { io: this.bus.SMBus, data: this.bus.data, clock: this.bus.clock };
  }

  attachTMP117(options: { celsius?: number; id?: number; address?: number } = {}): TMP117Part {
    const part = new TMP117Part({ uptimeMs: this.time.clock.uptimeMs, ...options });
    this.bus.attach(options.address ?? 0x48, part);
    return part;
  }

  attachSHT3x(options: { celsius?: number; address?: number } = {}): SHT3xPart {
    const part = new SHT3xPart({ uptimeMs: this.time.clock.uptimeMs, ...options });
    this.bus.attach(options.address ?? 0x44, part);
    return part;
  }

  attachSHT4x(options: { celsius?: number; address?: number; serialReads?: number } = {}): SHT4xPart {
    const part = new SHT4xPart({ uptimeMs: this.time.clock.uptimeMs, ...options });
    this.bus.attach(options.address ?? 0x44, part);
    return part;
  }

  attachBME280(options: { celsius?: number; id?: number; address?: number } = {}): BME280Part {
    const part = new BME280Part({ uptimeMs: this.time.clock.uptimeMs, ...options });
    this.bus.attach(options.address ?? 0x76, part);
    return part;
  }

  attachAHT20(options: { celsius?: number; checksum?: "sent" | "none" } = {}): AHT20Part {
    const part = new AHT20Part({ uptimeMs: this.time.clock.uptimeMs, ...options });
    this.bus.attach(0x38, part);
    return part;
  }

  /** Asks until there is a sample, `conversionMs` apart, at most ten times. */
  sample<S extends object>(sensor: { sample(): S | undefined; readonly conversionMs?: number }): S {
    for (let asks = 0; asks < 10; asks++) {
      const sample = sensor.sample();
      if (sample !== undefined) return sample;
      this.time.advance(sensor.conversionMs ?? 16);
    }
    throw new Error("no sample after ten asks");
  }
}

/** The names of drivers as messages list them, so that a new driver changes no other test. */
export const namesOf = (table: readonly SensorDriver[] = drivers): string => table.map(({ name }) => name).join(", ");

/** Where `table` looks, as messages list it: "TMP117 at 0x48 0x49, SHT3x at 0x44". */
export const placesOf = (table: readonly SensorDriver[] = drivers): string =>
  table.map(({ name, addresses }) => `${name} at ${addresses.map((at) => hex(at)).join(" ")}`).join(", ");

/** Number of addresses that one search tries. */
export const PLACES = drivers.reduce((sum, { addresses }) => sum + addresses.length, 0);

/** The sensor that `auto` finds first, or the one called `name`. */
export function openSensor(
  port: SensorPort,
  name = "auto",
  options: ConstructorParameters<typeof SensorBus>[2] = {},
): OpenSensor {
  const bus = new SensorBus(port, name, options);
  if (name !== "auto") return bus.open(name, []);
  const [first, ...others] = bus.openAll([]);
  for (const { sensor } of others) sensor.close();
  return first;
}

/** A source of one sensor. */
export function sourceOf(open: () => OpenSensor, names: readonly string[] = ["stub"]): SensorSource {
  return { names, open, openAll: () => [open()] };
}

/** The exception of `act`. */
export function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("did not throw");
}
