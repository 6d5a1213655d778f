/*
 * One run of the simulation, determined by its seed: devices, a network, a broker, and a schedule of faults. Then the faults end, and
 * all readings must be settled. The same seed and schedule give the same run, byte for byte, as the digest shows.
 * In the code, `simulation` is the set of simulated things of a run, and `storm` its schedule of faults.
 */
import { VirtualTime } from "../support/virtual-time.js";
import { Broker } from "./broker/broker.js";
import type { Forwarded } from "./broker/message.js";
import { FAIR } from "./broker/options.js";
import { Device } from "./device/device.js";
import type { Ledger, Violation } from "./ledger.js";
import { Network } from "./network.js";
import { Random } from "./random.js";
import { drawPlan, type SleeperFigures } from "./sleepers/sleeper.js";
import { type Befallen, befall } from "./troubles/befall.js";
import { brew, type Event } from "./troubles/storm.js";
import { Versions } from "./troubles/versions.js";

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** After the last fault: limit for the last back-off and the backlog. */
const CALM_MS = 4 * HOUR;
const WEAR_SPREAD = 1.5; // most erased block to mean, once blocks have been erased often enough to judge
const LATEST_EVENTS = 40;
/** One run in eight begins after a long outage: with a ring of 1 MiB that was full and has drained. */
const LONG_PAST = 0x0a1d_5eed;
const LARGE_RING = 256;
const SENSORS = 0x5e_0505;
const PLANS = 0x51_eeb5;

export interface RunOptions {
  readonly seed: number;
  readonly devices: number;
  readonly days: number;
  readonly intervalS: number;
  readonly cutsPerDay: number;
  readonly troublesPerDay: number;
  /** The devices sleep between their samples. Default: they do not. */
  readonly sleepers?: boolean;
  /** Instead of the schedule drawn from the seed: for shrinking. */
  readonly events?: readonly Event[];
}

/** Data only: it is copied between threads. */
export interface RunResult {
  readonly seed: number;
  readonly events: readonly Event[];
  readonly violations: readonly Violation[];
  /** What happened last before the first violation. */
  readonly latest: readonly string[];
  readonly readings: number;
  readonly arrived: number;
  readonly cuts: number;
  readonly cutsInside: number;
  readonly drops: number;
  readonly dropped: number;
  readonly possibleDoubles: number;
  /** Readings that the broker had accepted, and lost with a session. */
  readonly lostByBroker: number;
  readonly sessionsLost: number;
  /** Readings that the broker refused permanently. */
  readonly deadLetters: number;
  /** CONNECTs that the broker accepted, in all and with MQTT 5. */
  readonly connects: number;
  readonly connectsAt5: number;
  readonly sleepers: readonly SleeperFigures[];
  /** Of samples that two synchronisations date: how many, and by how much the worst was off. */
  readonly exact: { readonly count: number; readonly worstMs: number };
  readonly digest: string;
}

export function run(options: RunOptions): RunResult {
  const simulation = new Simulation(options);
  simulation.storm();
  simulation.calm();
  return simulation.result();
}

class Simulation implements Befallen {
  readonly #options: RunOptions;
  readonly #time = new VirtualTime();
  readonly broker: Broker;
  readonly network: Network;
  readonly devices: readonly Device[];
  readonly #events: readonly Event[];
  readonly #versions: Versions;
  readonly #violations: Violation[] = [];
  readonly #log: string[] = [];
  #latest: string[] = [];
  #digest = 0;
  #sessionsLost = 0;
  #drops = 0;

