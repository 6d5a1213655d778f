import { describe, expect, test } from "vitest";
import { adapt } from "../../src/sensor/adapt.js";
import { drivers, type Identity } from "../../src/sensor/drivers.js";
import type { BusOptions, SensorPort } from "../../src/sensor/io.js";
import { listSensors, SensorBus, sensorNames } from "../../src/sensor/probe.js";
import { Bench, namesOf, openSensor, PLACES, placesOf, thrownBy } from "./bench.js";
import { AHT10, aht10Part, BMP280, bmp280Part, RegisterPart } from "./sdk-stubs.js";

const more = [adapt("BMP280", BMP280, { addresses: [0x76, 0x77] }), adapt("AHT10", AHT10, { addresses: [0x38] })];

/** A port that records which addresses are opened, and with which options. */
function noting(port: SensorPort): { readonly port: SensorPort; readonly opened: BusOptions[] } {
  const opened: BusOptions[] = [];
  class Noting extends port.io {
    constructor(options: BusOptions) {
      super(options);
      opened.push(options);
    }
  }
  return { port: { ...port, io: Noting }, opened };
}

describe("auto", () => {
  test("asks at each chip's likeliest address first, in the table's order, then at the others, the board's chips before ours", () => {
    const { port, opened } = noting(new Bench().port);
    const bmp280 = adapt("BMP280", BMP280, { addresses: [0x76, 0x77] });
    thrownBy(() => openSensor(port, "auto", { more: [bmp280] }));
    const chips = (identity: Identity) => drivers.filter((driver) => (driver.identity ?? "sure") === identity);
    const inTurn = [bmp280, ...chips("sure"), ...chips("late")];
    const rounds = [0, 1, 2, 3].flatMap((round) =>
      // An adapted driver's address is tried twice, because the driver's error does not distinguish a wrong chip from a missing one.
      inTurn.flatMap((driver) =>
        driver.addresses.slice(round, round + 1).flatMap((at) => (driver === bmp280 ? [at, at] : [at])),
      ),
    );
    expect(opened.map((options) => options.address)).toEqual([
      ...rounds,
      ...chips("none").flatMap((driver) => driver.addresses),
    ]);
    expect(rounds.slice(0, 3)).toEqual([0x76, 0x76, 0x48]);
    expect(rounds).toContain(0x4b);
  });

  test("a sensor that is known is asked alone, as long as it answers", () => {
    const bench = new Bench();
    bench.attachTMP117({ address: 0x49 });
    bench.attachSHT4x();
    const { port, opened } = noting(bench.port);
    const found = (driver: number, address: number): string[] =>
      new SensorBus(port, "auto", { known: { driver, address } })
        .openAll([])
        .map(({ sensor, driver: { name }, address: at }) => {
          sensor.close();
          return `${name} at ${at}`;
        });
    const known = drivers.findIndex(({ name }) => name === "SHT4x");
    expect(found(known, 0x44)).toEqual(["SHT4x at 68"]);
    expect(opened.map(({ address }) => address)).toEqual([0x44]);
    const all = found(-1, 0x44);
    expect(all).toHaveLength(2);
    expect(found(known, 0x45)).toEqual(all);
  });

  test.each([0x48, 0x49, 0x4a, 0x4b])("a TMP117 at %d is found", (address) => {
    const bench = new Bench();
    bench.attachTMP117({ address });
    expect(openSensor(bench.port)).toMatchObject({
      address,
      driver: { name: "TMP117", measures: [{ decimals: 2, lowest: -55, highest: 150 }] },
    });
  });

  test.each([0x44, 0x45])("an SHT3x at %d is found", (address) => {
    const bench = new Bench();
    bench.attachSHT3x({ address });
    expect(openSensor(bench.port)).toMatchObject({
      address,
      driver: { name: "SHT3x", measures: [{ decimals: 2, lowest: -40, highest: 125 }, {}] },
    });
  });

  test("two chips: the first in the table", () => {
    const bench = new Bench();
    bench.attachSHT3x();
    bench.attachTMP117();
    expect(openSensor(bench.port).driver.name).toBe("TMP117");
  });

  test("a stranger at one address does not hide the sensor at another", () => {
    const bench = new Bench();
    bench.attachTMP117({ id: 0x0075 });
    bench.attachSHT3x();
    expect(openSensor(bench.port).driver.name).toBe("SHT3x");
  });

  test("only another chip: its id is named, for it is what is there", () => {
    const bench = new Bench();
    bench.attachTMP117({ id: 0x0075 });
    expect(thrownBy(() => openSensor(bench.port)).message).toContain("TMP117 at 0x48 is no TMP117: its id is 0x0075");
    expect(bench.bus.openCount).toBe(0);
  });

  test("no chip: the error names drivers, addresses and the remedy; nothing is left open", () => {
    const bench = new Bench();
    const error = thrownBy(() => openSensor(bench.port, "auto", { more }));
    expect(error).toMatchObject({ kind: "notFound" });
    expect(error.message).toBe(
      `I2C bus (data 21, clock 22) has no sensor (asked BMP280 at 0x76 0x77, AHT10 at 0x38, ${placesOf()}): check power and wires`,
    );
    expect(bench.bus.openCount).toBe(0);
  });

  test("a bus without pull-ups blocks each call for 50 ms, not for the SDK's 400", () => {
    const bench = new Bench();
    bench.bus.kill();
    thrownBy(() => openSensor(bench.port));
    expect([bench.bus.calls, bench.bus.blockedMs]).toEqual([PLACES, 50 * PLACES]);
  });
});

