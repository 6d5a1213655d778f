/*
 * Runs one line of commands without a terminal, as the prompt would, and returns the prompt's output. The sender cannot answer
 * questions: a command that asks one fails. Bounded: output beyond MAX_TEXT characters is counted, not kept.
 */
import type { LogLevel } from "../host/log-levels.js";
import { Runner, type RunnerOptions, type Screen } from "./runner.js";

/** The output of a line of commands. */
export interface RemoteAnswer {
  /** Lines as the prompt shows them. */
  readonly text: string;
  readonly isFailed: boolean;
  /** An action for after the answer is sent: a reboot. */
  readonly last?: () => void;
}

const MAX_TEXT = 1_000;
const ERROR = "error: ";

/** Runs one line as the prompt would, without a terminal. Nothing is thrown. */
export class Remote implements Screen {
  readonly level: LogLevel = "info";
  private readonly runner: Runner;
  private readonly done: (answer: RemoteAnswer) => void;
  private text = "";
  private left = 0;
  private isFailed = false;
  /** Inside `wake`, which a command may call. */
  private isAwake = false;
  private last: (() => void) | undefined;

  /** Runs `line`; `done` is called once, at once or in a later turn. */
  constructor(options: RunnerOptions, line: string, done: (answer: RemoteAnswer) => void) {
    this.done = done;
    this.runner = new Runner(options, this);
    this.runner.enter(line);
    this.wake();
  }

  print(line: string): void {
    if (line.startsWith(ERROR)) this.isFailed = true;
    if (this.text.length + line.length > MAX_TEXT) this.left++;
    else this.text += this.text === "" ? line : `\n${line}`;
  }

  afterOutput(action: () => void): void {
    this.last = action;
  }

  forgetLine(): void {}

  wake(): void {
    if (this.isAwake) return;
    this.isAwake = true;
    this.goOn();
    this.isAwake = false;
  }

  private goOn(): void {
    const { runner } = this;
    for (;;) {
      const state = runner.state;
      switch (state) {
        case "waiting":
          return;
        case "pending":
          runner.step();
          break;
        case "asking":
          runner.interrupt();
          this.print(`${ERROR}it asks a question: at the prompt only`);
          break;
        case "idle":
        case "leaving":
          this.finish();
          return;
        default:
          throw new TypeError(`state: ${state satisfies never}`);
      }
    }
  }

  private finish(): void {
    const { left, last, isFailed } = this;
    const text = left === 0 ? this.text : `${this.text}\n(${left} more ${left === 1 ? "line" : "lines"})`;
    this.done({ text, isFailed, last });
  }
}
