/*
 * Any number of thermometers on virtual time, and one broker that is down for a while.
 * Each device is only the MQTT client with a queue in RAM: the test measures when they connect, and how soon all are served.
 * The broker accepts so many connections a second and refuses the others, as a listen queue does.
 */
import { Client } from "../../src/mqtt/client.js";
import { MemoryStore } from "../../src/mqtt/delivery/store.js";
import { Broker } from "../simulation/broker/broker.js";
import { Network } from "../simulation/network.js";
import { Random } from "../simulation/random.js";
import { VirtualTime } from "../support/virtual-time.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const READING_MS = MINUTE;
const BEFORE_MS = 3 * MINUTE;
const LIMIT_MS = 60 * MINUTE;
const AT_LOSS_S = 30;

export interface FleetOptions {
  readonly devices: number;
  readonly seed: number;
  readonly awayMs: number;
  readonly acceptsPerSecond: number;
  /** Our back-off, or esp-mqtt's: every ten seconds. */
  readonly retry: "jitter" | "fixed";
  /** Called at intervals with the elapsed virtual seconds. */
  onProgress?(virtualS: number): void;
}

export interface FleetResult {
  /** Attempts in each second since the broker went down. */
  readonly attempts: readonly number[];
  /** Maximum attempts in one second: when the broker goes down, and after its return. */
  readonly peakAtLoss: number;
  readonly peakAtReturn: number;
  readonly totalAttempts: number;
  /** Seconds from the broker's return until 99 % of the devices are connected, and until all backlogs are drained. */
  readonly backS: number;
  readonly drainedS: number;
}

/** esp-mqtt's default: ten seconds, no jitter. */
const FIXED = { firstMs: 10 * SECOND, longestMs: 10 * SECOND, steadyMs: 0, refusedMs: 10 * SECOND };

export function runFleet({ devices, seed, awayMs, acceptsPerSecond, retry, onProgress }: FleetOptions): FleetResult {
  const random = new Random(seed);
  const time = new VirtualTime();
  const attempts: number[] = [];
  let goneMs = Number.POSITIVE_INFINITY;
  let backMs = Number.POSITIVE_INFINITY;
  let accepted = { second: -1, count: 0 };
  const broker = new Broker({
    time,
    random: random.fork(),
    forwardAt: "publish",
    forwarded: () => {},
    sessionLost: () => {},
    messageLost: () => {},
    breach: (client, what) => {
      throw new Error(`${client}: ${what}`);
    },
  });
  const network = new Network(time, (peer) => {
    const second = Math.floor((time.nowMs - goneMs) / SECOND);
    if (second >= 0) attempts[second] = (attempts[second] ?? 0) + 1;
    if (accepted.second !== second) accepted = { second, count: 0 };
    if (second >= 0 && ++accepted.count > acceptsPerSecond) return undefined;
    return broker.listen(peer);
  });
  const fleet = Array.from({ length: devices }, (_, i) => join(i, time, network, random.fork(), retry));

  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= SECOND) {
      time.advance(Math.min(SECOND, left));
      onProgress?.(time.nowMs / SECOND);
    }
  };
  pass(BEFORE_MS);
  goneMs = time.nowMs;
  broker.stop("kept");
  pass(awayMs);
  broker.start();
  const returnedMs = time.nowMs;
  let drainedMs = Number.POSITIVE_INFINITY;
  while (time.nowMs < returnedMs + LIMIT_MS && drainedMs === Number.POSITIVE_INFINITY) {
    pass(SECOND);
    const connected = fleet.filter(({ client }) => client.status().state === "connected").length;
    if (connected >= devices * 0.99) backMs = Math.min(backMs, time.nowMs);
    if (connected === devices && fleet.every(({ store }) => store.length <= 1)) drainedMs = time.nowMs;
  }
  for (const { client } of fleet) client.close();
  const counts = Array.from(attempts, (count) => count ?? 0);
  const returnedS = Math.floor(awayMs / SECOND);
  return {
    attempts: counts,
    peakAtLoss: Math.max(...counts.slice(0, AT_LOSS_S)),
    peakAtReturn: Math.max(...counts.slice(returnedS)),
    totalAttempts: counts.reduce((sum, count) => sum + count, 0),
    backS: (backMs - returnedMs) / SECOND,
    drainedS: (drainedMs - returnedMs) / SECOND,
  };
}

function join(index: number, time: VirtualTime, network: Network, random: Random, retry: FleetOptions["retry"]) {
  const store = new MemoryStore(1000);
  const client = new Client({
    socket: { io: network.socketClass(() => true) },
    host: "10.0.0.1",
    port: 1883,
    id: `fleet${index}`,
    bufferLength: 256,
    timers: time.timers,
    uptimeMs: () => time.nowMs,
    random: retry === "jitter" ? random.unit : () => 1 - Number.EPSILON,
    backoff: retry === "jitter" ? undefined : FIXED,
    outbound: store,
    render: (entry) => entry,
  });
  const payload = Uint8Array.of(0x32, 0x31);
  const take = (): void => {
    store.append("home/fleet/temperature", payload, 1);
    client.wake();
    time.timers.set(take, READING_MS);
  };
  time.timers.set(
    () => {
      client.start();
      take();
    },
    random.whole(0, MINUTE),
  );
  return { client, store };
}
