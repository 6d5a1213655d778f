/* Scan results for display and for programs: each name once, strongest first, no more than fit a screen. */
import type { Network } from "./host.js";

const MAX_NETWORKS = 20;

/** The strongest networks of `heard`; of equal names the strongest. Hidden ones (no name) are left out. */
export function strongest(heard: readonly Network[]): readonly Network[] {
  const sorted = heard.filter(({ ssid }) => ssid !== "").sort((a, b) => b.rssi - a.rssi);
  const isStrongest = ({ ssid }: Network, at: number): boolean => sorted.findIndex((one) => one.ssid === ssid) === at;
  return sorted.filter(isStrongest).slice(0, MAX_NETWORKS);
}
