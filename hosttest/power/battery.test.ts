/* The cells' voltage: how the input's values become volts, where it is reported, and what it costs a board without cells. */
import { expect, test } from "vitest";
import { Cells } from "../../boards/parts/cells.js";
import { type Analog, type BatteryPort, batteryVolts, isBatteryLow } from "../../src/power/battery.js";
import { DETAIL_MESSAGES } from "../../src/thermometer/presence/diagnostics.js";
import { type DeviceOptions, SimulatedDevice } from "../support/device-board.js";
import { DETAILS_WITHOUT_CELLS } from "../support/house.js";

const MINUTE = 60_000;
const ID = "thermometer020000000001";
const TOPIC = `home/kitchen/${ID}/diagnostics`;
const LAST = DETAIL_MESSAGES - 1; // as it is the last row
const ENTITY = `homeassistant/device/${ID}/details${LAST}/config`;
const SLEEPER = { sleep: "on", interval: "60", report: "10", awake: "30" };

/** An input that gives these values in turn. `resolution`: bits. */
function inputOf(values: readonly (number | undefined)[], resolution: number): BatteryPort["io"] {
  let next = 0;
  return class implements Analog {
    readonly resolution = resolution;
    read(): number | undefined {
      return values[next++ % values.length];
    }
    close(): void {}
  };
}

const port = (io: BatteryPort["io"], more: Partial<BatteryPort> = {}): BatteryPort => ({
  io,
  pin: 4,
  ratio: 2,
  fullVolts: 2.45,
  ...more,
});

test.each([
  ["the highest value is all that the input takes", [4095], 12, {}, 4.9],
  ["half of it", [2047.5], 12, {}, 2.45],
  ["nothing", [0], 12, {}, 0],
  ["another divider", [4095], 12, { ratio: 4.3 }, 10.54],
  ["more bits", [8191], 13, {}, 4.9],
  ["the mean of what comes while the radio sends", [2400, 2600], 12, {}, 2.99],
  ["an input that gives nothing", [undefined], 12, {}, null],
  ["and one that does so once", [2400, undefined], 12, {}, null],
] as const)("%s", (_what, values, bits, more, volts) => {
  expect(batteryVolts(port(inputOf(values, bits), more))).toBe(volts);
});

test("the input is given its pin, and closed again; one that cannot be had is not known", () => {
  const pins: number[] = [];
  const cells = new Cells({ volts: 3 });
  const io = class extends cells.port.io {
    constructor(options: { readonly pin: number }) {
      super(options);
      pins.push(options.pin);
    }
  };
  expect([batteryVolts({ ...cells.port, io, pin: 34 }), cells.open, pins]).toEqual([3, 0, [34]]);
  const taken = class {
    constructor() {
      throw new RangeError("in use");
    }
  } as unknown as BatteryPort["io"];
  expect(batteryVolts(port(taken))).toBeNull();
});

test("low means below the board's limit; never without a limit, or when the input fails", () => {
  const cells = new Cells({ volts: 2.39, low: 2.4 });
  expect(isBatteryLow(cells.port)).toBe(true);
  cells.volts = 2.4;
  expect(isBatteryLow(cells.port)).toBe(false);
  cells.volts = Number.NaN;
  expect(isBatteryLow(cells.port)).toBe(false);
  expect(isBatteryLow(new Cells({ volts: 0.1 }).port)).toBe(false);
});

function sleeper(options: DeviceOptions = {}): SimulatedDevice {
  return new SimulatedDevice({ defaults: SLEEPER, sleep: { rate: 1 }, ...options }).powerOn();
}

test("a sleeper reports it with each report; a wake that samples and sleeps does not measure it", () => {
  const cells = new Cells({ volts: 3.01 });
  const device = sleeper({ battery: cells.port });
  const { house } = device;
  const latest = (): unknown => JSON.parse(house.retained.get(TOPIC) ?? "null")?.battery;
  house.time.advance(5 * MINUTE);
  expect(latest()).toBe(3.01);
  expect(JSON.parse(house.retained.get(ENTITY) ?? "null").cmps).toMatchObject({
    battery: {
      p: "sensor",
      dev_cla: "voltage",
      unit_of_meas: "V",
      stat_cla: "measurement",
      ent_cat: "diagnostic",
      val_tpl: "{{ value_json.battery|default(None) }}",
    },
  });
  cells.volts = 2.71;
  const { opened } = cells;
  const { wholes } = device;
  house.time.advance(60 * MINUTE);
  expect(latest()).toBe(2.71);
  expect([device.wholes - wholes, cells.opened - opened, cells.open]).toEqual([6, 6, 0]);
  device.chip?.press();
  house.time.advance(1_000);
  expect(device.status("battery")).toBe("2.71 V");
  cells.volts = Number.NaN;
  expect(device.status("battery")).toBe("not measured: the input at pin 0 fails");
  expect(device.crashes).toEqual([]);
});

test("a board without a divider does not report it", () => {
  const device = sleeper();
  const { house } = device;
  house.time.advance(30_000);
  expect(device.status("battery")).toBeUndefined();
  house.time.advance(5 * MINUTE);
  expect(JSON.parse(house.retained.get(TOPIC) ?? "null")).not.toHaveProperty("battery");
  expect([...house.retained.keys()].filter((topic) => topic.includes("/details"))).toHaveLength(DETAILS_WITHOUT_CELLS);
  expect([...house.retained.values()].join()).not.toContain("Battery");
});
