/*
 * Published years of real use, compared with the model's result for the same device. No figure here was fitted to them.
 * Source: github.com/jcalvinowens/tempsensor, README "Battery Life", schematic and main.c, July 2024: ESP32-C3FH4, HDC1080, four
 * AAA cells (Energizer EN92, of 2022) in series; asleep and while it measures on a linear regulator (SPX3819), with the radio on
 * a step-down converter (MT2492). It validates its image at each wake and logs at 115,200 baud, scans all channels, asks DHCP and
 * posts by HTTPS. "Multiple power outages occurred" in the last year, with many attempts to join, so that it could have lasted longer.
 */
import { BOARDS, CELLS, figure } from "./figures.js";
import { type Load, lifeOf, type Pack, type Supply } from "./model.js";

export const SOURCE = "github.com/jcalvinowens/tempsensor (ESP32-C3, 4 AAA cells, HTTPS)";

export const TEMPSENSOR = {
  asleepUa: figure(122, "SPX3819 datasheet: 90 for itself; R3 and R5 of the schematic: 27; ESP32-C3 datasheet: 5"),
  bootMs: figure(309, "ESP-IDF, deep_sleep_wake_stub's README: first line after a validated boot that logs"),
  workMs: figure(30, "HDC1080 datasheet: 13 for both conversions of 14 bits; the rest, NVS, assumed"),
  radioMs: figure(2858, "glenn20/upy-esp32-experiments: all channels, DHCP and an HTTP POST, 2928 less the boot"),
  efficiency: figure(0.9, "MT2492 datasheet, 5 to 3.3 V at 0.1 A, about"),
  minVolts: figure(3.5, "3.3 V and the regulator's drop"),
} as const;

const PACK: Pack = {
  count: 4,
  capacityMah: CELLS.AAA.capacityMah.value,
  curve: CELLS.AAA.curve,
  ohms: CELLS.AAA.ohms.value,
  selfDischarge: CELLS.AAA.selfDischarge.value,
};
const SUPPLY: Supply = {
  asleep: "linear",
  awake: "linear",
  radio: TEMPSENSOR.efficiency.value,
  minVolts: TEMPSENSOR.minVolts.value,
};
const DAYS_A_MONTH = 365.25 / 12;

export interface Regime {
  readonly says: string;
  readonly intervalS: number;
  readonly reportS: number;
  /** Days, at room temperature: from, to. */
  readonly days: readonly [number, number];
}

export const REGIMES: readonly Regime[] = [
  { says: "samples each minute, sent each minute", intervalS: 60, reportS: 60, days: [17, 18] },
  { says: "samples each minute, sent every six", intervalS: 60, reportS: 360, days: [68, 70] },
  { says: "samples each minute, sent each hour", intervalS: 60, reportS: 3600, days: [140, 157] },
  {
    says: "samples every five minutes, sent every five hours",
    intervalS: 300,
    reportS: 18_000,
    days: [Math.round(11 * DAYS_A_MONTH), Math.round(12 * DAYS_A_MONTH)],
  },
];

export interface Comparison extends Regime {
  readonly modelDays: number;
  /** The model's result divided by the middle of the published range, minus 1. */
  readonly off: number;
}

export function compare(): readonly Comparison[] {
  const { chip } = BOARDS.esp32c3;
  return REGIMES.map((regime) => {
    const load: Load = {
      intervalS: regime.intervalS,
      reportS: regime.reportS,
      asleepUa: TEMPSENSOR.asleepUa.value,
      awakeMa: chip.awakeMa.value,
      radioMa: chip.radioMa.value,
      peakMa: chip.peakMa.value,
      wakeMs: TEMPSENSOR.bootMs.value + TEMPSENSOR.workMs.value,
      reportMs: TEMPSENSOR.radioMs.value,
    };
    const modelDays = lifeOf(load, PACK, SUPPLY).hours / 24;
    return { ...regime, modelDays, off: modelDays / ((regime.days[0] + regime.days[1]) / 2) - 1 };
  });
}
