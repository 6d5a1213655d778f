/*
 * Finds sensors: by the names in the setting `sensor`, or by asking at every address where a known chip can be.
 * Likeliest addresses first, a chip's own before its jumpers. A bus without pull-ups makes each ask wait for the
 * port's time limit, so the list is short and nothing is probed on every sample: see sampler.ts.
 */
import { busOf, clearBus } from "./bus-clear.js";
import { drivers, type Identity, type OpenOptions, type SensorDriver } from "./drivers.js";
import { asError, hex, SensorError } from "./fault.js";
import type { Sensor, SensorPort } from "./io.js";

/** A sensor that is open, and what its owner must know of it. */
export interface OpenSensor {
  readonly sensor: Sensor;
  readonly address: number;
  readonly driver: Pick<SensorDriver, "name" | "conversionMs" | "measures">;
}

/** Where a sampler gets its sensors from. */
export interface SensorSource {
  /** The sensors that are wanted, one of each, the preferred first; empty: all that answer. */
  readonly names: readonly string[];
  /**
   * Opens the one called `name`, at `address` if that is given, never at one that is `taken`: those are open.
   * @throws RangeError for an unknown name; SensorError (notFound, noAnswer, wrongChip, busStuck…), nothing open
   */
  open(name: string, taken: readonly number[], address?: number): OpenSensor;
  /**
   * Opens all that answer, the preferred first; perhaps none where some are open.
   * @throws SensorError where none is open then; nothing open
   */
  openAll(taken: readonly number[]): readonly OpenSensor[];
}

/** What is at an address: `name` undefined if it is no chip that we know. */
export interface Found {
  readonly address: number;
  readonly name: string | undefined;
  /** Why it is not known; empty if it is. */
  readonly detail: string;
}

const AUTO = "auto";
const NO_NAMES: readonly string[] = Object.freeze([]);

/** The names that the setting `sensor` takes. `more`: the board's drivers. */
export function sensorNames(more: readonly SensorDriver[] = []): readonly string[] {
  return [AUTO, ...table(more).map((driver) => driver.name)];
}

/** What is wrong with a value of the setting `sensor`, after "got …, "; undefined: nothing. */
export function sensorFlaw(setting: string, more: readonly SensorDriver[] = []): string | undefined {
  const names = setting.split(",");
  const known = sensorNames(more);
  const isKnown = (name: string): boolean => known.some((one) => isSameName(one, name));
  if (!names.every(isKnown)) return `expected ${known.join(", ")}: the board has no other driver`;
  if (names.length > 1 && names.some((name) => isSameName(name, AUTO))) return "expected auto alone, or names alone";
  const twice = names.find((name, at) => names.findIndex((other) => isSameName(other, name)) < at);
  return twice === undefined ? undefined : `expected ${twice} once: one sensor of each name is read`;
}

/** Where the only sensor was when it was last looked for. */
export interface KnownSensor {
  /** The driver's place in the table: the board's first. */
  readonly driver: number;
  readonly address: number;
}

/** How a bus is looked through. */
export interface SearchOptions extends OpenOptions {
  /** The board's drivers, asked before those of `drivers`. */
  readonly more?: readonly SensorDriver[];
  /** Asked first, and if it answers, alone. */
  readonly known?: KnownSensor | undefined;
}

/** The sensors on a board's bus. Holds none itself. */
export class SensorBus implements SensorSource {
  readonly names: readonly string[];
  private readonly port: SensorPort;
  private readonly table: readonly SensorDriver[];
  private readonly options: OpenOptions;
  private known: KnownSensor | undefined;

  /**
   * @param setting "auto", or names of drivers with commas between them, in any case
   */
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
    let fault: Error | undefined; // of a stranger: it says more than silence does
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

  /** The sensor that is known, the first time. */
  private openKnown(): OpenSensor | undefined {
    const { known } = this;
    this.known = undefined;
    if (known === undefined) return undefined;
    const driver: SensorDriver | undefined = this.table[known.driver];
    if (driver === undefined) return undefined;
    try {
      return open(driver, this.port, known.address, this.options);
    } catch {
      return undefined; // it is looked for, and what is wrong with it is said
    }
  }

  /** Opens what answers and adds it to `found`. @returns the first fault that is more than silence */
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
 * What answers at the addresses of known chips, for the prompt. Slow: as a search that finds nothing.
 * @param inUse the sensors that are open: their addresses are taken and not asked again
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

/** The board's first: who added a driver knows what is there, also where another chip can have the same address. */
function table(more: readonly SensorDriver[]): readonly SensorDriver[] {
  return more.length === 0 ? drivers : more.concat(drivers);
}

/** Where a chip of a driver can be. */
interface Spot {
  readonly driver: SensorDriver;
  readonly address: number;
}

/** Every place to look, in order: each driver's first address, then each driver's second, and so on; at one address, who is sure of its chip first. */
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
    // The pins are taken: another driver of the board shares the bus and keeps it open. Then it is not ours to clear.
  }
}

/** `TMP117 at 0x48 0x49, SHT3x at 0x44`. */
function placesOf(candidates: readonly SensorDriver[]): string {
  return candidates.map(({ name, addresses }) => `${name} at ${addresses.map((at) => hex(at)).join(" ")}`).join(", ");
}
