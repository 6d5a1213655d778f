/* A sleeper in trouble: reports are bounded in every state of the network, power is cut at random moments, RTC memory has random content. */
import { describe, expect, test } from "vitest";
import type { ResolveOptions, ResolverConstructor } from "../../src/mqtt/wire/io.js";
import { LEARNED_AT, LEARNED_BYTES } from "../../src/thermometer/sleep/learned.js";
import { Random } from "../simulation/random.js";
import { SimulatedDevice } from "../support/device-board.js";
import { SEED } from "../support/seed.js";
import { closeOn } from "../thermometer/broker/close-on.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "60", report: "10", "mqtt.qos": "2", awake: "10" };

function sleeper(settings: Record<string, string> = {}, rate = 1.02): SimulatedDevice {
  return new SimulatedDevice({ defaults: { ...SLEEPER, ...settings }, sleep: { rate } }).powerOn();
}

/** All readings that the device has taken are at the broker, once, in order; at QoS 2, after any faults. */
function expectExactlyOnce(device: SimulatedDevice): void {
  const { house } = device;
  expect(device.crashes).toEqual([]);
  expect(house.breaches).toEqual([]);
  const seqs = house.sequences();
  expect(seqs).toEqual([...seqs].sort((a, b) => Number(a) - Number(b)));
  expect(new Set(seqs).size).toBe(seqs.length);
  const arrived = new Set(seqs);
  expect(device.taken.filter((sequence) => !arrived.has(sequence))).toEqual([]);
}

/** A resolver; `whenAsked` gets the function that answers. */
function nameServer(whenAsked: (answer: () => void) => void): ResolverConstructor {
  return class {
    resolve({ host, onResolved }: ResolveOptions): void {
      whenAsked(() => onResolved(host, "10.0.0.1"));
    }
  };
}

/** Until everything is sent that was taken before. */
function drain(device: SimulatedDevice): void {
  device.powerOn();
  device.house.time.advance(25 * MINUTE);
  // What is sampled after the last report is not sent yet.
  const newest = Math.max(...device.house.sequences().map(Number));
  device.taken.splice(0, device.taken.length, ...device.taken.filter((sequence) => Number(sequence) <= newest));
}

