/*
 * Readings that the broker may know by their packet ids: across reboots, smaller windows, other names of the broker, full flash, and `queue
 * drop`. Also readings far behind them.
 */
import { describe, expect, test } from "vitest";
import type { Outbox } from "../../../src/outbox/outbox.js";
import { SimulatedDevice } from "../../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const IDS = 61_440; // packet ids for readings, used in turn

type Options = ConstructorParameters<typeof SimulatedDevice>[0];

function running(options: Options = {}) {
  const one = new SimulatedDevice({ ...options, defaults: { "mqtt.qos": "2", interval: "1", ...options?.defaults } });
  one.powerOn();
  const { house } = one;
  house.time.advance(15 * SECOND);
  /** The broker accepts everything, and its answers are lost. */
  const stall = (ms: number): void => {
    house.broker.mood.stalled = true;
    house.time.advance(ms);
    house.broker.mood.stalled = false;
  };
  return { one, house, time: house.time, stall };
}

/** The house's broker ignores bytes with this text. */
function ignore(house: SimulatedDevice["house"], text: string): void {
  const { listen } = house.broker;
  Object.assign(house.broker, {
    listen: (peer: Parameters<typeof listen>[0]) => {
      const acceptor = listen(peer);
      const data = (bytes: Uint8Array) => {
        if (!Buffer.from(bytes).includes(text)) acceptor?.data(bytes);
      };
      return acceptor && { data, ended: () => acceptor.ended() };
    },
  });
}

/** How many readings were forwarded again. */
function doubles(sequences: readonly unknown[]): number {
  return sequences.length - new Set(sequences).size;
}

describe("the window is made smaller while more are in flight", () => {
  test("readings sent again after the reboot have DUP (3.3.1-1)", () => {
    const { one, house, time, stall } = running({ defaults: { "outbox.window": "32" } });
    one.set({ "outbox.window": "4" });
    stall(20 * SECOND);
    one.cut();
    house.network.resetAll();
    one.powerOn();
    time.advance(MINUTE);
    expect(house.breaches).toEqual([]);
    expect(doubles(house.sequences())).toBe(0);
  });

  test("the broker has lost the session meanwhile: every double is counted", () => {
    const { one, house, time, stall } = running({ defaults: { "outbox.window": "32" } });
    one.set({ "outbox.window": "4" });
    stall(20 * SECOND);
    one.cut();
    house.replaceBroker();
    one.powerOn();
    time.advance(MINUTE);
    const count = doubles(house.sequences());
    expect(count).toBeGreaterThan(4); // more than the window is now
    expect(one.firmware.lifetime?.possibleDoubles).toBeGreaterThanOrEqual(count);
  });
});

test("the session on record is that of this port, also of another than 1883: after a power cut it is not wiped", () => {
  const { one, time } = running({ defaults: { "mqtt.port": "1884" } });
  expect(one.firmware.sessionRecord?.is(one.firmware.id, "10.0.0.1", 1884)).toBe(true);
  expect(one.firmware.uplink?.wipeFirst).toBe(true); // it was a new device
  one.cut();
  one.powerOn();
  expect(one.firmware.uplink?.wipeFirst).toBe(false);
  one.set({ "mqtt.port": "1883" });
  one.reboot();
  time.advance(SECOND);
  expect(one.firmware.uplink?.wipeFirst).toBe(true);
});

test("how far beyond one that is held back readings were sent is on record: after a power cut as many may have been sent", () => {
  const { one, house, time } = running({ defaults: { "mqtt.qos": "1", "outbox.window": "4" } });
  const { listen } = house.broker;
  const poison = Buffer.from('"seq":30}');
  house.broker = Object.assign(Object.create(house.broker), {
    listen: (peer: Parameters<typeof listen>[0]) => {
      const acceptor = listen(peer);
      if (acceptor === undefined) return undefined;
      const data = (bytes: Uint8Array): void => {
        if (!Buffer.from(bytes).includes(poison)) {
          acceptor.data(bytes);
          return;
        }
        peer.close();
        acceptor.ended();
      };
      return { data, ended: () => acceptor.ended() };
    },
  });
  house.network.resetAll();
  time.runUntil(() => one.firmware.uplink?.status.refusal?.scope === "some", 60 * MINUTE);
  expect(one.firmware.uplink?.status.refusal).toMatchObject({ scope: "some", sequence: 30 });
  const { perhapsSent } = one.firmware.sessionRecord!;
  expect(perhapsSent).toBeGreaterThan(4);
  one.cut();
  one.powerOn();
  expect(one.firmware.uplink?.perhapsSent).toBe(perhapsSent);
});

