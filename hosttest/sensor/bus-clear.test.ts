import { describe, expect, test } from "vitest";
import { clearBus } from "../../src/sensor/bus-clear.js";
import type { SensorPort } from "../../src/sensor/io.js";
import { Bench, openSensor, PLACES, thrownBy } from "./bench.js";

function stuck(clocks: number) {
  const bench = new Bench();
  bench.attachTMP117({ celsius: 20 });
  bench.bus.stickData(clocks);
  return { bench, port: { ...bench.port, digital: bench.bus.Digital } };
}

describe("clearing the bus", () => {
  test("a free bus is left alone", () => {
    const { bench, port } = stuck(0);
    expect(clearBus(port)).toBe(false);
    expect(bench.bus.stops).toBe(0);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])("data held low for %d more clocks: freed, and a STOP ends it", (clocks) => {
    const { bench, port } = stuck(clocks);
    expect(clearBus(port)).toBe(true);
    expect(bench.bus.isStuck).toBe(false);
    expect(bench.bus.stops).toBe(1);
  });

  test("held low for ever: nine clocks and no more, then an error with the remedy", () => {
    const { bench, port } = stuck(Number.POSITIVE_INFINITY);
    const error = thrownBy(() => clearBus(port));
    expect(error).toMatchObject({ kind: "busStuck" });
    expect(error.message).toBe(
      "I2C bus (data 21, clock 22) has its data line held low: look for a short circuit, then disconnect the sensor's power for a moment",
    );
    expect(bench.bus.calls).toBe(0);
  });

  test("ten clocks are not given", () => {
    const { bench, port } = stuck(10);
    thrownBy(() => clearBus(port));
    expect(bench.bus.isStuck).toBe(true);
  });
});

describe("opening a sensor on a stuck bus", () => {
  test("with a Digital class: cleared, opened, read", () => {
    const { bench, port } = stuck(9);
    expect(bench.sample(openSensor(port).sensor)).toEqual({ temperature: 20 });
  });

  test("without one: no sensor, and each chip's addresses are asked once", () => {
    const { bench, port } = stuck(9);
    const { digital: _, ...plain } = port;
    expect(thrownBy(() => openSensor(plain))).toMatchObject({ kind: "notFound" });
    expect(bench.bus.calls).toBe(PLACES);
  });

  test("held low for ever: reported at once, without a call to a sensor", () => {
    const { bench, port } = stuck(Number.POSITIVE_INFINITY);
    expect(thrownBy(() => openSensor(port))).toMatchObject({ kind: "busStuck" });
    expect(bench.bus.calls).toBe(0);
  });

  test("pins that another driver of the board uses: the bus is not cleared, and used as it is", () => {
    const { bench, port } = stuck(0);
    const other = new bench.bus.I2C({ data: 21, clock: 22, address: 0x68, hz: 100_000 });
    expect(openSensor(port as SensorPort).driver.name).toBe("TMP117");
    other.close();
  });
});