describe("20 s of radio, whatever the network does; samples continue, and all are sent when it is back", () => {
  const cases: [string, (device: SimulatedDevice) => void, (device: SimulatedDevice) => void][] = [
    ["the router is away", ({ wifi }) => wifi.down(), ({ wifi }) => wifi.up()],
    [
      "no address is given",
      ({ wifi }) => Object.assign(wifi.faults, { noAddress: true }),
      ({ wifi }) => Object.assign(wifi.faults, { noAddress: undefined }),
    ],
    [
      "the driver says nothing",
      ({ wifi }) => Object.assign(wifi.faults, { deaf: true }),
      ({ wifi }) => Object.assign(wifi.faults, { deaf: undefined }),
    ],
    [
      "time servers do not answer",
      ({ ntp }) => Object.assign(ntp.faults, { silent: true }),
      ({ ntp }) => Object.assign(ntp.faults, { silent: undefined }),
    ],
    [
      "names of time servers hang",
      ({ ntp }) => Object.assign(ntp.faults, { names: "hung" }),
      ({ ntp }) => Object.assign(ntp.faults, { names: undefined }),
    ],
    [
      "the broker's name is not answered",
      (device) => Object.assign(device, { resolver: nameServer(() => {}) }),
      (device) => Object.assign(device, { resolver: undefined }),
    ],
    [
      "the broker's name is answered, but late",
      (device) =>
        Object.assign(device, {
          resolver: nameServer((answer) => device.house.time.timers.set(answer, 15 * SECOND)),
        }),
      (device) => Object.assign(device, { resolver: undefined }),
    ],
    [
      "TCP is refused",
      ({ house }) => Object.assign(house.network.weather, { refusing: true }),
      ({ house }) => Object.assign(house.network.weather, { refusing: false }),
    ],
    [
      "TCP gets no answer",
      ({ house }) => Object.assign(house.network.weather, { blackHole: true }),
      ({ house }) => Object.assign(house.network.weather, { blackHole: false }),
    ],
    [
      "it takes 5 s one way",
      ({ house }) => Object.assign(house.network.weather, { latencyMs: 5_000 }),
      ({ house }) => Object.assign(house.network.weather, { latencyMs: 20 }),
    ],
  ];

  test.each(cases)("%s", (_what, begin, end) => {
    const device = sleeper({ "mqtt.host": "broker.test" });
    const { time } = device.house;
    time.advance(35 * MINUTE);
    begin(device);
    const before = device.taken.length;
    time.advance(3 * HOUR);
    expect(device.taken.length - before).toBeGreaterThan(170);
    expect(device.longestWakeMs).toBeLessThan(21 * SECOND);
    // Reports that fail are rare: 10, 10, 20, 40, 80 minutes apart.
    if (device.house.readings().length < before) expect(device.sleptMs).toBeGreaterThan(0.97 * 3 * HOUR);
    end(device);
    time.advance(6 * HOUR);
    drain(device);
    expectExactlyOnce(device);
    expect(device.house.readings().length).toBeGreaterThan(550);
  });

  test.each(["closes", "silent"] as const)("a broker without MQTT 5, where one with it was: it %s", (five) => {
    const device = sleeper();
    const { house } = device;
    house.time.advance(35 * MINUTE);
    const before = house.readings().length;
    house.replaceBroker({ five });
    house.time.advance(2 * HOUR);
    expect(house.readings().length - before).toBeGreaterThan(100);
    drain(device);
    expectExactlyOnce(device);
  });

  test.each([
    ["before CONNACK", 1],
    ["in the middle of the readings", 8],
    ["before the last acknowledgement", 30],
  ])("the network swallows everything %s", (_what, packets) => {
    const device = sleeper();
    const { house } = device;
    house.time.advance(35 * MINUTE);
    const { weather } = house.network;
    for (let report = 0; report < 5; report++) {
      const sent = house.messages.length;
      weather.blackHole = false;
      house.time.runUntil(() => device.isOn && device.wifi.connected, 8 * HOUR);
      if (packets > 1) house.time.runUntil(() => house.messages.length >= sent + packets || !device.isOn, MINUTE);
      weather.blackHole = true;
      house.time.advance(5 * MINUTE);
    }
    expect(device.longestWakeMs).toBeLessThan(21 * SECOND);
    weather.blackHole = false;
    house.time.advance(6 * HOUR);
    drain(device);
    expectExactlyOnce(device);
  });
});

describe("a broker that closes the connection without a reason: what one report finds out, the next one knows", () => {
  test("retained messages and a subscription: readings go without them; a broker that takes all gets all", () => {
    const device = sleeper();
    const { house } = device;
    house.time.advance(35 * MINUTE);
    const before = house.readings().length;
    house.replaceBroker({ five: "closes", retainAvailable: false, saysWhy: false });
    device.cut();
    device.powerOn(); // after power-on it announces everything
    house.time.advance(4 * HOUR);
    expect(house.readings().length - before).toBeGreaterThan(220);
    // Once it knows, a report is one connection, and few try more.
    const { connects } = house.broker;
    house.time.advance(12 * HOUR);
    expect(house.broker.connects - connects).toBeLessThan(100);
    house.messages.length = 0;
    house.replaceBroker({ retainAvailable: true });
    house.time.advance(8 * HOUR);
    expect(house.messages.some(({ topic }) => topic.startsWith("homeassistant/"))).toBe(true);
    expect(device.longestWakeMs).toBeLessThan(21 * SECOND);
  });

  test("one reading: it is a dead letter, counted, and no other is lost", () => {
    const device = sleeper();
    const { house } = device;
    closeOn(house, '"seq":3}');
    house.time.advance(30 * HOUR);
    const seqs = house.sequences();
    expect(seqs.length).toBeGreaterThan(30 * 60 - 30);
    expect([...seqs].sort((a, b) => Number(a) - Number(b))).toEqual(seqs.map((_, n) => (n < 3 ? n : n + 1)));
    device.chip?.press();
    house.time.advance(5 * SECOND);
    expect(device.status("losses")).toBe("1 dead-lettered");
  });

  test("noise in its memory, or that of another firmware: it finds the addresses again, and nothing is lost", () => {
    const device = sleeper();
    const { house } = device;
    house.replaceBroker({ five: "closes", retainAvailable: false, saysWhy: false });
    const random = new Random(SEED);
    for (let n = 0; n < 6; n++) {
      house.time.advance(27 * MINUTE);
      house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
      const place = device.chip?.memory.subarray(LEARNED_AT, LEARNED_AT + LEARNED_BYTES) as Uint8Array;
      if (n % 2 === 0) place[random.whole(0, 90)] ^= 1 << random.whole(0, 7);
      else
        place.forEach((_, at) => {
          place[at] = random.whole(0, 255);
        });
    }
    house.time.advance(3 * HOUR);
    drain(device);
    expectExactlyOnce(device);
  });
});