test("after a power cut a full outbox evicts none that were sent, also if others between them were settled", () => {
  const options: Options = { blocks: 4, defaults: { "mqtt.qos": "1", "outbox.window": "4" } };
  const evicted = ({ one, house, time }: ReturnType<typeof running>): number[] => {
    const numbers: number[] = [];
    one.firmware.board.observer!.evicted = (first, end) => {
      for (let sequence = first; sequence < end; sequence++) numbers.push(sequence);
    };
    house.broker.stop("kept");
    time.runUntil(() => numbers.length > 0, 60 * MINUTE);
    return numbers;
  };
  const other = running(options);
  other.stall(5 * SECOND);
  const [boundary] = evicted(other); // the first block has some in flight: the second one is evicted
  const device = running(options);
  const { one, house, time, stall } = device;
  ignore(house, `"seq":${boundary - 10}}`);
  house.network.resetAll();
  time.runUntil(() => house.sequences().includes(boundary + 10), 60 * MINUTE);
  stall(10 * SECOND);
  one.cut();
  one.powerOn();
  expect(one.firmware.outbox?.seek(0)?.sequence).toBe(boundary - 10);
  const gone = evicted(device).filter((sequence) => !one.settled.includes(sequence));
  expect(gone.length).toBeGreaterThan(100);
  expect(gone.filter((sequence) => house.sequences().includes(sequence))).toEqual([]);
});

test("only as many as the window of the session count as perhaps sent after a reboot", () => {
  const { one, house, time } = running({ defaults: { "outbox.window": "1" } });
  house.broker.stop("kept");
  time.advance(10 * MINUTE);
  one.reboot();
  house.replaceBroker();
  time.advance(10 * MINUTE);
  expect(doubles(house.sequences())).toBe(0);
  expect(one.firmware.lifetime?.possibleDoubles).toBeLessThanOrEqual(1);
});

test.each([
  ["host name", { "mqtt.host": "10.0.0.2" }],
  ["client id", { id: "t7" }],
])("the same broker under another %s: every double is counted", (_what, change) => {
  const { one, house, time, stall } = running();
  stall(5 * SECOND);
  one.set(change);
  one.reboot();
  time.advance(MINUTE);
  const count = doubles(house.sequences());
  expect(count).toBeGreaterThan(0);
  expect(one.firmware.lifetime?.possibleDoubles).toBeGreaterThanOrEqual(count);
});

