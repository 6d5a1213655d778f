/* The simulator's board and its panel, on Node: the sensors measure what a control is set to, and the panel shows it. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Board, Firmware } from "../../../src/board.js";
import { Sample, sampleText } from "../../../src/channels/sample.js";
import type { SleepPort } from "../../../src/power/io.js";
import { SensorBus } from "../../../src/sensor/probe.js";
import { Sampler } from "../../../src/sensor/sampler.js";
import { Hardware, load } from "../sdk.js";

const INTERVAL_MS = 1000;
const LONG_MS = 60_000; // more than a fault keeps a sensor closed

/** The simulator's side of the panel: the global `screen`. */
class Screen {
  onMessage: (message: string) => void = () => {};
  readonly shown: Record<string, unknown>[] = [];
  postMessage(message: string): void {
    this.shown.push(JSON.parse(message));
  }
}

let screen: Screen;
let sampler: Sampler | undefined;
let starts = 0;

beforeEach(() => {
  vi.useFakeTimers();
  screen = new Screen();
  vi.stubGlobal("screen", screen);
});

afterEach(() => {
  sampler?.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The board, with the sensors of `auto` read by the firmware's own sampler. `latest`: the last sample as a person reads it. */
async function boot(): Promise<{ board: Board; latest: () => string | undefined; turn: (controls: object) => void }> {
  const hardware = new Hardware();
  hardware.config = { flash: "/tmp/thermometer.flash" };
  const { board } = await load<{ board: Board }>("boards/simulator/board.ts", hardware);
  starts = 0;
  board.boot(() => {
    starts++;
    return { close: () => {} } as Firmware;
  });
  let latest: string | undefined;
  sampler = new Sampler({
    sensors: new SensorBus(board.sensor, "auto", { intervalMs: INTERVAL_MS }),
    timers: board.timers,
    clock: board.clock,
    intervalMs: INTERVAL_MS,
    onSample: (sample) => {
      latest = sampleText(sample);
    },
    onFailure: () => {
      latest = undefined;
    },
  });
  sampler.start();
  return { board, latest: () => latest, turn: (controls) => screen.onMessage(JSON.stringify(controls)) };
}

const sources = (): string[] =>
  (sampler?.status().sensors ?? []).map(({ where, gives }) => `${where} gives ${gives.toString(2)}`).sort();

test("deep sleep: shown; the firmware restarts by timer and by the button, with its memory; a restart clears that", async () => {
  const { board, turn } = await boot();
  sampler?.close();
  const sleeper = new (board.sleep as SleepPort).io({});
  expect(sleeper.cause).toBe("reset");
  sleeper.writeMemory(Uint8Array.of(1, 2, 3), 500);
  const kept = (): number[] => {
    const bytes = new Uint8Array(3);
    sleeper.readMemory(bytes, 500);
    return [...bytes];
  };
  const shown = (key: string): unknown => screen.shown.findLast((view) => key in view)?.[key];
  board.observer?.reading?.(new Sample(), 0);
  board.observer?.reading?.(new Sample(), 1);
  const slowMs = sleeper.slowClockMs();
  sleeper.sleep(10_200);
  expect(shown("asleep")).toBe(10_000); // its clock is fast
  expect(shown("waiting")).toBe(2);
  turn({ celsius: 20 });
  await vi.advanceTimersByTimeAsync(9_990);
  expect(starts).toBe(1);
  await vi.advanceTimersByTimeAsync(20);
  expect([starts, sleeper.cause, board.resetCause]).toEqual([2, "timer", "sleep"]);
  expect(sleeper.slowClockMs() - slowMs).toBeGreaterThan(10_150);
  expect(board.clock.uptimeMs()).toBeLessThan(20);
  turn({ button: true }); // it is awake
  await vi.advanceTimersByTimeAsync(20);
  expect(starts).toBe(2);
  sleeper.sleep(60_000);
  turn({ button: true });
  await vi.advanceTimersByTimeAsync(20);
  expect([starts, sleeper.cause, kept()]).toEqual([3, "button", [1, 2, 3]]);
  board.observer?.started?.({ unsettled: 0, settings: { get: () => "bath" }, health: {} } as unknown as Firmware);
  expect(shown("asleep")).toBe(0);
  await vi.advanceTimersByTimeAsync(100_000); // the timer was for the sleep that has ended
  expect(starts).toBe(3);
  board.restart("test");
  await vi.advanceTimersByTimeAsync(20);
  expect([starts, sleeper.cause, kept()]).toEqual([4, "reset", [0, 0, 0]]);
});

test("temperature comes from the TMP117, humidity from the SHT3x, each with its slider's value", async () => {
  const { latest, turn } = await boot();
  turn({ celsius: 24.5, percent: 63 });
  await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS);
  expect(latest()).toBe("24.50 °C, 63.0 %");
  expect(sources()).toEqual(["SHT3x at 0x44 gives 10", "TMP117 at 0x48 gives 1"]);
  turn({ percent: 0 });
  await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS);
  expect(latest()).toBe("24.50 °C, 0.0 %");
  turn({ celsius: -20, percent: 100 });
  await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS);
  expect(latest()).toBe("-20.00 °C, 100.0 %");
});

