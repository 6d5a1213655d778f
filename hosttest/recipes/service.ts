/*
 * A program that a recipe needs, as a process of ours: started on loopback, watched by what it prints, ended by its id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const READY_MS = 120_000;
const END_MS = 20_000;
const CHECK_MS = 100;

export class Service {
  readonly #name: string;
  readonly #command: string;
  readonly #words: readonly string[];
  #process: ChildProcess | undefined;
  #log = "";

  constructor(name: string, command: string, words: readonly string[]) {
    this.#name = name;
    this.#command = command;
    this.#words = words;
  }

  /** All that it has printed, over all starts. */
  get log(): string {
    return this.#log;
  }

  /** Started, and ready by its own word. @throws Error with the end of its log */
  async start(isReady: (log: string) => boolean | Promise<boolean>): Promise<void> {
    const from = this.#log.length;
    const started = spawn(this.#command, this.#words, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = started;
    let failure: string | undefined;
    started.once("error", (error) => {
      failure = error.message;
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (text) => {
        this.#log += text;
      });
    }
    const untilMs = Date.now() + READY_MS;
    while (!(await isReady(this.#log.slice(from)))) {
      if (started.exitCode !== null) failure ??= `it ended with ${started.exitCode}`;
      if (Date.now() > untilMs) failure ??= `not ready after ${READY_MS / 1000} s`;
      if (failure !== undefined) throw new Error(`${this.#name} (${failure}): ${this.#log.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    }
  }

  /** Ends it in order; one that does not end is killed. */
  async stop(): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, "exit");
    ending.kill("SIGTERM");
    const late = setTimeout(() => ending.kill("SIGKILL"), END_MS);
    await exited;
    clearTimeout(late);
  }
}
