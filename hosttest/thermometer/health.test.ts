/*
 * Safe mode, last words, watchdog.
 */
import { describe, expect, test } from "vitest";
import { ALIVE_MS, DEATHS } from "../../src/health/boot-guard.js";
import { SAFE_MODE_MS } from "../../src/thermometer/health.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function device(options: ConstructorParameters<typeof SimulatedDevice>[0] = {}) {
  const one = new SimulatedDevice(options);
  one.powerOn();
  return { one, house: one.house, time: one.house.time };
}

/** Five boots that each failed within a minute. */
function inSafeMode() {
  const { one, house, time } = device();
  time.advance(2 * MINUTE);
  for (let death = 0; death <= DEATHS; death++) {
    if (death > 0) time.advance(20 * SECOND);
    one.crash(new TypeError("outbox: no such block"));
  }
  return { one, house, time };
}

describe("safe mode", () => {
  test("after five failures: prompt and network, no readings, flash unchanged; the prompt and the log report why", () => {
    const { one, house, time } = inSafeMode();
    const taken = one.taken.length;
    const { programs } = one.flash;
    time.advance(10 * MINUTE);
    expect(one.taken).toHaveLength(taken);
    expect(one.flash.programs).toBe(programs);
    const why =
      "safe mode, no readings: 5 boots in a row failed within a minute; the last reason: TypeError: outbox: no such block";
    expect(one.port.take()).toContain(`error: ${why}; restarts in 15 minutes`);
    expect(one.status("trouble")).toBe(why);
    expect(one.status("sensor")).toBe("off: safe mode");
    expect(one.status("broker")).toBe("off: safe mode");
    expect(one.status("wifi")).toContain("192.0.2.7");
    expect(one.type("sample")).toContain("no readings are taken: see status");
    expect(one.type("show interval")).toContain("10 s");
    expect(house.breaches).toEqual([]);
  });

  test("restarts by itself after a quarter of an hour, and readings continue", () => {
    const { one, house, time } = inSafeMode();
    time.advance(SAFE_MODE_MS - 1);
    expect(one.restarts).toEqual([]);
    time.advance(2 * SECOND);
    expect(one.restarts).toEqual(["safe mode is over"]);
    time.advance(2 * MINUTE);
    expect(one.status("trouble")).toBeUndefined();
    one.firmware.stopSampling();
    time.advance(MINUTE);
    expect(house.sequences()).toEqual(one.taken);
  });

  test("a setting can be corrected there, and is in force after the reboot", () => {
    const { one, time } = inSafeMode();
    one.set({ room: "attic" });
    one.reboot();
    time.advance(30 * SECOND);
    expect(one.status("trouble")).toBeUndefined();
    expect(one.firmware.settings.get("room")).toBe("attic");
    expect(one.restarts).toEqual(["reboot"]);
  });

  test("a factory reset is possible there", () => {
    const { one, time } = inSafeMode();
    one.type("factory-reset");
    one.type("erase");
    time.advance(30 * SECOND);
    expect(one.restarts).toEqual(["factory reset"]);
    expect(one.firmware.lifetime?.boots).toBe(1);
  });

  test("power cuts never cause it, however many and however soon: readings continue", () => {
    const { one, house, time } = device({ defaults: { interval: "1" } });
    for (let cut = 0; cut < 50; cut++) {
      time.advance((cut * 37) % 9_000);
      one.cut();
      one.powerOn(cut % 2 === 0 ? "power" : "brownout");
      expect(one.firmware.health.safeMode).toBeUndefined();
    }
    time.advance(MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    expect([...new Set(house.sequences())]).toEqual(one.taken); // at QoS 1, a cut before PUBACK may double one
  });

  test("a board that does not report why it was reset counts as failed", () => {
    const { one, time } = device({ tellsResetCause: "no" });
    for (let death = 0; death < DEATHS; death++) {
      time.advance(ALIVE_MS - SECOND);
      one.cut();
      one.powerOn();
    }
    expect(one.firmware.health.safeMode).toContain("5 boots in a row");
    expect(one.status("uptime")).not.toContain("switched on");
  });

  test("reboots at the prompt and an orderly stop are no failures", () => {
    const { one, time } = device({ tellsResetCause: "no" });
    for (let i = 0; i < 2 * DEATHS; i++) {
      time.advance(SECOND);
      one.reboot();
    }
    for (let i = 0; i < 2 * DEATHS; i++) {
      one.firmware.stop(() => {});
      time.advance(5 * SECOND);
      one.cut();
      one.powerOn();
    }
    expect(one.firmware.health.safeMode).toBeUndefined();
  });
});

describe("last words", () => {
  test("of an uncaught exception are shown at the next boot, in log and status, and forgotten after a healthy one", () => {
    const { one, time } = device();
    time.advance(2 * MINUTE);
    one.crash(new RangeError("no such thing"));
    expect(one.port.take()).toContain("warn: an earlier run ended by RangeError: no such thing");
    expect(one.status("trouble")).toBe("an earlier run ended by RangeError: no such thing");
    expect(one.status("uptime")).toContain("after a crash");
    time.advance(2 * MINUTE);
    one.cut();
    one.powerOn();
    expect(one.status("trouble")).toBeUndefined();
    expect(one.status("uptime")).toContain("boot 3, switched on");
  });
});

describe("the watchdog", () => {
  test("restarts a device whose sampling loop hangs, and the next boot reports it", () => {
    const { one, time } = device();
    time.advance(MINUTE);
    one.loseTimersOf(10 * SECOND); // those of the sampler, and no others
    time.advance(5 * MINUTE);
    expect(one.restarts).toEqual([]);
    time.advance(2 * MINUTE);
    expect(one.restarts).toEqual(["watchdog: no sampling for 300 s"]);
    expect(one.status("trouble")).toBe("an earlier run ended by watchdog: no sampling for 300 s");
    time.advance(MINUTE);
    expect(one.status("sensor")).toContain("TMP117: 21.50 °C");
  });

  test.each([
    ["a sensor that is gone", (one: SimulatedDevice) => one.unplugSensor()],
    ["a sensor that hangs", (one: SimulatedDevice) => one.sensor.hang()],
    ["a deadband that keeps every reading back", (one: SimulatedDevice) => one.set({ deadband: "5", heartbeat: "0" })],
    ["a long interval", (one: SimulatedDevice) => one.set({ interval: "86400" })],
    ["sampling that was stopped", (one: SimulatedDevice) => one.firmware.stopSampling()],
    ["stopped, and a new interval", (one: SimulatedDevice) => stopAndChange(one)],
  ])("%s is no reason to restart", (_what, happen) => {
    const { one, time } = device();
    time.advance(MINUTE);
    happen(one);
    time.advance(36 * 60 * MINUTE);
    expect(one.restarts).toEqual([]);
    expect(one.crashes).toEqual([]);
  });

  test("stopped sampling stays stopped, whatever is set, and one reading can be requested", () => {
    const { one, time } = device();
    time.advance(MINUTE);
    stopAndChange(one);
    const taken = one.taken.length;
    time.advance(10 * MINUTE);
    expect(one.taken).toHaveLength(taken);
    one.type("sample");
    time.advance(SECOND);
    expect(one.port.take()).toContain("21.50 °C");
    expect(one.taken).toHaveLength(taken + 1);
  });
});

describe("a reading on request", () => {
  test("while another request waits: both are answered", () => {
    const { one, time } = device({ defaults: { interval: "3600" } });
    time.advance(MINUTE);
    one.type("sample");
    const answers: unknown[] = [];
    one.firmware.sampleNow((answer) => answers.push(answer));
    expect(one.port.take()).toContain("error: asked again");
    time.advance(SECOND);
    expect(answers).toEqual([{ lines: ["21.50 °C"] }]);
  });

  test("later, when the sensor hangs: its own timeout counts, and the fault is reported", () => {
    const { one, time } = device({ defaults: { interval: "3600" } });
    time.advance(MINUTE);
    const answers: unknown[] = [];
    one.firmware.sampleNow((answer) => answers.push(answer));
    time.advance(2_900);
    expect(answers).toHaveLength(1);
    one.unplugSensor();
    for (let ask = 0; ask < 2; ask++) {
      one.firmware.sampleNow((answer) => answers.push(answer));
      time.advance(2_900);
    }
    expect(answers).toHaveLength(2); // a fault is reported when it is new
    time.advance(200);
    expect(answers).toHaveLength(3);
    for (const answer of answers.slice(1)) expect(answer).toEqual({ failed: expect.stringMatching(/TMP117|sensor/) });
  });
});

function stopAndChange(one: SimulatedDevice): void {
  one.firmware.stopSampling();
  one.set({ interval: "1" });
}
