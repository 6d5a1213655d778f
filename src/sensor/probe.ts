/*
 * Finds sensors: by the names in the setting `sensor`, or by trying every address of the known chips, likeliest first. On a bus
 * without pull-ups each attempt waits for the port's timeout, so the list is short, and nothing is probed at each sample: see
 * sampler.ts.
 */
import { busOf, clearBus } from "./bus-clear.js";
import { drivers, type Identity, type OpenOptions, type SensorDriver } from "./drivers.js";
import { asError, hex, SensorError } from "./fault.js";
import type { Sensor, SensorPort } from "./io.js";

/** An open sensor, with its address and driver. */
export interface OpenSensor {
  readonly sensor: Sensor;
  readonly address: number;
  readonly driver: Pick<SensorDriver, "name" | "conversionMs" | "measures">;
}

/** The sampler's source of sensors. */
export interface SensorSource {
  /** The wanted sensors, one of each, the preferred first; empty: all that answer. */
  readonly names: readonly string[];
  /**
   * Opens the sensor `name`, at `address` if given, but at no address in `taken`, where others are open.
   * @throws RangeError for an unknown name; SensorError (notFound, noAnswer, wrongChip, busStuck…); then nothing is open
   */
  open(name: string, taken: readonly number[], address?: number): OpenSensor;
  /**
   * Opens all that answer, the preferred first; may be none if others are open.
   * @throws SensorError if none is open; then nothing is open
   */
  openAll(taken: readonly number[]): readonly OpenSensor[];
}

/** The chip at an address: `name` undefined if it is not a known one. */
export interface Found {
  readonly address: number;
  readonly name: string | undefined;
  /** Why it is not known; empty if it is. */
  readonly detail: string;
}

const AUTO = "auto";
const NO_NAMES: readonly string[] = Object.freeze([]);

/** The names that the setting `sensor` accepts. `more`: the board's drivers. */
export function sensorNames(more: readonly SensorDriver[] = []): readonly string[] {
  return [AUTO, ...table(more).map((driver) => driver.name)];
}

/** The fault of a value of the setting `sensor`, after "got …, "; undefined: none. */
export function sensorFlaw(setting: string, more: readonly SensorDriver[] = []): string | undefined {
  const names = setting.split(",");
  const known = sensorNames(more);
  const isKnown = (name: string): boolean => known.some((one) => isSameName(one, name));
  if (!names.every(isKnown)) return `expected ${known.join(", ")}: the board has no other driver`;
  if (names.length > 1 && names.some((name) => isSameName(name, AUTO))) return "expected auto alone, or names alone";
  const twice = names.find((name, at) => names.findIndex((other) => isSameName(other, name)) < at);
  return twice === undefined ? undefined : `expected ${twice} once: one sensor of each name is read`;
}

/** The address of the only sensor at the last search. */
export interface KnownSensor {
  /** The driver's index in the table, which begins with the board's. */
  readonly driver: number;
  readonly address: number;
}

/** Options of a search. */
export interface SearchOptions extends OpenOptions {
  /** The board's drivers, tried before those of `drivers`. */
  readonly more?: readonly SensorDriver[];
  /** Tried first, and used alone if it answers. */
  readonly known?: KnownSensor | undefined;
}

/** The sensors on a board's bus. Keeps none open itself. */
export class SensorBus implements SensorSource {
  readonly names: readonly string[];
  private readonly port: SensorPort;
  private readonly table: readonly SensorDriver[];
  private readonly options: OpenOptions;
  private known: KnownSensor | undefined;

  /** @param setting "auto", or names of drivers separated by commas, ignoring case */
  constructor(port: SensorPort, setting: string = AUTO, options: SearchOptions = {}) {
    this.port = port;
    this.names = isSameName(setting, AUTO) ? NO_NAMES : setting.split(",");
    this.table = table(options.more ?? []);
    this.options = options;
    this.known = options.known;
  }

  open(name: string, taken: readonly number[], address?: number): OpenSensor {
    const candidates = this.table.filter((driver) => isSameName(driver.name, name));
    if (candidates.length === 0) {
      throw new RangeError(`sensor "${name}": expected ${[AUTO, ...this.table.map((row) => row.name)].join(", ")}`);
    }
    if (taken.length === 0) freeBus(this.port);
    let fault: Error | undefined; // of another chip: more informative than silence
    const asked = places(candidates);
    for (let i = 0; i < asked.length; i++) {
      const at = asked[i].address;
      if (taken.includes(at) || (address ?? at) !== at) continue;
      try {
        return open(asked[i].driver, this.port, at, this.options);
      } catch (error) {
        if (!isSilence(error) || address !== undefined) fault ??= asError(error);
      }
    }
    throw (
      fault ??
      new SensorError(
        "notFound",
        `${placesOf(candidates)} on ${busOf(this.port)}`,
        "does not answer: check power and wires",
      )
    );
  }

