/*
 * Seeds that once found an error, with a description. They run in every swarm, so that a regression is found again.
 * When the generator of schedules changes, a seed gives another run, and its line is only history.
 * Three runs of 36.5 days, too long for a test, are started by hand: `npm run simulate -- --years 0.1 --devices 1 --cuts-a-day 4 --faults-a-day 12 --seed S`
 * with S = 2477474040 (a clock corrected in between), 2774957865 (a CONNACK that is lost with the session), 54500084 (a broker that closes on every third packet).
 */
import type { RunOptions } from "./run.js";

export interface FoundOnce {
  readonly options: Pick<RunOptions, "seed" | "devices" | "days" | "intervalS"> &
    Partial<Pick<RunOptions, "cutsPerDay" | "troublesPerDay">>;
  readonly found: string;
}

const DENSE = { devices: 1, days: 1, intervalS: 60, cutsPerDay: 12, troublesPerDay: 60 };

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
    options: { ...DENSE, seed: 5071 },
    found:
      "MQTT 5: of several entries put off by 0x97 the first was taken, the others were put off again, and nothing went any more",
  },
  {
    options: { ...DENSE, seed: 5019 },
    found:
      "a broker of MQTT 5 that had stalled got more of QoS 2 at 3.1.1 than its limit, and dropped it without a word",
  },
  {
    options: { ...DENSE, seed: 1139, intervalS: 30 },
    found: "a Server Keep Alive of 65,535 s: a half-open connection was not noticed for hours",
  },
];