describe("a reading whose id the broker still has is removed: the id's next reading arrives all the same", () => {
  /** Uses all packet ids but a few once more. This would take weeks, so it is done directly at the outbox. */
  function useIds(outbox: Outbox | undefined, stuck: number): void {
    if (outbox === undefined) throw new Error("no outbox");
    const payload = new Uint8Array(12);
    while (outbox.nextSequence < stuck + IDS - 5) {
      const sequence = outbox.append(payload, 2);
      if (sequence >= 0) outbox.settle(sequence);
      outbox.idle();
    }
  }

  /** The newest reading that the broker has forwarded. */
  function lastForwarded({ house }: SimulatedDevice): number {
    return house.sequences().at(-1) ?? -1;
  }

  /** A device with a small flash; the broker has accepted readings up to `stuck`, and its answers were lost. */
  function stuckAtBroker() {
    const { one, house, time, stall } = running({ blocks: 4, defaults: { "outbox.window": "4" } });
    stall(10 * SECOND);
    return { one, house, time, stuck: lastForwarded(one) };
  }

  function dropAll(one: SimulatedDevice): void {
    one.type("queue drop");
    one.type("drop");
    one.house.time.advance(1);
  }

  /** Uses the ids up to the one of `stuck`, and continues: all readings taken then must arrive. */
  function expectAll(one: SimulatedDevice, stuck: number): void {
    const { house } = one;
    one.firmware.stopSampling();
    house.time.advance(MINUTE);
    const before = house.sequences().length;
    useIds(one.firmware.outbox, stuck);
    one.taken.length = 0;
    one.reboot();
    house.time.advance(30 * SECOND);
    one.firmware.stopSampling();
    house.time.advance(MINUTE);
    expect(one.taken).toContain(stuck + IDS);
    expect(house.sequences().slice(before)).toEqual(one.taken);
    expect(house.breaches).toEqual([]);
  }

  test("the flash is full after a reboot: what may be in flight is not evicted", () => {
    const { one, house, time, stuck } = stuckAtBroker();
    one.cut();
    house.broker.stop("kept");
    one.powerOn();
    time.advance(60 * MINUTE);
    expect(one.firmware.outbox?.statistics().dropped).toBeGreaterThan(0);
    house.broker.start();
    time.advance(30 * MINUTE);
    expectAll(one, stuck);
  });

  test.each(["connected", "away"])("queue drop at the prompt, the broker %s: the session is wiped", (state) => {
    const { one, house, time, stuck } = stuckAtBroker();
    if (state === "away") house.broker.stop("kept");
    time.advance(SECOND);
    dropAll(one);
    expect(one.firmware.unsettled).toBe(0);
    house.broker.start();
    time.advance(3 * MINUTE);
    expectAll(one, stuck);
  });

  test("queue drop while another broker is set, and back to the first one", () => {
    const { one, house, time, stuck } = stuckAtBroker();
    house.broker.stop("kept");
    one.set({ "mqtt.host": "10.0.0.2" });
    one.reboot();
    time.advance(30 * SECOND);
    dropAll(one);
    expect(one.firmware.unsettled).toBe(0);
    one.set({ "mqtt.host": "10.0.0.1" });
    one.reboot();
    house.broker.start();
    time.advance(3 * MINUTE);
    expectAll(one, stuck);
  });

  test.each(["", "10.0.0.2"])('the flash is full while mqtt.host is "%s", and back to the first broker', (host) => {
    const defaults = { "outbox.window": "4", "mqtt.host": "" };
    const { one, house, time, stall } = running({ blocks: 4, defaults });
    one.set({ "mqtt.host": "10.0.0.1" });
    one.reboot();
    time.advance(30 * SECOND);
    stall(10 * SECOND);
    const stuck = lastForwarded(one);
    house.broker.stop("kept");
    one.set({ "mqtt.host": host });
    one.reboot();
    time.advance(60 * MINUTE);
    expect(one.firmware.outbox?.statistics().dropped).toBeGreaterThan(0);
    one.set({ "mqtt.host": "10.0.0.1" });
    one.reboot();
    house.broker.start();
    time.advance(30 * MINUTE);
    expectAll(one, stuck);
  });

  test("queue drop, and the power goes before the broker is back: wiped at the next boot", () => {
    const { one, house, time, stuck } = stuckAtBroker();
    house.broker.stop("kept");
    dropAll(one);
    one.cut();
    house.broker.start();
    one.powerOn();
    time.advance(MINUTE);
    expectAll(one, stuck);
  });
});

describe("a gap of more numbers than the outbox looks ahead: entries after it are sent, without a new reading", () => {
  test.each([
    ["QoS 0 from now on", (one: SimulatedDevice) => one.set({ "mqtt.qos": "0" })],
    ["the sensor fails", (one: SimulatedDevice) => one.unplugSensor()],
    ["a reading a day", (one: SimulatedDevice) => one.set({ interval: "86400" })],
  ])("refused readings, then %s", (_what, change) => {
    const { one, house, time } = running({ blocks: 4, defaults: { "mqtt.qos": "1", "outbox.full": "refuse" } });
    house.broker.stop("kept");
    time.runUntil(() => one.taken.at(-1) === -1, 60 * MINUTE);
    time.advance(5 * MINUTE); // 300 are refused, and counted
    one.set({ "outbox.full": "dropOldest" });
    time.advance(5 * MINUTE);
    change(one);
    one.reboot();
    house.broker.start();
    time.advance(10 * MINUTE);
    expect(one.status("outbox")).toMatch(/^0 waiting/);
  });

  test("the block in flight was kept, those behind it evicted; then the sensor fails", () => {
    const { one, house, time, stall } = running({ blocks: 6 });
    stall(30 * SECOND);
    house.broker.stop("kept");
    time.advance(60 * MINUTE);
    expect(one.firmware.outbox?.statistics().dropped).toBeGreaterThan(256);
    one.unplugSensor();
    house.broker.start();
    time.advance(10 * MINUTE);
    expect(one.status("outbox")).toMatch(/^0 waiting/);
  });
});
