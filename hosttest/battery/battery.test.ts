/* The model, compared with arithmetic by hand, with properties that hold for all figures, and with published years of real use. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEED } from "../support/seed.js";
import { BOARDS, CELLS } from "./figures.js";
import {
  type Choice,
  cellsOf,
  INPUT_NAMES,
  INPUTS,
  type InputName,
  inputsOf,
  loadOf,
  optionName,
  packOf,
  SUPPLIES,
  supplyOf,
  type Times,
  workOf,
} from "./inputs.js";
import { emptyVolts, type Life, type Load, lifeOf, type Pack, PHASES, type Supply, Unable } from "./model.js";
import { compare, REGIMES } from "./published.js";

const USUAL: Choice = { board: "esp32c3", cell: "AA", count: 2, sensor: "sht4x", supply: "boost", join: "cached" };
const HOURLY: Times = { intervalS: 60, reportS: 3600 };

function life(given: Partial<Record<InputName, number>> = {}, times = HOURLY, choice = USUAL): Life {
  const inputs = inputsOf(choice, given);
  return lifeOf(loadOf(inputs, times), packOf(inputs, choice), supplyOf(inputs, choice.supply));
}

describe("by hand", () => {
  const LOAD: Load = {
    intervalS: 60,
    reportS: 3600,
    asleepUa: 100,
    awakeMa: 36,
    radioMa: 144,
    peakMa: 0,
    wakeMs: 100,
    reportMs: 1000,
  };
  const PACK: Pack = {
    count: 2,
    capacityMah: 1000,
    curve: [
      [2, 0],
      [1, 1],
    ],
    ohms: 0,
    selfDischarge: 0,
  };
  const LINEAR: Supply = { asleep: "linear", awake: "linear", radio: "linear", minVolts: 2 };

  test("charge: 216 mAs of samples, 144 of reports, 0.1 mA asleep for 3593 of 3600 seconds", () => {
    const { hours, shares, meanUa } = lifeOf(LOAD, PACK, LINEAR);
    const ma = (216 + 144 + 0.1 * 3593) / 3600; // 0.199806
    expect(meanUa).toBeCloseTo(ma * 1000, 9);
    expect(hours).toBeCloseTo(1000 / ma, 6); // 5004.9
    expect(shares.samples).toBeCloseTo(0.06 / ma, 9);
    expect(shares.reports).toBeCloseTo(0.04 / ma, 9);
    expect(shares["self-discharge"]).toBe(0);
  });

  test("self-discharge alone: ten per cent a year are used up in ten years", () => {
    const nothing: Load = { ...LOAD, asleepUa: 0, awakeMa: 0, radioMa: 0 };
    expect(lifeOf(nothing, { ...PACK, selfDischarge: 0.1 }, LINEAR).hours).toBeCloseTo(87_660, 6);
  });

  test("a converter of 80 % from a pack at 3 V gives 1 mA at 3.3 V for 1.375 mA", () => {
    const asleep: Load = { ...LOAD, asleepUa: 1000, awakeMa: 1, radioMa: 1 };
    const flat: Pack["curve"] = [
      [1.5, 0],
      [1.499999, 1],
    ];
    const switched: Supply = { asleep: 0.8, awake: 0.8, radio: 0.8, minVolts: 2 };
    expect(lifeOf(asleep, { ...PACK, curve: flat }, switched).hours).toBeCloseTo(1000 / 1.375, 2);
  });

  test("the cells end where they sag below the supply: 200 mA over 0.5 Ω is 0.1 V a cell, on top of 1 V", () => {
    const pack = { ...PACK, ohms: 0.5 };
    expect(emptyVolts(pack, LINEAR, 200)).toBeCloseTo(1.1, 9);
    expect(lifeOf({ ...LOAD, peakMa: 200 }, pack, LINEAR).used).toBeCloseTo(0.9, 9);
  });

  test("the work: boot, byte codes, conversion and flash in a wake; join, round trips and deliveries in a report", () => {
    const given: Partial<Record<InputName, number>> = {
      bootMs: 50,
      computrons: 10_000,
      usPerComputron: 2,
      conversionMs: 9,
      flashReads: 4,
      readMs: 0.25,
      flashPrograms: 2,
      programMs: 0.5,
      eraseMs: 40,
      samplesPerErase: 10,
      joinMs: 500,
      rttMs: 20,
      window: 6,
      reportComputrons: 50_000,
      deliveryComputrons: 1000,
    };
    const { wakeMs, reportMs } = workOf(inputsOf(USUAL, given), HOURLY);
    expect(wakeMs).toBeCloseTo(50 + 20 + 9 + 1 + 1 + 4, 9);
    expect(reportMs).toBeCloseTo(500 + (5 + 10) * 20 + 100 + 60 * 2 + 60 * 0.5, 9);
  });

  test("impossible inputs are refused: always awake, or cells that never suffice", () => {
    expect(() => life({ bootMs: 10_000 }, { intervalS: 5, reportS: 3600 })).toThrow(Unable);
    expect(() => life({}, HOURLY, { ...USUAL, supply: "ldo" })).toThrow(/has 1\.60 V when it is fresh/);
  });
});

describe("for all figures", () => {
  /** Inputs whose increase never lengthens the life, and those whose increase never shortens it. */
  const WORSE: readonly InputName[] = [
    "sleepUa",
    "awakeMa",
    "radioMa",
    "peakMa",
    "bootMs",
    "computrons",
    "usPerComputron",
    "conversionMs",
    "flashReads",
    "readMs",
    "flashPrograms",
    "programMs",
    "eraseMs",
    "joinMs",
    "rttMs",
    "reportComputrons",
    "deliveryComputrons",
    "minVolts",
    "cellOhms",
    "selfDischarge",
  ];
  const BETTER: readonly InputName[] = ["capacityMah", "efficiency", "sleepEfficiency", "samplesPerErase", "window"];

  /** Hours; 0 if the cells cannot run the load. */
  function hours(given: Partial<Record<InputName, number>>, times = HOURLY, choice = USUAL): number {
    try {
      return life(given, times, choice).hours;
    } catch (error) {
      if (error instanceof Unable) return 0;
      throw error;
    }
  }
  const twoOf = (name: InputName) => {
    const { min, max } = INPUTS[name];
    const one = fc.double({ min, max, noNaN: true });
    return fc.tuple(one, one).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  };

  test("every input is one or the other", () => {
    expect([...WORSE, ...BETTER].sort()).toEqual([...INPUT_NAMES].sort());
  });

  test.each(WORSE)("more of %s never lengthens the life", (name) => {
    fc.assert(
      fc.property(twoOf(name), fc.constantFrom(...SUPPLIES), ([less, more], supply) => {
        const choice = { ...USUAL, supply, count: supply === "ldo" ? 4 : 2 };
        expect(hours({ [name]: more }, HOURLY, choice)).toBeLessThanOrEqual(
          hours({ [name]: less }, HOURLY, choice) * (1 + 1e-9),
        );
      }),
      { seed: SEED },
    );
  });

  test.each(BETTER)("more of %s never shortens the life", (name) => {
    fc.assert(
      fc.property(twoOf(name), ([less, more]) => {
        expect(hours({ [name]: more })).toBeGreaterThanOrEqual(hours({ [name]: less }) * (1 - 1e-9));
      }),
      { seed: SEED },
    );
  });

  test("a longer interval never shortens the life, nor does a longer time between reports", () => {
    const s = fc.integer({ min: 1, max: 86_400 });
    fc.assert(
      fc.property(s, s, s, s, (a, b, c, d) => {
        const [i, j] = [Math.min(a, b), Math.max(a, b)];
        const [r, t] = [Math.max(j, Math.min(c, d)), Math.max(j, Math.max(c, d))];
        const base = hours({}, { intervalS: i, reportS: r });
        expect(hours({}, { intervalS: j, reportS: r })).toBeGreaterThanOrEqual(base * (1 - 1e-9));
        expect(hours({}, { intervalS: i, reportS: t })).toBeGreaterThanOrEqual(base * (1 - 1e-9));
      }),
      { seed: SEED },
    );
  });

  test("the shares sum to 1, and no more is used than there is", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(BOARDS) as (keyof typeof BOARDS)[])),
        fc.constantFrom("2xAA", "2xAAA", "2xAA-lithium"),
        fc.integer({ min: 10, max: 3600 }),
        (board, cells, intervalS) => {
          const { shares, used } = life(
            {},
            { intervalS, reportS: 3600 },
            { ...USUAL, board, ...cellsOf("--cells", cells) },
          );
          expect(PHASES.reduce((sum, phase) => sum + shares[phase], 0)).toBeCloseTo(1, 9);
          expect(used).toBeGreaterThan(0);
          expect(used).toBeLessThanOrEqual(1);
        },
      ),
      { seed: SEED },
    );
  });
});

