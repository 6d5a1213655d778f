/*
 * Flash that fails: readings are sent as at QoS 0, and that is reported; a reset that cannot be recorded does not loop; the
 * prompt starts whatever the settings' flash does.
 */
import { describe, expect, test } from "vitest";
import type { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { GUARD_KEY } from "../../src/thermometer/health.js";
import { FLASH_RETRY_MS } from "../../src/thermometer/intake.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const STATUS = "home/kitchen/thermometer020000000001/status";
const AT_ONCE = "readings are sent at once, or lost while there is no connection";

const fails = (): never => {
  throw new Error("write failed");
};
/** How flash fails; each returns a function that repairs it. */
const DEATHS: readonly (readonly [string, (flash: NorFlash) => () => void])[] = [
  ["throws", (flash) => replace(flash, { write: fails, eraseBlock: fails })],
  ["reports that it has written, and has not", (flash) => replace(flash, { write: () => {}, eraseBlock: () => {} })],
];

function replace(flash: NorFlash, methods: Partial<Record<"read" | "write" | "eraseBlock", () => void>>): () => void {
  Object.assign(flash, methods);
  return () => {
    for (const name of Object.keys(methods)) delete (flash as unknown as Record<string, unknown>)[name];
  };
}

describe.each(DEATHS)("flash that %s", (_how, die) => {
  test.each(["1", "2"])(
    "from the first boot on, QoS %s: every reading is sent, the failure is reported once, and status shows it",
    (qos) => {
      const one = new SimulatedDevice({ defaults: { "mqtt.qos": qos } });
      const { house } = one;
      die(one.flash);
      one.powerOn();
      house.time.advance(20 * SECOND);
      const printed = one.port.take();
      house.time.advance(60 * MINUTE);
      expect(printed + one.port.take()).toContain(`error: flash fails: ${AT_ONCE}`);
      expect(house.readings().length).toBeGreaterThan(355);
      expect(house.readings().length + one.firmware.dropped).toBe(one.taken.length);
      expect(one.status("flash")).toBe(`fails: ${AT_ONCE}`);
      expect(house.retained.get(STATUS)).toBe("online");
      expect(one.crashes).toEqual([]);
    },
  );

  test("is reported once in an hour, not with each reading", () => {
    const one = new SimulatedDevice();
    die(one.flash);
    one.powerOn();
    let printed = "";
    for (let minute = 0; minute < 60; minute++) {
      one.house.time.advance(MINUTE);
      printed += one.port.take();
    }
    expect(printed.match(/flash fails/g)).toHaveLength(1);
    expect(printed.match(/refused: the flash failed/g) ?? []).toHaveLength(
      printed.includes("refused: the flash failed") ? 1 : 0,
    );
  });

  test("later, with a backlog: that is sent, new readings are sent, and when flash works again they are stored again", () => {
    const one = new SimulatedDevice({ defaults: { "mqtt.qos": "2" } });
    const { house } = one;
    const { time } = house;
    one.powerOn();
    time.advance(MINUTE);
    house.broker.stop("kept");
    time.advance(10 * MINUTE);
    const backlog = one.firmware.unsettled;
    expect(backlog).toBeGreaterThan(55);
    const mend = die(one.flash);
    time.advance(MINUTE);
    house.broker.start();
    time.advance(10 * MINUTE);
    expect(house.sequences()).toEqual(expect.arrayContaining([5, 6, 7]));
    expect(house.readings().filter(({ seq }) => seq === undefined).length).toBeGreaterThan(30);
    mend();
    one.port.take();
    time.advance(FLASH_RETRY_MS + 20 * SECOND);
    expect(one.port.take()).toContain("flash stores readings again");
    expect(one.status("flash")).toContain("% of its life left");
    const from = house.readings().length;
    time.advance(MINUTE);
    expect(
      house
        .readings()
        .slice(from)
        .every(({ seq }) => seq !== undefined),
    ).toBe(true);
    house.broker.stop("kept");
    time.advance(MINUTE);
    expect(one.firmware.unsettled).toBeGreaterThan(4);
    expect(one.crashes).toEqual([]);
  });
});

test("flash that cannot be opened at all: every reading is sent, the format can be changed, and it is reported", () => {
  const one = new SimulatedDevice();
  const { house } = one;
  Object.assign(one.flash, { status: fails });
  one.powerOn();
  house.time.advance(10 * MINUTE);
  expect(one.port.take()).toContain(`error: outbox: write failed; ${AT_ONCE}`);
  expect(house.readings().length).toBeGreaterThan(57);
  expect(one.status("flash")).toBe(`cannot be used: ${AT_ONCE}`);
  one.set({ payload: "plain" });
  house.time.advance(20 * SECOND);
  expect(house.payloads("home/kitchen/temperature").at(-1)).toBe("21.50");
  expect(one.type("queue")).toContain("no outbox: see status");
  expect(one.crashes).toEqual([]);
});

describe("the settings' flash", () => {
  test("cannot be opened: the prompt starts and reports it, defaults apply, nothing restarts", () => {
    const one = new SimulatedDevice();
    const { house } = one;
    Object.assign(one.settingsFlash, { status: fails, read: fails });
    one.powerOn();
    house.time.advance(30 * MINUTE);
    expect(one.crashes).toEqual([]);
    expect(one.restarts).toEqual([]);
    const printed = one.port.take();
    expect(printed).toMatch(/error: the settings' flash cannot be opened: .*; defaults apply, nothing can be saved/);
    expect(one.status("trouble")).toContain("the settings' flash cannot be opened");
    one.type("set room attic");
    expect(one.type("save")).toContain("error");
    expect(house.readings().length).toBeGreaterThan(100);
  });

  test("throws in every call of the store: the prompt starts, readings continue", () => {
    const one = new SimulatedDevice();
    const { prototype } = KeyValueOnFlash;
    const { read, write, delete: remove } = prototype;
    Object.assign(prototype, { read: fails, write: fails, delete: fails });
    try {
      one.powerOn();
      one.house.time.advance(10 * MINUTE);
    } finally {
      Object.assign(prototype, { read, write, delete: remove });
    }
    expect(one.crashes).toEqual([]);
    expect(one.type("version")).toContain("home-thermometer");
    expect(one.house.readings().length).toBeGreaterThan(50);
  });

  test("has invalid data under the boot guard's key: the boot is counted from there, and the data is not shown", () => {
    const one = new SimulatedDevice();
    new KeyValueOnFlash(one.settingsFlash).write(GUARD_KEY, Uint8Array.of(1, 1, 0x1b, 0x5b, 0x32, 0x4a, 0xff).buffer);
    one.powerOn();
    expect(one.status("trouble")).toBe("an earlier run ended by ?[2J?");
  });
});
