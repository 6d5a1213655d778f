/*
 * Finds the sensor: by the name in the setting `sensor`, or by asking at every address where a known chip can be.
 * Likeliest addresses first, a chip's own before its jumpers. A bus without pull-ups makes each ask wait for the
 * port's time limit, so the list is short and nobody probes on every reading: see sampler.ts.
 */
import { busOf, clearBus } from "./bus-clear.js";
import { drivers, type OpenOptions, type SensorDriver } from "./drivers.js";
import { asError, hex, SensorError } from "./fault.js";
import type { SensorPort, TemperatureSensor } from "./io.js";

/** A sensor that is open, and what its owner must know of it. */
export interface OpenSensor {
  readonly sensor: TemperatureSensor;
  readonly name: string;
  readonly address: number;
  readonly decimals: number;
  /** Milliseconds between two asks. */
  readonly conversionMs: number;
  /** °C: a temperature outside is no temperature. */
  readonly lowest: number;
  readonly highest: number;
}

/** What is at an address: `name` undefined if it is no chip that we know. */
export interface Found {
  readonly address: number;
  readonly name: string | undefined;
  /** Why it is not known; empty if it is. */
  readonly detail: string;
}

/** The values of the setting `sensor`. `more`: the board's drivers. */
export function sensorNames(more: readonly SensorDriver[] = []): readonly string[] {
  return ["auto", ...table(more).map((driver) => driver.name)];
}

/**
 * Opens the sensor called `name`, or with "auto" the first known chip on the bus. Names match in any case.
 * @param more the board's drivers, asked before those of `drivers`
 * @throws RangeError for an unknown name; SensorError (notFound, noAnswer, wrongChip, busStuck…), nothing open
 */
export function openSensor(
  port: SensorPort,
  name = "auto",
  { more = [], ...options }: OpenOptions & { readonly more?: readonly SensorDriver[] } = {},
): OpenSensor {
  const candidates = named(name, table(more));
  freeBus(port);
  let wrong: Error | undefined; // more telling than "no answer": something is there
  for (const [driver, address] of places(candidates)) {
    try {
      return open(driver, port, address, options);
    } catch (error) {
      if (!isSilence(error)) wrong ??= asError(error);
    }
  }
  throw wrong ?? notFound(port, candidates);
}

/**
 * What answers at the addresses of known chips, for the prompt. Slow: as `openSensor` that finds nothing.
 * @param inUse the sensor that is open: its address is taken and not asked again
 */
export function listSensors(
  port: SensorPort,
  more: readonly SensorDriver[] = [],
  inUse?: { readonly name: string; readonly address: number },
): readonly Found[] {
  const found = new Map<number, Found>();
  if (inUse !== undefined) found.set(inUse.address, { address: inUse.address, name: inUse.name, detail: "" });
  else freeBus(port);
  for (const [driver, address] of places(table(more))) {
    if (found.get(address)?.name !== undefined) continue;
    try {
      open(driver, port, address, {}).sensor.close();
      found.set(address, { address, name: driver.name, detail: "" });
    } catch (error) {
      if (!isSilence(error)) found.set(address, { address, name: undefined, detail: asError(error).message });
    }
  }
  return [...found.values()].sort((a, b) => a.address - b.address);
}

function open(driver: SensorDriver, port: SensorPort, address: number, options: OpenOptions): OpenSensor {
  return new Opened(driver, address, driver.open(port, address, options));
}

/** What the driver's row says stays in that row. */
class Opened implements OpenSensor {
  readonly sensor: TemperatureSensor;
  readonly address: number;
  private readonly driver: SensorDriver;

  constructor(driver: SensorDriver, address: number, sensor: TemperatureSensor) {
    this.driver = driver;
    this.address = address;
    this.sensor = sensor;
  }

  get name(): string {
    return this.driver.name;
  }

  get decimals(): number {
    return this.driver.decimals;
  }

  get conversionMs(): number {
    return this.sensor.conversionMs ?? this.driver.conversionMs;
  }

  get lowest(): number {
    return this.driver.lowest;
  }

  get highest(): number {
    return this.driver.highest;
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof SensorError && error.kind === "noAnswer";
}

/** The board's first: who added a driver knows what is there, also where another chip can have the same address. */
function table(more: readonly SensorDriver[]): readonly SensorDriver[] {
  return [...more, ...drivers];
}

function named(name: string, all: readonly SensorDriver[]): readonly SensorDriver[] {
  const wanted = name.toLowerCase();
  if (wanted === "auto") return all;
  const candidates = all.filter((driver) => driver.name.toLowerCase() === wanted);
  if (candidates.length > 0) return candidates;
  throw new RangeError(`sensor "${name}": expected auto, ${all.map((driver) => driver.name).join(", ")}`);
}

/** Every place to look, in order: each driver's first address, then each driver's second, and so on. */
function places(candidates: readonly SensorDriver[]): readonly (readonly [SensorDriver, number])[] {
  const found: [SensorDriver, number][] = [];
  const most = Math.max(...candidates.map((driver) => driver.addresses.length));
  for (let at = 0; at < most; at++) {
    for (const driver of candidates) if (at < driver.addresses.length) found.push([driver, driver.addresses[at]]);
  }
  return found;
}

function freeBus(port: SensorPort): void {
  const digital = port.digital;
  if (digital === undefined) return;
  try {
    clearBus({ ...port, digital });
  } catch (error) {
    if (error instanceof SensorError) throw error;
    // The pins are taken: another driver of the board shares the bus and keeps it open. Then it is not ours to clear.
  }
}

function notFound(port: SensorPort, candidates: readonly SensorDriver[]): SensorError {
  const tried = candidates.map((driver) => `${driver.name} at ${driver.addresses.map((a) => hex(a)).join(" ")}`);
  return new SensorError("notFound", busOf(port), `has no sensor (asked ${tried.join(", ")}): check power and wires`);
}
