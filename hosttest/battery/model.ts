/*
 * The model: how long a pack of cells lasts. Pure arithmetic, from figures to hours.
 * An hour of the device is three phases: asleep, awake for samples, awake for reports (which come on top of a sample). What
 * they take from the 3.3 V rail becomes a current at the cells, by the converter between the two and the cells' voltage, and that current
 * discharges the cells along their curve until they can no longer supply the rail while the radio transmits.
 */
export const RAIL_VOLTS = 3.3;
const HOUR_S = 3600;
export const YEAR_H = 8766;

/** The efficiency of a switched converter, 0 to 1; "linear": the cells supply the same current as the rail needs. */
export type Converter = number | "linear";

/** The converter between the cells and the rail. */
export interface Supply {
  readonly asleep: Converter;
  readonly awake: Converter;
  readonly radio: Converter;
  /** Volts of the whole pack, under load, below which the rail falls. */
  readonly minVolts: number;
}

export interface Pack {
  readonly count: number; // in series
  readonly capacityMah: number;
  /** As in `Cell.curve`. */
  readonly curve: readonly (readonly [volts: number, delivered: number])[];
  readonly ohms: number; // of a cell
  readonly selfDischarge: number; // of the capacity, in a year
}

/** Currents at the rail, times of one wake. */
export interface Load {
  readonly intervalS: number;
  readonly reportS: number;
  readonly asleepUa: number;
  readonly awakeMa: number;
  readonly radioMa: number;
  readonly peakMa: number;
  /** Time from the timer's end until it sleeps again, without a report. */
  readonly wakeMs: number;
  /** Additional charge of a report. */
  readonly reportMs: number;
}

export const PHASES = ["asleep", "samples", "reports", "self-discharge"] as const;
export type Phase = (typeof PHASES)[number];

export interface Life {
  readonly hours: number;
  /** Shares of the charge that the cells supplied, by phase; their sum is 1. */
  readonly shares: Readonly<Record<Phase, number>>;
  /** Volts of a resting cell at the end. */
  readonly emptyVolts: number;
  /** The part of the capacity that was used by then, 0 to 1. */
  readonly used: number;
  /** µA at the rail, on average. */
  readonly meanUa: number;
}

/** The cells cannot run the load at all. */
export class Unable extends Error {}

/** mAs that a phase takes from the rail in an hour. */
function chargeAnHour(load: Load): Record<"asleep" | "samples" | "reports", number> {
  const { intervalS, reportS, wakeMs, reportMs } = load;
  const awakeS = ((HOUR_S / intervalS) * wakeMs + (HOUR_S / reportS) * reportMs) / 1000;
  if (awakeS > HOUR_S) throw new Unable("it would be awake all the time: a longer interval, or fewer reports");
  return {
    asleep: ((HOUR_S - awakeS) * load.asleepUa) / 1000,
    samples: ((HOUR_S / intervalS) * wakeMs * load.awakeMa) / 1000,
    reports: ((HOUR_S / reportS) * reportMs * load.radioMa) / 1000,
  };
}

/** Current at the cells for `current` at the rail, at `packVolts`; the unit is the caller's. */
function atCells(current: number, converter: Converter, packVolts: number): number {
  return converter === "linear" ? current : (current * RAIL_VOLTS) / (packVolts * converter);
}

/** Volts of a resting cell at which the pack has only just the voltage that the supply needs while the radio transmits. */
export function emptyVolts(pack: Pack, supply: Supply, peakMa: number): number {
  const sag = (atCells(peakMa, supply.radio, supply.minVolts) / 1000) * pack.ohms;
  return supply.minVolts / pack.count + sag;
}

/** @throws Unable if the pack cannot run the load at all */
export function lifeOf(load: Load, pack: Pack, supply: Supply): Life {
  const rail = chargeAnHour(load);
  const end = emptyVolts(pack, supply, load.peakMa);
  const fresh = pack.curve[0][0];
  if (end >= fresh)
    throw new Unable(
      `a cell would have to keep ${end.toFixed(2)} V while the radio transmits, and has ${fresh.toFixed(2)} V when it is fresh`,
    );
  const lossMa = (pack.capacityMah * pack.selfDischarge) / YEAR_H;
  const given: Record<Phase, number> = { asleep: 0, samples: 0, reports: 0, "self-discharge": 0 };
  let hours = 0;
  let used = 0;
  for (const [volts, part] of steps(pack.curve, end)) {
    const packVolts = volts * pack.count;
    const ma: Record<Phase, number> = {
      asleep: atCells(rail.asleep, supply.asleep, packVolts) / HOUR_S,
      samples: atCells(rail.samples, supply.awake, packVolts) / HOUR_S,
      reports: atCells(rail.reports, supply.radio, packVolts) / HOUR_S,
      "self-discharge": lossMa,
    };
    const stepHours = (part * pack.capacityMah) / PHASES.reduce((sum, phase) => sum + ma[phase], 0);
    for (const phase of PHASES) given[phase] += ma[phase] * stepHours;
    hours += stepHours;
    used += part;
  }
  const all = PHASES.reduce((sum, phase) => sum + given[phase], 0);
  for (const phase of PHASES) given[phase] /= all;
  const meanUa = ((rail.asleep + rail.samples + rail.reports) / HOUR_S) * 1000;
  return { hours, shares: given, emptyVolts: end, used, meanUa };
}

/** The curve down to `end`, in steps fine enough for the current to be the same in each: mean volts, part of the capacity. */
function* steps(curve: Pack["curve"], end: number): Generator<[volts: number, part: number]> {
  const FINE = 10;
  for (let i = 1; i < curve.length; i++) {
    const [high, before] = curve[i - 1];
    const [low, after] = curve[i];
    if (high <= end) return;
    const last = Math.max(low, end);
    const part = ((after - before) * (high - last)) / (high - low);
    for (let k = 0; k < FINE; k++) yield [high - ((high - last) * (k + 0.5)) / FINE, part / FINE];
  }
}
