/*
 * The desktop device in its own room, with the numbers that it reports as written and settled.
 */
import { join } from "node:path";
import { DeviceProcess } from "../support/device.js";

export class DeviceRun {
  readonly room: string;
  readonly #process: DeviceProcess;

  /** Starts it. `folder`: for its flash. `environment`: what differs from this process's. */
  constructor(room: string, intervalS: number, port: number, folder: string, environment?: Record<string, string>) {
    this.room = room;
    const where = ["--broker", `mqtt://127.0.0.1:${port}`, "--room", room, "--flash", join(folder, `${room}.flash`)];
    this.#process = new DeviceProcess(["--headless", ...where, "--interval", `${intervalS}`], environment);
  }

  /** Sequence numbers of its readings so far. */
  get written(): number[] {
    return this.#numbers("reading ");
  }

  /** Sequence numbers that the broker has acknowledged. */
  get settled(): number[] {
    return this.#numbers("settled ");
  }

  /** Ends it normally. */
  async end(): Promise<void> {
    this.#process.terminate();
    await this.#process.exit();
  }

  async kill(): Promise<void> {
    await this.#process.kill();
  }

  #numbers(word: string): number[] {
    return this.#process
      .lines(word)
      .map((line) => /seq=(\d+)/.exec(line)?.[1])
      .filter((seq) => seq !== undefined)
      .map(Number);
  }
}
