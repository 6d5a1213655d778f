/*
 * An external program with its child processes, as a process group: started on loopback, observed by its output,
 * ended by the group's id. It also ends with this process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const READY_MS = 300_000; // for Java or Erlang on a busy machine
const END_MS = 20_000;
const GROUP_MS = 5_000;
const CHECK_MS = 100;
const LOG_CHARACTERS = 4_000_000;

export class Service {
  readonly #name: string;
  readonly #command: string;
  readonly #words: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;
  #log = "";
  readonly #atExit = (): void => void this.signal("SIGKILL");

  /** `environment`: what differs from this process's. */
  constructor(
    name: string,
    command: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#name = name;
    this.#command = command;
    this.#words = words;
    this.#environment = environment;
  }

  /** Its output, over all starts; if it is very long, the end. */
  get log(): string {
    return this.#log;
  }

  /** Starts it, and waits until it reports that it is ready, or `isReady` returns true. @throws Error with the end of its log */
  async start(isReady: (log: string) => boolean | Promise<boolean>): Promise<void> {
    this.#log = this.#log.slice(-LOG_CHARACTERS);
    const from = this.#log.length;
    const started = spawn(this.#command, this.#words, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#environment },
      detached: true, // its own process group
    });
    this.#process = started;
    process.prependOnceListener("exit", this.#atExit); // before its folder is removed
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
      await sleep(CHECK_MS);
    }
  }

  /** Ends it normally; if it does not end, it is killed. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** As by a power cut. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Sends a signal to it and all its children. */
  signal(name: NodeJS.Signals | 0): boolean {
    const pid = this.#process?.pid;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, name);
    } catch {
      return false; // no process of the group is left
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.#process;
    if (ending === undefined) return;
    const exited =
      ending.pid === undefined || ending.exitCode !== null || ending.signalCode !== null
        ? Promise.resolve()
        : once(ending, "exit");
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), END_MS);
    await exited;
    // Waits for its children, too, but not for ever: if process 1 does not collect dead ones, they stay in the group.
    for (const untilMs = Date.now() + GROUP_MS; this.signal(0) && Date.now() < untilMs; ) await sleep(CHECK_MS);
    clearTimeout(late);
    this.#process = undefined;
    process.off("exit", this.#atExit);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
