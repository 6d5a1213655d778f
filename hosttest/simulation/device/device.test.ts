import { expect, test } from "vitest";
import { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../../boards/parts/key-value.js";
import { openedFlash } from "../../support/opened-flash.js";
import { VirtualTime } from "../../support/virtual-time.js";
import type { Violation } from "../ledger.js";
import { Network } from "../network.js";
import { Random } from "../random.js";
import { Device } from "./device.js";
import { Work } from "./work.js";

function deviceAlone() {
  const time = new VirtualTime();
  const violations: Violation[] = [];
  const device = new Device({
    index: 0,
    time,
    random: new Random(1),
    network: new Network(time, () => undefined as never),
    blocks: 4,
    contents: "nothing",
    intervalS: 60,
    qos: 1,
    version: "auto",
    mayLower: false,
    sensor: "tmp117",
    firstSequence: 0,
    report: (violation) => violations.push(violation),
    log: () => {},
  });
  device.powerOn();
  return { time, device, violations };
}

/** Its outbox and its settings are there, and it has kept a reading of this life. */
function expectWhole({ time, device, violations }: ReturnType<typeof deviceAlone>, life: number): void {
  const before = device.ledger.appended;
  time.advance(10_000);
  expect(violations, `life ${life}`).toEqual([]);
  expect(device.ledger.appended, `readings of life ${life}`).toBeGreaterThan(before);
  expect(device.firmware?.outbox, `outbox of life ${life}`).toBeDefined();
  device.firmware?.settings.set("room", `room${life}`);
  expect(() => device.firmware?.settings.save(), `settings of life ${life}`).not.toThrow();
}

test("a device has its flash and its settings in every life: after a cut, a restart, and boots that are cut", () => {
  const simulation = deviceAlone();
  const { device, time } = simulation;
  device.wifi(false);
  expectWhole(simulation, 1);
  device.cut(1000);
  time.advance(1000);
  expectWhole(simulation, 2);
  device.change({ room: "attic", "mqtt.qos": "2" });
  time.advance(300);
  expectWhole(simulation, 3);
  device.brownouts(5);
  time.advance(60_000);
  expectWhole(simulation, 4);
  expect(device.firmware?.settings.get("room")).toBe("room3");
});

test("closing the flash closes one opening only, and one store at a time is mounted, whichever opening is used", () => {
  const flash = new NorFlash({ blocks: 4 });
  const [one, other] = [0, 1].map(() => openedFlash(flash, () => {}));
  one.close();
  expect(() => one.read(new Uint8Array(1), 0)).toThrow("closed");
  expect(other.read(new Uint8Array(1), 0)).toBe(1);
  const store = new KeyValueOnFlash(other);
  const again = () => new KeyValueOnFlash(openedFlash(flash, () => {}));
  expect(again).toThrow("open on this flash already");
  flash.powerOff();
  flash.powerOn();
  expect(again).not.toThrow();
  expect(store.isOpen).toBe(false);
});

test("the watchdog reports once a callback that takes too long, whatever called it, and not many short ones", () => {
  const time = new VirtualTime();
  const barks: string[] = [];
  const work = new Work({ turn: () => time.turns, onWatchdog: (text) => barks.push(`${time.nowMs}: ${text}`) });
  const flash = work.counted(openedFlash(new NorFlash({ blocks: 256 }), () => {}));
  for (let s = 1; s <= 10; s++) time.timers.set(() => flash.eraseBlock(0, 200), s * 1000); // 9 s
  time.timers.set(() => {
    flash.eraseBlock(0, 200);
    flash.eraseBlock(0, 200);
    flash.eraseBlock(0, 200);
  }, 20_000);
  time.advance(30_000);
  expect(barks).toEqual(["20000: one callback works on flash for more than 10 s"]);
});
