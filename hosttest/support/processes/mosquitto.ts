/*
 * A real mosquitto for a test: on its own loopback port, with persistence. It can be stopped, killed, and started
 * again with the data that it saved. Only the process that was started here is ever ended.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "../temporary.js";
import { accepts, freePort } from "./ports.js";

const COMMAND = "mosquitto";
const START_MS = 10_000;
/**
 * Maximum of messages in flight. Not 0, which means "no maximum": started again, mosquitto would then publish messages again after their
 * PUBREL (see findings).
 */
const MAX_IN_FLIGHT = 60_000;

export class Mosquitto {
  readonly port: number;
  /** Its port, and those of the listeners in `extra`, which open later: loading certificates takes time. */
  readonly #ports: readonly number[];
  readonly #folder: string;
  #process: ChildProcess | undefined;
  readonly #atExit = (): void => {
    this.#process?.kill("SIGKILL");
  };
  #log = "";

  private constructor(port: number, extra: string) {
    this.port = port;
    this.#ports = [port, ...[...extra.matchAll(/^listener (\d+)/gm)].map(([, other]) => Number(other))];
    process.prependOnceListener("exit", this.#atExit); // before its folder is removed
    this.#folder = temporaryFolder("mosquitto-");
    chmodSync(this.#folder, 0o777); // started as root, mosquitto drops root before it opens its files
    writeFileSync(
      join(this.#folder, "mosquitto.conf"),
      `listener ${port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location ${this.#folder}/
max_queued_messages 0
max_inflight_messages ${MAX_IN_FLIGHT}
${extra}
`,
    );
  }

  /** Starts a broker. `extra`: further lines of its configuration. */
  static async start(extra = ""): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort(), extra);
    await broker.start();
    return broker;
  }

  /** Starts again with the saved data. */
  async start(): Promise<void> {
    const started = spawn(COMMAND, ["-c", join(this.#folder, "mosquitto.conf")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    this.#process = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (text) => {
        this.#log = `${this.#log}${text}`.slice(-4000);
      });
    }
    const [failure] = await Promise.race([once(started, "error"), this.#listening().then(() => [undefined])]);
    if (failure instanceof Error)
      throw new Error(`mosquitto does not start (${failure.message}): run hosttest/setup.sh`);
  }

  /** Ends it as a service manager does: it saves first. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Stops it and removes its saved data. */
  async close(): Promise<void> {
    await this.kill();
    process.off("exit", this.#atExit);
    removeFolder(this.#folder);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, "exit");
    ending.kill(signal);
    await exited;
  }

  async #listening(): Promise<void> {
    const untilMs = Date.now() + START_MS;
    const closed = [...this.#ports];
    while (Date.now() < untilMs) {
      if (this.#process?.exitCode !== null) throw new Error(`mosquitto ended: ${this.#log}`);
      while (closed.length > 0 && (await accepts(closed[0]))) closed.shift();
      if (closed.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`mosquitto does not listen on port ${closed[0]}: ${this.#log}`);
  }
}
