/* The progress line of an update: share, speed, and time left. */
import type { DeviceState } from "./sender.js";

const WIDTH = 24;
const SPAN_MS = 10_000;

/** Bytes a second, over the last seconds. */
export class Rate {
  readonly #seen: { readonly at: number; readonly ms: number }[] = [];

  at(at: number, ms: number): void {
    if (this.#seen.at(-1)?.at === at) return;
    this.#seen.push({ at, ms });
    while (this.#seen.length > 2 && ms - this.#seen[0].ms > SPAN_MS) this.#seen.shift();
  }

  /** Undefined: not known yet. */
  get bytesPerS(): number | undefined {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (first === undefined || last === undefined || last.ms <= first.ms || last.at <= first.at) return undefined;
    return (1_000 * (last.at - first.at)) / (last.ms - first.ms);
  }
}

/** `state`: the device's last state message; undefined: it has not answered yet. */
export function barOf(state: DeviceState | undefined, size: number, rate: Rate): string {
  if (state === undefined) return "announced, waiting for the device (one that sleeps answers with its next report)";
  switch (state.state) {
    case "receiving": {
      const at = state.at ?? 0;
      const share = at / size;
      const full = Math.round(share * WIDTH);
      const { bytesPerS } = rate;
      const pace =
        bytesPerS === undefined
          ? ""
          : `, ${(bytesPerS / 1024).toFixed(1)} KB/s, ${leftText((size - at) / bytesPerS)} left`;
      return `[${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${Math.floor(100 * share)} %${pace}`;
    }
    case "verifying":
      return "written; the device reads it back and verifies it";
    case "switching":
      return "verified; the device restarts with it";
    case "trial":
      return `on trial, ten minutes at most${state.reason === undefined ? "" : `: ${state.reason}`}`;
    default:
      return state.state;
  }
}

function leftText(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