test("without a touch of the sliders: 50 %, and a temperature", async () => {
  const { latest } = await boot();
  await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS);
  expect(latest()).toMatch(/^\d+\.\d\d °C, 50\.0 %$/);
});

test("the switch unplugs both sensors, and plugs both", async () => {
  const { latest, turn } = await boot();
  turn({ celsius: 21, percent: 40 });
  await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS);
  turn({ sensor: false });
  await vi.advanceTimersByTimeAsync(3 * INTERVAL_MS);
  expect(latest()).toBeUndefined();
  turn({ sensor: true });
  await vi.advanceTimersByTimeAsync(LONG_MS);
  expect(latest()).toBe("21.00 °C, 40.0 %");
  expect(sources()).toEqual(["SHT3x at 0x44 gives 10", "TMP117 at 0x48 gives 1"]);
});

test("the temperature slider moves the air of both chips", async () => {
  const { board, turn } = await boot();
  sampler?.close();
  turn({ celsius: 30 });
  const texts: string[] = [];
  for (const name of ["tmp117", "sht3x"]) {
    sampler = new Sampler({
      sensors: new SensorBus(board.sensor, name, { intervalMs: INTERVAL_MS }),
      timers: board.timers,
      clock: board.clock,
      intervalMs: INTERVAL_MS,
      onSample: (sample) => texts.push(sampleText(sample)),
      onFailure: (error) => texts.push(error.message),
    });
    sampler.start();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS / 2);
    sampler.close();
  }
  expect(texts).toEqual(["30.00 °C", "30.00 °C, 50.0 %"]);
});

test("the panel shows both values of a sample, and as published what the broker has", async () => {
  const { board } = await boot();
  const sample = new Sample();
  const { observer } = board;
  observer?.started?.({} as unknown as Firmware);
  sample.set(0, 21.5, 2);
  sample.set(1, 45.2, 1);
  observer?.reading?.(sample, 7);
  expect(screen.shown.at(-1)).toEqual({ taken: 21.5, humidity: 45.2 });
  sample.mask = 2; // the same object is filled again
  sample.values[0] = Number.NaN;
  sample.values[1] = 45.3;
  observer?.reading?.(sample, 8);
  expect(screen.shown.at(-1)).toEqual({ taken: null, humidity: 45.3 });
  observer?.settled?.(7, "delivered");
  expect(screen.shown.at(-1)).toEqual({ published: "21.50 °C, 45.2 % (seq 7)" });
  observer?.settled?.(8, "delivered");
  expect(screen.shown.at(-1)).toEqual({ published: "45.3 % (seq 8)" });
});
