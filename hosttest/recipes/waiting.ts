/*
 * Common parts of the runs: devices, a broker, waiting with progress, and the messages that an independent observer saw.
 */
import type { Collector, SeenReading } from "../support/collector.js";
import type { Progress } from "../support/command-line/progress.js";
import type { DeviceRun } from "./device-run.js";
import type { Expected } from "./verdict.js";

const SETTLE_MS = 600_000; // a device's longest back-off, and a backlog
export const CHECK_MS = 1_000;
/** A computer whose clock is at 1970, like a chip's before it knows the time. */
export const NO_CLOCK = { NODE_OPTIONS: "--import data:text/javascript,Date.now=()=>Math.floor(performance.now())" };

export class Waiting {
  readonly #progress: Progress;
  readonly #observer: Collector;

  constructor(progress: Progress, observer: Collector) {
    this.#progress = progress;
    this.#observer = observer;
  }

  /** Waits until a device has delivered all that it had when this began: it connects again when its back-off is over. */
  async drain(device: DeviceRun): Promise<void> {
    const written = device.written;
    const left = (): number => {
      const settled = new Set(device.settled);
      return written.filter((seq) => !settled.has(seq)).length;
    };
    await this.until(
      () => left() === 0,
      () => `the broker is back, ${device.room} has ${left()} to send; ${this.#observer.arrivals.length} messages`,
    );
  }

  /** Waits until the observer has seen all that a device has settled. */
  async untilSeen(device: DeviceRun): Promise<void> {
    const missing = (): number[] => {
      const seen = new Set(
        this.#observer.arrivals
          .filter(({ topic }) => topic.split("/")[1] === device.room)
          .map(({ payload }) => JSON.parse(payload).seq),
      );
      return device.settled.filter((seq) => !seen.has(seq));
    };
    await this.until(
      () => missing().length === 0,
      () => `${device.room}: settled, and not seen yet: ${missing().slice(0, 20).join(", ")}`,
    );
  }

  /** @throws Error with `state` if the condition does not hold in time */
  async until(condition: () => boolean, state: () => string): Promise<void> {
    for (const untilMs = Date.now() + SETTLE_MS; !condition(); await sleep(CHECK_MS)) {
      if (Date.now() > untilMs) throw new Error(`after ${SETTLE_MS / 1000} s: ${state()}`);
      this.#progress.show(state);
    }
  }

  async wait(seconds: number, what: string): Promise<void> {
    this.#progress.line(`${what}: ${seconds} s`);
    for (const untilMs = Date.now() + seconds * 1000; Date.now() < untilMs; await sleep(CHECK_MS)) {
      const leftS = Math.ceil((untilMs - Date.now()) / 1000);
      this.#progress.show(() => `${what}, ${leftS} s more; ${this.#observer.arrivals.length} messages`);
    }
  }

  /** Messages that the observer has seen, each once: its first arrival. */
  expected(): Expected[] {
    const messages = new Map<string, Expected>();
    for (const { topic, payload, atMs } of this.#observer.arrivals) {
      const { seq = -1, value, ts }: SeenReading = JSON.parse(payload);
      const room = topic.split("/")[1];
      const tsMs = ts === undefined ? undefined : Date.parse(ts);
      if (!messages.has(`${room}/${seq}`)) messages.set(`${room}/${seq}`, { room, seq, value, tsMs, arrivedMs: atMs });
    }
    return [...messages.values()];
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
