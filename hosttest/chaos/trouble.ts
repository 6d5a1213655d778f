/*
 * Faults between the device and its broker: of the network, and of the broker.
 */
import type { Random } from "../simulation/random.js";
import type { BadNetwork } from "./bad-network.js";
import type { RealBroker } from "./brokers.js";

/** The parts that fail, and the random numbers that decide. */
export interface Stage {
  readonly random: Random;
  readonly proxy: BadNetwork;
  readonly broker: RealBroker;
}

/** One fault of network or broker, at a random time in the device's life or after it. Resolves when it is over and nothing fails any more. */
export async function stirUp({ random, proxy, broker }: Stage, forMs: number): Promise<void> {
  await sleep(random.whole(0, 800));
  switch (random.whole(0, 6)) {
    case 0:
      proxy.resetAll();
      return;
    case 1:
      proxy.halfOpenAll();
      return;
    case 2:
      proxy.weather = { kind: "slow", delayMs: random.whole(10, 400) };
      break;
    case 3:
      proxy.weather = { kind: "blackHole" };
      break;
    case 4:
      proxy.weather = { kind: "truncating", afterBytes: random.whole(1, 3000) };
      break;
    case 5:
      await broker.stop();
      await sleep(random.whole(0, 500));
      await broker.start();
      return;
    default:
      await broker.kill();
      await sleep(random.whole(0, 500));
      await broker.start();
      return;
  }
  await sleep(Math.min(forMs, 1500));
  proxy.weather = { kind: "fair" };
}

/** Resolves after so long. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