describe("what RTC memory holds when it wakes", () => {
  const cases: [string, (device: SimulatedDevice) => void][] = [
    ["nothing", ({ chip }) => chip?.memory.fill(0)],
    ["ones", ({ chip }) => chip?.memory.fill(0xff)],
    ["a wrong bit", ({ chip }) => chip?.memory.set([chip.memory[21] ^ 0x10], 21)],
    ["another firmware's record", ({ chip }) => chip?.firmware.fill(9)],
  ];

  test("a wrong bit in a part that only reports use: the outbox is mounted, everything is announced again, and nothing is lost, doubled or out of order", () => {
    const device = sleeper();
    const { house } = device;
    for (let n = 0; n < 8; n++) {
      house.time.advance(13 * MINUTE);
      house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
      const memory = device.chip?.memory as Uint8Array;
      memory[320 + 17 * n] ^= 1 << (n & 7);
    }
    drain(device);
    expectExactlyOnce(device);
    expect(house.readings().length).toBeGreaterThan(90);
  });

  test.each(cases)("%s: a full start, and nothing is lost, doubled or out of order", (_what, change) => {
    const device = sleeper();
    const { house } = device;
    for (let n = 0; n < 4; n++) {
      house.time.advance(47 * MINUTE);
      house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
      const { wholes } = device;
      change(device);
      house.time.advance(2 * MINUTE);
      expect(device.wholes).toBeGreaterThan(wholes);
    }
    drain(device);
    expectExactlyOnce(device);
    expect(house.readings().length).toBeGreaterThan(190);
  });

  test("an older record, from before samples that are in flash: they are not written over", () => {
    const device = sleeper({ report: "600" });
    const { time } = device.house;
    time.advance(7.5 * MINUTE);
    const old = device.chip?.memory.slice() as Uint8Array;
    time.advance(5 * MINUTE);
    device.chip?.memory.set(old);
    time.advance(10 * MINUTE);
    device.chip?.press();
    time.advance(MINUTE);
    drain(device);
    expectExactlyOnce(device);
  });
});

test("power is cut at any byte of flash, or between sleep and wake: readings arrive once and in order", () => {
  const random = new Random(SEED);
  for (let trial = 0; trial < 3; trial++) {
    const device = sleeper(
      { report: random.pick(["0", "3", "10"]), interval: random.pick(["20", "60"]) },
      1 + (random.unit() - 0.5) / 10,
    );
    const { house, flash } = device;
    for (let cut = 0; cut < 15; cut++) {
      house.time.advance(random.unit() * 10 * MINUTE);
      if (random.unit() < 0.3) device.cut();
      else {
        flash.cutAfter(Math.floor(random.unit() * 150));
        for (let n = 0; n < 60 && device.chip !== undefined && !flash.isOff; n++) house.time.advance(10 * SECOND);
        if (!flash.isOff) device.cut();
      }
      house.time.advance(random.unit() * MINUTE);
      if (random.unit() < 0.2) device.cutBootAfter = Math.floor(random.unit() * 300);
      device.powerOn();
    }
    house.time.advance(MINUTE);
    device.cut();
    drain(device);
    house.time.advance(HOUR);
    drain(device);
    expectExactlyOnce(device);
    expect(device.taken.length).toBeGreaterThan(100);
  }
});
