/*
 * Seeds that once found something, with what it was. They run in every swarm; a fix that is undone is found again here.
 * The schedule that a seed brews changes when the storm does: then the line is history, and the seed one among others.
 */
import type { RunOptions } from "./run.js";

export interface FoundOnce {
  readonly options: Pick<RunOptions, "seed" | "devices" | "days" | "intervalS">;
  readonly found: string;
}

export const seedsThatFound: readonly FoundOnce[] = [
  {
    options: { seed: 1, devices: 1, days: 1, intervalS: 60 },
    found: "a temperature was rounded twice, to thousandths and then to what is shown: 21.8047 became 21.81",
  },
  {
    options: { seed: 1000, devices: 1, days: 9, intervalS: 60 },
    found: "QoS changed from 2 to 1 on the fly: a broker that forwards at PUBREL turned readings round",
  },
  {
    options: { seed: 1073, devices: 1, days: 9, intervalS: 60 },
    found: "Wi-Fi down at boot: the uplink was notified before it was started, and never heard that the link was up",
  },
  {
    options: { seed: 2_477_474_040, devices: 1, days: 36.5, intervalS: 60 },
    found: "a clock corrected in between: a QoS 2 message went again with another time",
  },
  {
    options: { seed: 2_774_957_865, devices: 1, days: 36.5, intervalS: 60 },
    found: "a broker lost its session, and the CONNACK that said so was lost: what it had taken over went with it",
  },
  {
    options: { seed: 54_500_084, devices: 1, days: 36.5, intervalS: 60 },
    found:
      "a broker that closes on every third packet for hours: the device reported it and sent others first, and the ledger took that for disorder",
  },
];
