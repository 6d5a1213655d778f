/*
 * The real desktop device as a child process, as a script starts it: started, watched by its lines, killed.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { bundle, top } from "./bundle.mjs";

/** Bundled once, started many times. */
const PROGRAM = await bundle("src/main.ts");

export class DeviceProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  #stdout = "";
  #stderr = "";
  #changed: () => void = () => {};
  readonly #ended: Promise<number | null>;

  /** Starts it with these command-line options. `environment`: what differs from this process's. */
  constructor(options: readonly string[], environment: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [PROGRAM, ...options], {
      cwd: top,
      env: { ...process.env, npm_lifecycle_event: "", ...environment },
    });
    this.#child.stdout.on("data", (text) => {
      this.#stdout += text;
      this.#changed();
    });
    this.#child.stderr.on("data", (text) => {
      this.#stderr += text;
      this.#changed();
    });
    this.#ended = once(this.#child, "close").then(([code]) => {
      this.#changed();
      return code;
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Lines of standard output that begin with `word`. */
  lines(word: string): string[] {
    return this.#stdout.split("\n").filter((line) => line.startsWith(word));
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Resolves when `condition` holds; rejects if the process ends first. */
  async until(condition: (device: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the device ended first: ${this.#stdout}${this.#stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** The exit code; null after a signal. */
  exit(): Promise<number | null> {
    return this.#ended;
  }

  /** A power cut. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Its own child processes: the engine. Linux. */
  get children(): number[] {
    const { pid } = this.#child;
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
    return list.split(" ").filter(Boolean).map(Number);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  terminate(): void {
    this.#child.kill("SIGTERM");
  }
}