  openAll(taken: readonly number[]): readonly OpenSensor[] {
    const only = this.openKnown();
    if (only !== undefined) return [only];
    if (taken.length === 0) freeBus(this.port);
    const found: OpenSensor[] = [];
    const vague = (driver: SensorDriver): boolean => driver.identity === "none";
    let fault = this.collect(
      this.table.filter((driver) => !vague(driver)),
      taken,
      found,
    );
    if (found.length > 0 || taken.length > 0) {
      return found.sort((a, b) => this.preference(a) - this.preference(b));
    }
    fault = this.collect(this.table.filter(vague), taken, found) ?? fault;
    if (found.length > 0) return found;
    if (fault !== undefined) throw fault;
    const what = `has no sensor (asked ${placesOf(this.table)}): check power and wires`;
    throw new SensorError("notFound", busOf(this.port), what);
  }

  /** The known sensor, once. */
  private openKnown(): OpenSensor | undefined {
    const { known } = this;
    this.known = undefined;
    if (known === undefined) return undefined;
    const driver: SensorDriver | undefined = this.table[known.driver];
    if (driver === undefined) return undefined;
    try {
      return open(driver, this.port, known.address, this.options);
    } catch {
      return undefined; // the search that follows reports the fault
    }
  }

  /** Opens all that answer and adds them to `found`. @returns the first fault other than silence */
  private collect(
    candidates: readonly SensorDriver[],
    taken: readonly number[],
    found: OpenSensor[],
  ): Error | undefined {
    let fault: Error | undefined;
    places(candidates).forEach(({ driver, address }) => {
      if (taken.includes(address) || found.some((one) => one.address === address)) return;
      try {
        found.push(open(driver, this.port, address, this.options));
      } catch (error) {
        if (!isSilence(error)) fault ??= asError(error);
      }
    });
    return fault;
  }

  private preference({ driver }: OpenSensor): number {
    return this.table.indexOf(driver as SensorDriver);
  }
}

/**
 * The chips at the addresses of known ones, for the prompt. As slow as a search that finds nothing.
 * @param inUse open sensors, whose addresses are not tried again
 */
export function listSensors(
  port: SensorPort,
  more: readonly SensorDriver[] = [],
  inUse: readonly { readonly name: string; readonly address: number }[] = [],
): readonly Found[] {
  const found = new Map<number, Found>();
  inUse.forEach(({ name, address }) => found.set(address, { address, name, detail: "" }));
  if (inUse.length === 0) freeBus(port);
  places(table(more)).forEach(({ driver, address }) => {
    if (found.get(address)?.name !== undefined) return;
    try {
      open(driver, port, address, {}).sensor.close();
      found.set(address, { address, name: driver.name, detail: "" });
    } catch (error) {
      if (!isSilence(error)) found.set(address, { address, name: undefined, detail: asError(error).message });
    }
  });
  return Array.from(found.values()).sort((a, b) => a.address - b.address);
}

function open(driver: SensorDriver, port: SensorPort, address: number, options: OpenOptions): OpenSensor {
  return { sensor: driver.open(port, address, options), address, driver };
}

function isSilence(error: unknown): boolean {
  return error instanceof SensorError && error.kind === "noAnswer";
}

function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The board's drivers come first: its author knows which chip is there, even if others can have the same address. */
function table(more: readonly SensorDriver[]): readonly SensorDriver[] {
  return more.length === 0 ? drivers : more.concat(drivers);
}

/** A possible address of a driver's chip. */
interface Spot {
  readonly driver: SensorDriver;
  readonly address: number;
}

/**
 * All addresses to try, in order: each driver's first address, then each driver's second, and so on; at one address, drivers
 * that identify their chip come first.
 */
function places(candidates: readonly SensorDriver[]): readonly Spot[] {
  const of = (wanted: Identity): SensorDriver[] => candidates.filter(({ identity = "sure" }) => identity === wanted);
  const inOrder = of("sure").concat(of("late"), of("none"));
  const found: Spot[] = [];
  for (let at = 0, isMore = true; isMore; at++) {
    isMore = false;
    inOrder.forEach((driver) => {
      if (at >= driver.addresses.length) return;
      found.push({ driver, address: driver.addresses[at] });
      isMore = true;
    });
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
    // The pins are in use: another driver of the board shares the bus and keeps it open, so it must not be cleared.
  }
}

/** `TMP117 at 0x48 0x49, SHT3x at 0x44`. */
function placesOf(candidates: readonly SensorDriver[]): string {
  return candidates.map(({ name, addresses }) => `${name} at ${addresses.map((at) => hex(at)).join(" ")}`).join(", ");
}
