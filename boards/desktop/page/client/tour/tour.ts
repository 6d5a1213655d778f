/*
 * Runs the tour's steps on the first device, and restores the previous state when it ends or is stopped.
 */
import type { Live } from "../live.js";
import { type Place, type Stage, steps } from "./steps.js";

class Stopped extends Error {}

export class Tour {
  /** Index of the running step; undefined: none. */
  step: number | undefined;
  /** It has reached its end. */
  isDone = false;
  readonly #live: Live;
  /** How many seconds of the tour pass in one second: `?hurry=6` in the address. */
  readonly #hurry = Math.max(1, Number(new URLSearchParams(location.search).get("hurry")) || 1);
  #isStopping = false;
  #deviceId: string | undefined;

  constructor(live: Live) {
    this.#live = live;
  }

  get isRunning(): boolean {
    return this.step !== undefined;
  }

  get deviceId(): string | undefined {
    return this.#deviceId;
  }

  /** The station that the step is about. */
  get focus(): Place | undefined {
    return this.step === undefined ? undefined : steps[this.step].place;
  }

  start(): void {
    if (!this.isRunning && this.#live.devices.length > 0) void this.#run();
  }

  stop(): void {
    this.#isStopping = true;
  }

  close(): void {
    this.isDone = false;
  }

  async #run(): Promise<void> {
    const [device] = this.#live.devices;
    const { intervalMs } = device.state;
    this.#deviceId = device.id;
    this.#isStopping = this.isDone = false;
    const stage: Stage = {
      device,
      isOwnBroker: this.#live.broker?.kind === "embedded",
      act: (action) => this.#live.act(device.id, action),
      broker: (action) => this.#live.onBroker(action),
      pause: (seconds) => this.#pause((seconds * 1_000) / this.#hurry),
      until: (condition) => this.#until(condition),
    };
    this.#putBack(stage);
    try {
      for (this.step = 0; this.step < steps.length; this.step++) await steps[this.step].run(stage);
      this.isDone = true;
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    } finally {
      this.step = undefined;
      this.#putBack(stage);
      if (device.state.intervalMs !== intervalMs) stage.act({ do: "pace", seconds: undefined });
    }
  }

  #putBack({ device, act, broker, isOwnBroker }: Stage): void {
    const { power, hasNetwork, isSensorThere } = device.state;
    if (power === "off") act({ do: "powerOn" });
    if (!hasNetwork) act({ do: "network", on: true });
    if (!isSensorThere) act({ do: "sensor", on: true });
    if (isOwnBroker && this.#live.broker?.isRunning === false) broker("start");
  }

  #pause(ms: number): Promise<void> {
    const untilMs = Date.now() + ms;
    return this.#until(() => Date.now() >= untilMs);
  }

  /** Checked with every change, and each second. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let stopListening = (): void => {};
      const look = (): void => {
        if (this.#isStopping) reject(new Stopped());
        else if (condition()) resolve();
        else return;
        clearInterval(timer);
        stopListening();
      };
      const timer = setInterval(look, 200);
      stopListening = this.#live.listen(look);
      look();
    });
  }
}
