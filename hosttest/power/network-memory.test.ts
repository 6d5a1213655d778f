/*
 * A sleeper's memory of its network: the next report uses it, and forgets what has failed once. The simulated Wi-Fi is stricter than a
 * chip: an access point is not found on another channel than the one given.
 */
import { expect, test } from "vitest";
import type { ResolveOptions, ResolverConstructor } from "../../src/mqtt/wire/io.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOST = "broker.test";
const SETTINGS = { sleep: "on", interval: "60", report: "10", "mqtt.qos": "2", awake: "10", "mqtt.host": HOST };
const HOME = { ssid: "home", password: "correct horse", rssi: -60 };

/** A sleeper that has slept for half an hour, and the names that were looked up since. */
class Setup {
  readonly asked: string[] = [];
  address = "10.0.0.1";
  readonly device: SimulatedDevice;

  constructor(settings: Record<string, string> = {}) {
    const device = new SimulatedDevice({ defaults: { ...SETTINGS, ...settings }, sleep: { rate: 1.02 } });
    const { ssid, password } = { ssid: device.defaults["wifi.ssid"], password: device.defaults["wifi.password"] };
    Object.assign(HOME, { ssid, password });
    this.device = device;
    this.channel = 6;
    device.resolver = this.#resolver();
    device.powerOn();
    this.pass(35);
    this.look();
  }

  /** The access point is there now. */
  set channel(channel: number) {
    this.device.wifi.setAir([{ ...HOME, channel }]);
  }

  pass(minutes: number): void {
    const { time } = this.device.house;
    time.advance(minutes * MINUTE);
    time.runUntil(() => this.device.chip?.isAsleep === true, MINUTE);
  }

  /** Names that were looked up, and channels of joins, since the last call. */
  look(): { names: string[]; channels: (number | undefined)[] } {
    const channels = this.device.wifi.channels.slice(this.#joins);
    this.#joins += channels.length;
    return { names: this.asked.splice(0), channels };
  }

  #joins = 0;

  #resolver(): ResolverConstructor {
    const setup = this;
    return class {
      resolve({ host, onResolved }: ResolveOptions): void {
        setup.asked.push(host);
        setup.device.house.time.timers.set(() => onResolved(host, setup.address), 20);
      }
    };
  }
}

/** All of it arrived, once and in order. */
function expectWhole({ device }: Setup, atLeast: number): void {
  const numbers = device.house.sequences();
  expect(numbers).toEqual(numbers.map((_, n) => n));
  expect(numbers.length).toBeGreaterThanOrEqual(atLeast);
  expect(device.crashes).toEqual([]);
}

test("a report asks no name and scans no channels where the one before has found both", () => {
  const setup = new Setup();
  setup.pass(32);
  const { names, channels } = setup.look();
  expect(names).toEqual([]);
  expect(channels.length).toBeGreaterThanOrEqual(3);
  expect(new Set(channels)).toEqual(new Set([6]));
  expectWhole(setup, 52);
});

test("the router has moved to another channel: one join fails, and all later ones begin at the new one", () => {
  const setup = new Setup();
  setup.channel = 11;
  setup.pass(32);
  const { channels } = setup.look();
  expect(channels.slice(0, 2)).toEqual([6, undefined]);
  expect(channels.length).toBeGreaterThanOrEqual(3);
  expect(new Set(channels.slice(2))).toEqual(new Set([11]));
  expectWhole(setup, 52);
});

test("the broker has moved: one attempt, then its name is looked up, and its address remembered again", () => {
  const setup = new Setup();
  const { network } = setup.device.house;
  network.weather.blackHole = true;
  setup.pass(10);
  expect(setup.look().names, "used the remembered addresses").toEqual([]);
  setup.pass(20);
  expect(setup.look().names.length, "each report that fails looks them up again").toBeGreaterThanOrEqual(1);
  network.weather.blackHole = false;
  setup.pass(32);
  const first = setup.look();
  expect(first.names).toEqual([HOST]);
  setup.pass(32);
  expect(setup.look().names).toEqual([]);
  expectWhole(setup, 90);
});

test("refused at once: the same report looks the name up", () => {
  const setup = new Setup();
  const { network } = setup.device.house;
  network.weather.refusing = true;
  const { time } = setup.device.house;
  const { channels } = setup.device.wifi;
  const joins = channels.length;
  time.runUntil(() => channels.length > joins, 15 * MINUTE);
  const { sleeps } = setup.device;
  time.runUntil(() => setup.asked.length > 0, 15 * MINUTE);
  expect(setup.device.sleeps).toBe(sleeps);
  expect(setup.look().names).toEqual([HOST]);
  network.weather.refusing = false;
  setup.pass(32);
  setup.look();
  expectWhole(setup, 50);
});

test.each([
  ["what is kept of it is damaged", (memory: Uint8Array) => memory.set([memory[469] ^ 1], 469)],
  ["RTC memory is lost", (memory: Uint8Array) => memory.fill(0)],
])("%s: a full join, and nothing else changes", (_, damage) => {
  const setup = new Setup();
  damage(setup.device.chip?.memory as Uint8Array);
  setup.pass(32);
  const { names, channels } = setup.look();
  expect(names).toEqual([HOST]);
  expect(channels[0]).toBeUndefined();
  expect(new Set(channels.slice(1))).toEqual(new Set([6]));
  expectWhole(setup, 52);
});

test("another broker is set: what was known of the one before means nothing", () => {
  const setup = new Setup();
  setup.device.defaults["mqtt.host"] = "other.test";
  setup.pass(32);
  const { names } = setup.look();
  expect(names, "asked by the connection that wipes a session, and by the next").toEqual(["other.test", "other.test"]);
});

test("a broker by its address, and one whose name has no IPv4 address: nothing is remembered, and all is delivered", () => {
  const numeric = new Setup({ "mqtt.host": "10.0.0.1" });
  numeric.pass(32);
  expect(numeric.look().names).toEqual([]);
  expectWhole(numeric, 52);
  const setup = new Setup();
  setup.address = "fd00::1";
  setup.device.chip?.memory.fill(0);
  setup.pass(32);
  expect(setup.look().names.length).toBeGreaterThanOrEqual(3);
  expectWhole(setup, 52);
});