test("every figure names its source, and every curve falls from nothing to all", () => {
  const choices = (Object.keys(BOARDS) as (keyof typeof BOARDS)[]).map((board) => ({ ...USUAL, board }));
  for (const choice of choices)
    for (const { source } of Object.values(inputsOf(choice))) expect(source.length).toBeGreaterThan(6);
  for (const { curve } of Object.values(CELLS)) {
    expect(curve[0][1]).toBe(0);
    expect(curve[curve.length - 1][1]).toBe(1);
    for (let i = 1; i < curve.length; i++) {
      expect(curve[i][0]).toBeLessThan(curve[i - 1][0]);
      expect(curve[i][1]).toBeGreaterThan(curve[i - 1][1]);
    }
  }
});

test("the options' names are the inputs'", () => {
  expect(optionName("sleepUa")).toBe("sleep-ua");
  expect(optionName("usPerComputron")).toBe("us-per-computron");
});

describe("against published years of real use", () => {
  test.each(compare())("$says: the model's life is too short, by less than 20 %", ({ off }) => {
    expect(off).toBeLessThan(0);
    expect(off).toBeGreaterThan(-0.2);
  });

  test("in the order that was published", () => {
    const days = compare().map(({ modelDays }) => modelDays);
    expect([...days].sort((a, b) => a - b)).toEqual(days);
    expect(REGIMES).toHaveLength(4);
  });
});

test("the goal: a C3 board with 43 µA, two AA, a sample each minute, a report each hour: more than 12 months", () => {
  expect(life({ sleepUa: 43 }).hours).toBeGreaterThan(8766);
});
