/*
 * DUP against a server that does anything: 0 at the first sending of a message, 1 at each repetition until it is answered, and 0 again after
 * a refusal by a reason code and in a new session (MQTT 3.1.1 and 5, §3.3.1.1, §4.3, §4.4). Possible doubles are those messages of QoS 2,
 * and no others, that a lost session may have delivered. RUNS=n: n runs instead of 15. SEED=n: other ones.
 */
import { describe, expect, test } from "vitest";
import type { SessionStart } from "../../../src/mqtt/client.js";
import { Broker5 } from "../../../src/mqtt/v5/broker5.js";
import { Random } from "../../simulation/random.js";
import { SEED } from "../../support/seed.js";
import { VirtualTime } from "../../support/virtual-time.js";
import { HostileServer, type Temper } from "../support/hostile-server.js";
import { Setup } from "../support/setup.js";
import { SpannedStore } from "../support/spanned-store.js";

const RUNS = Number(process.env.RUNS ?? 15);
const STEPS = 1_000;

/** A device, through its restarts. */
class Device {
  readonly store = new SpannedStore(1_000);
  readonly time = new VirtualTime();
  /** Number of oldest entries that may have been sent, as the owner has recorded it. */
  reach = 0;
  possibleDoubles = 0;
  readonly delivered = new Set<string>();
  /** An entry was sent at QoS 1 because this client had found out that the server refuses QoS 2. */
  hasLowered = false;
  setup: Setup;
  readonly #options: ConstructorParameters<typeof Setup>[0];
  readonly #payloads: string[] = [];

  constructor(options: ConstructorParameters<typeof Setup>[0]) {
    this.#options = options;
    this.setup = this.#boot({});
  }

  #boot(more: ConstructorParameters<typeof Setup>[0]): Setup {
    const { store, time } = this;
    return new Setup(
      {
        ...this.#options,
        onSession: (session) => this.#record(session),
        onSettled: (sequence, outcome) => {
          if (outcome === "delivered") this.delivered.add(this.#payloads[sequence]);
        },
        onReach: (entries) => {
          this.reach = Math.max(this.reach, entries);
        },
        onLowered: (_sequence, why, isPossibleDouble) => {
          if (isPossibleDouble) this.possibleDoubles++;
          const { limits } = this.setup.client.status();
          if (why === "refused" && limits?.effective.maxQoS !== 1) this.hasLowered = true;
        },
        ...more,
      },
      { store, time },
    );
  }

  #record({ present, reach, possibleDoubles }: SessionStart): void {
    this.reach = present ? Math.max(this.reach, reach) : reach;
    this.possibleDoubles += possibleDoubles;
  }

  /** `isSleep`: what was learned is kept. */
  restart(isSleep: boolean): void {
    this.setup.client.close();
    const perhapsSent = this.reach;
    const learned = isSleep ? this.setup.client.learned : undefined;
    this.setup = this.#boot({ perhapsSent, learned });
    this.setup.client.start();
  }

  /** Queues a message: its number, its QoS, and sometimes so much that a server may not accept its length. */
  publish(qos: 1 | 2, isLong: boolean): void {
    const payload = `${this.#payloads.length}q${qos}${isLong ? ".".repeat(40) : ""}`;
    this.#payloads.push(payload);
    this.setup.publish(payload, qos);
  }

  /** The payloads of the oldest entries that are not settled. */
  oldest(count = Number.POSITIVE_INFINITY): string[] {
    const payloads: string[] = [];
    for (let entry = this.store.seek(0); entry && payloads.length < count; entry = this.store.seek(entry.sequence + 1))
      payloads.push(Buffer.from(entry.payload).toString("latin1"));
    return payloads;
  }
}

function run(level: 4 | 5, seed: number, { isRestarting }: { isRestarting: boolean }) {
  const random = new Random(seed);
  const upTo = (max: number): number => (random.chance(0.5) ? 0 : random.unit() * max);
  const temper: Temper = {
    closes: upTo(0.3),
    isSilent: upTo(0.1),
    refuses: upTo(0.4),
    isLate: upTo(0.9),
    loses: upTo(0.3),
    limits: upTo(1),
    bad: upTo(0.3),
    pubacks: random.chance(0.2) ? 1 : 0,
  };
  const device = new Device({
    ...(level === 5 ? { version5: Broker5, version: 5 } : {}),
    keepAlive: 10,
    window: random.whole(1, 8),
    deadLetterAfter: random.whole(2, 4),
    backoff: { firstMs: 500, longestMs: 2_000, steadyMs: 30_000, refusedMs: 2_000 },
  });
  const server = new HostileServer(device, level, random, temper);
  device.setup.client.start();
  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.15) && device.store.length < 200)
      device.publish(random.chance(0.5) ? 1 : 2, random.chance(0.1));
    if (random.chance(0.02)) device.setup.client.publish("a", Buffer.from(`ram${step}`), { qos: 1 });
    if (isRestarting && random.chance(0.003)) {
      server.excused = new Set(device.oldest(device.reach));
      device.restart(random.chance(0.5));
    }
    server.serve();
    device.time.advance(random.pick([10, 100, 1_000]));
  }
  for (const payload of device.delivered) if (!server.accepted.has(payload)) server.breaches.push(`${payload}: lost`);
  return { server, device };
}

describe.each([4, 5] as const)("version %d", (level) => {
  test("DUP, and each possible double", () => {
    const found: string[] = [];
    let compared = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const { server, device } = run(level, seed, { isRestarting: false });
      found.push(...server.breaches.map((breach) => `seed ${seed}: ${breach}`));
      // The client knows only from PUBACK itself that a server has handled QoS 2 as QoS 1.
      if (server.temper.pubacks || device.hasLowered) continue;
      compared++;
      if (device.possibleDoubles !== server.mayDouble.size)
        found.push(`seed ${seed}: ${device.possibleDoubles} possible doubles, not ${server.mayDouble.size}`);
      const uncounted = [...server.doubles].filter((payload) => !server.mayDouble.has(payload));
      if (uncounted.length > 0) found.push(`seed ${seed}: ${uncounted} came twice`);
    }
    console.log(`${RUNS} runs, ${compared} counted, seed ${SEED}`);
    expect(found).toEqual([]);
    expect(compared).toBeGreaterThan(RUNS / 4);
  });

  test("over restarts: DUP 1 also for as many as may have been sent, and for no others", () => {
    const found: string[] = [];
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const { server, device } = run(level, seed, { isRestarting: true });
      found.push(...server.breaches.map((breach) => `seed ${seed}: ${breach}`));
      if (!server.temper.pubacks && device.possibleDoubles < server.doubles.size)
        found.push(`seed ${seed}: ${device.possibleDoubles} possible doubles, and ${server.doubles.size} doubles`);
    }
    console.log(`${RUNS} runs, seed ${SEED}`);
    expect(found).toEqual([]);
  });
});