describe("by name", () => {
  test("in any case, and only that chip is asked for", () => {
    const bench = new Bench();
    bench.attachTMP117();
    bench.attachSHT3x();
    expect(openSensor(bench.port, "sht3x").driver.name).toBe("SHT3x");
  });

  test("a missing chip: it is named with its addresses, whatever others answer", () => {
    const bench = new Bench();
    bench.attachTMP117();
    expect(thrownBy(() => openSensor(bench.port, "SHT3x")).message).toBe(
      "SHT3x at 0x44 0x45 on I2C bus (data 21, clock 22) does not answer: check power and wires",
    );
  });

  test("a name that no driver has: the names that there are", () => {
    const error = thrownBy(() => openSensor(new Bench().port, "DHT22", { more }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe(`sensor "DHT22": expected auto, BMP280, AHT10, ${namesOf()}`);
  });

  test("the names for the setting", () => {
    expect(sensorNames(more)).toEqual(["auto", "BMP280", "AHT10", ...drivers.map(({ name }) => name)]);
  });
});

describe("what the io class gets", () => {
  test("the board's pins and figures; what the board leaves out is absent, or a default", () => {
    const bench = new Bench();
    bench.attachTMP117();
    const plain = noting(bench.port);
    openSensor({ ...plain.port, digital: bench.bus.Digital }).sensor.close();
    expect(plain.opened[0]).toEqual({
      io: plain.port.io,
      data: 21,
      clock: 22,
      address: 0x48,
      hz: 100_000,
      timeout: 50,
    });
    expect("port" in plain.opened[0]).toBe(false);

    const unsaid = noting(bench.port);
    openSensor({ ...unsaid.port, hz: undefined, timeout: undefined }).sensor.close();
    expect(unsaid.opened[0]).toMatchObject({ hz: 100_000, timeout: 50 });

    const full = noting({ ...bench.port, hz: 400_000, port: 1, timeout: 20, pullup: false });
    openSensor(full.port).sensor.close();
    expect(full.opened[0]).toMatchObject({ hz: 400_000, port: 1, timeout: 20, pullup: false });
  });

  test("a mistake in the board is thrown as it is, not taken for an absent chip", () => {
    const bench = new Bench();
    expect(() => openSensor({ ...bench.port, data: 5 })).toThrow(new RangeError("unusable pins"));
  });

  test("an address that another driver of the board has does not keep the sensor at another from being found", () => {
    const bench = new Bench();
    bench.attachSHT3x();
    const other = new bench.bus.I2C({ data: 21, clock: 22, address: 0x48, hz: 100_000 });
    expect(openSensor(bench.port).driver.name).toBe("SHT3x");
    other.close();
  });
});

describe("the list for the prompt", () => {
  test("what answers, by address, with names; a stranger with the reason why it has none", () => {
    const bench = new Bench();
    bench.attachTMP117();
    bench.attachSHT3x({ address: 0x45 });
    bench.bus.attach(0x38, aht10Part(20));
    bench.bus.attach(0x76, new RegisterPart());
    expect(listSensors(bench.port, more)).toEqual([
      { address: 0x38, name: "AHT10", detail: "" },
      { address: 0x45, name: "SHT3x", detail: "" },
      { address: 0x48, name: "TMP117", detail: "" },
      {
        address: 0x76,
        name: undefined,
        detail: expect.stringContaining("BME280 at 0x76 is no BME280: its id is 0x00"),
      },
    ]);
    expect(bench.bus.openCount).toBe(0);
  });

  test("the sensor that is open is listed and left in peace: its address cannot be opened twice", () => {
    const bench = new Bench();
    bench.attachTMP117({ celsius: 20 });
    bench.attachSHT3x();
    const opened = openSensor(bench.port, "tmp117");
    opened.sensor.sample();
    const inUse = [{ name: opened.driver.name, address: opened.address }];
    expect(listSensors({ ...bench.port, digital: bench.bus.Digital }, [], inUse).map((found) => found.name)).toEqual([
      "SHT3x",
      "TMP117",
    ]);
    bench.time.advance(opened.driver.conversionMs);
    expect(opened.sensor.sample()).toEqual({ temperature: 20 });
  });

  test("an empty bus: an empty list, after one call for each address", () => {
    const bench = new Bench();
    expect(listSensors(bench.port)).toEqual([]);
    expect(bench.bus.calls).toBe(PLACES);
  });

  test("two drivers for one address: the one that knows the chip", () => {
    const bench = new Bench();
    bench.bus.attach(0x48, bmp280Part(20));
    const second = adapt("BMP280", BMP280, { addresses: [0x48] });
    expect(listSensors(bench.port, [second])).toEqual([{ address: 0x48, name: "BMP280", detail: "" }]);
  });
});