  constructor(options: RunOptions) {
    const { seed, devices, days, intervalS, cutsPerDay, troublesPerDay, sleepers = false } = options;
    // From a separate generator, so that other runs stay the same.
    const sensors = new Random(seed ^ SENSORS);
    const isOld = new Random(seed ^ LONG_PAST).chance(0.125);
    const plans = new Random(seed ^ PLANS);
    this.#options = options;
    const random = new Random(seed);
    const brewing = random.fork();
    random.fork();
    this.#versions = new Versions((salt) => new Random(seed ^ salt));
    const versions = this.#versions;
    this.broker = new Broker({
      time: this.#time,
      random: random.fork(),
      forwardAt: random.pick(["publish", "pubrel"] as const),
      terms: versions.terms,
      forwarded: (message) => this.#onForwarded(message),
      sessionLost: (client) => this.#onSessionLost(client),
      messageLost: (message) => this.#concern(message, (ledger, { seq }) => ledger.brokerLost(seq)),
      messageRefused: (message, reason) => this.#concern(message, (ledger, { seq }) => ledger.refuse(seq, reason)),
      breach: (client, what) =>
        this.#report({ kind: "breach", device: indexOf(client), atMs: this.#time.nowMs, text: what }),
    });
    this.network = new Network(this.#time, this.broker.listen);
    const oldOr = (blocks: number): number => (isOld ? LARGE_RING : blocks);
    this.devices = Array.from(
      { length: devices },
      (_, index) =>
        new Device({
          index,
          time: this.#time,
          random: random.fork(),
          network: this.network,
          blocks: oldOr(random.pick([4, 6, 16, 64])),
          contents: isOld ? "drained" : "nothing",
          plan: sleepers ? drawPlan(plans, intervalS) : undefined,
          intervalS,
          sensor: sensors.pick(["tmp117", "sht3x", "sht3x, each"] as const),
          qos: random.pick([1, 2, 2] as const),
          version: versions.drawSetting(),
          mayLower: versions.mayLower,
          firstSequence: drawFirst(random),
          report: (violation) => this.#report(violation),
          log: (text) => this.#note(text),
        }),
    );
    const lengthMs = days * DAY;
    this.#events =
      options.events ?? brew({ random: brewing, devices, lengthMs, cutsPerDay, troublesPerDay, versions, sleepers });
  }

  /** All events, each at its time. */
  storm(): void {
    for (const device of this.devices) device.powerOn();
    for (const event of this.#events) {
      this.#time.advance(event.atMs - this.#time.nowMs);
      this.#note(JSON.stringify(event.trouble));
      befall(this, event.trouble, new Random(event.seed));
      if (this.#violations.length > 0) return;
    }
    this.#time.advance(this.#options.days * DAY - this.#time.nowMs);
  }

  /** No more faults: everything that was written must arrive, in bounded time. */
  calm(): void {
    this.#fairWeather();
    for (const device of this.devices) device.calm();
    const endMs = this.#time.nowMs + CALM_MS;
    while (this.#time.nowMs < endMs && this.#violations.length === 0 && !this.#isQuiet()) {
      this.#time.advance(10 * SECOND);
      for (const device of this.devices) device.rest(); // also devices that boot only now
    }
    for (const device of this.devices) if (device.sleeper !== undefined) device.switchOff();
    if (this.#violations.length === 0) for (const device of this.devices) this.#examine(device);
  }

  result(): RunResult {
    const sum = (count: (device: Device) => number): number => this.devices.reduce((all, one) => all + count(one), 0);
    return {
      seed: this.#options.seed,
      events: this.#events,
      violations: this.#violations,
      latest: this.#latest,
      readings: sum(({ ledger }) => ledger.appended),
      arrived: sum(({ ledger }) => ledger.arrived),
      cuts: sum(({ cuts }) => cuts),
      cutsInside: sum(({ cutsInside }) => cutsInside),
      drops: this.#drops,
      dropped: sum((device) => device.statistics()?.dropped ?? 0),
      possibleDoubles: sum(({ ledger }) => ledger.possibleDoubles),
      lostByBroker: sum(({ ledger }) => ledger.lostByBroker),
      sessionsLost: this.#sessionsLost,
      deadLetters: sum(({ ledger }) => ledger.deadLetters),
      connects: this.broker.connects,
      connectsAt5: this.broker.connectsAt5,
      sleepers: this.devices.flatMap(({ sleeper }) => sleeper?.figures ?? []),
      exact: {
        count: sum(({ ledger }) => ledger.exact.count),
        worstMs: Math.max(...this.devices.map(({ ledger }) => ledger.exact.worstMs)),
      },
      digest: (this.#digest >>> 0).toString(16).padStart(8, "0"),
    };
  }

  #isQuiet(): boolean {
    return this.devices.every(({ isQuiet }) => isQuiet);
  }

  #examine(device: Device): void {
    const { firmware, ledger, flash } = device;
    const { index } = device.options;
    const nowMs = this.#time.nowMs;
    const statistics = device.statistics();
    if (statistics === undefined || statistics.entries > 0) {
      const text =
        statistics === undefined
          ? "does not run"
          : `${statistics.entries} entries wait: ${JSON.stringify({ ...firmware?.uplink?.status, limits: undefined })}`;
      this.#report({ kind: "stuck", device: index, atMs: nowMs, text });
    }
    if (ledger.appended === 0) {
      // Nothing was at risk: such a run would keep every promise.
      this.#report({ kind: "stuck", device: index, atMs: nowMs, text: "not one reading was kept on flash" });
    }
    ledger.finish(statistics?.dropped ?? 0);
    const { max, mean } = statistics?.erases ?? { max: 0, mean: 0 };
    if (mean > 20 && max > mean * WEAR_SPREAD) {
      this.#report({
        kind: "wear",
        device: index,
        atMs: nowMs,
        text: `a block was erased ${max} times, the mean is ${mean}`,
      });
    }
    // With an entry for each channel every start is a full one.
    const waste = device.options.sensor === "sht3x, each" ? undefined : device.sleeper?.awake.waste;
    if (waste !== undefined) this.#report({ kind: "awake", device: index, atMs: nowMs, text: waste });
    if (flash.violations > 0) {
      this.#report({
        kind: "wear",
        device: index,
        atMs: nowMs,
        text: `${flash.violations} programs would have set a bit`,
      });
    }
  }

  onDrop(): void {
    this.#drops++;
  }

  #fairWeather(): void {
    Object.assign(this.network.weather, { latencyMs: 20, blackHole: false, refusing: false, roomBytes: 1460 });
    Object.assign(this.broker.mood, FAIR);
    this.broker.start();
  }

  later(delayMs: number, action: () => void): void {
    this.#time.timers.set(action, delayMs);
  }

  #onForwarded(message: Forwarded): void {
    if (!isReading(message)) return;
    this.#digest = mix(this.#digest, `${this.#time.nowMs} ${message.topic} ${message.payload}`);
    const { ledger, firmware } = this.devices[indexOf(message.client)];
    ledger.forward(message, firmware?.uplink?.status.refusal !== undefined);
  }

  /** The broker refused or lost a message: if it is a reading, the ledger notes it. */
  #concern(message: Forwarded, note: (ledger: Ledger, reading: { readonly seq: number }) => void): void {
    if (isReading(message)) note(this.devices[indexOf(message.client)].ledger, JSON.parse(message.payload));
  }

  #onSessionLost(client: string): void {
    this.#sessionsLost++;
    this.devices[indexOf(client)].ledger.sessionLost();
  }

  #report(violation: Violation): void {
    if (this.#violations.length === 0) this.#latest = this.#log.slice();
    this.#violations.push(violation);
  }

  #note(text: string): void {
    this.#log.push(`${(this.#time.nowMs / SECOND).toFixed(3)} s: ${text}`);
    if (this.#log.length > LATEST_EVENTS) this.#log.shift();
  }
}

/** A random number, often near a wrap: of the packet ids (61,440), or of 32 bits. */
function drawFirst(random: Random): number {
  return random.pick([0, 61_440 - random.whole(0, 40), 2 ** 32 - random.whole(0, 300), random.whole(0, 2 ** 40)]);
}

function isReading({ topic }: Forwarded): boolean {
  return /\/(temperature|humidity)$/.test(topic) && !topic.startsWith("homeassistant/");
}

/** Device ids end in the device's number. */
function indexOf(client: string): number {
  return Number.parseInt(client.slice(-2), 16);
}

/** FNV-1a. */
function mix(hash: number, text: string): number {
  let mixed = hash ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  return mixed;
}
