/*
 * A scan's result as people and programs want it: every name once, the strongest first, no more than fit a screen.
 */
import type { Network } from "./host.js";

const NETWORKS_MAX = 20;

/** The strongest networks of `heard`; of equal names the strongest. Hidden ones (no name) are left out. */
export function strongest(heard: readonly Network[]): readonly Network[] {
  const kept: Network[] = [];
  for (const network of [...heard].sort((a, b) => b.rssi - a.rssi)) {
    const isNew = network.ssid !== "" && kept.every((one) => one.ssid !== network.ssid);
    if (isNew && kept.length < NETWORKS_MAX) kept.push(network);
  }
  return kept;
}
