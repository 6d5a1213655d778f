/*
 * Drives the XS worker: a process with one machine (worker.c). Commands are sent one at a time, in the order of the calls; each
 * reply has the cost in computrons, slots and chunk bytes. The machine calls Node by `host.call(name, bytes)`, and waits for the
 * answer. Exceptions, unhandled rejections and fatal errors of the machine reject the command's promise.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { messageOf } from "../../src/common/message-of.js";
import { type Variant, workerProgram } from "./build.js";

const HEADER_BYTES = 5;
const FIGURES_BYTES = 44;

/** The cost of a command, and the machine's memory after it. */
export interface Figures {
  /** Byte codes run by the command. */
  readonly computrons: number;
  /** Garbage collections during the command. Above 0, the next two figures have no meaning. */
  readonly collections: number;
  readonly slotsAllocated: number;
  readonly chunkBytesAllocated: number;
  /** Allocated now in the app machine, without the root; after `collect()`, only those in use. */
  readonly slots: number;
  readonly chunkBytes: number;
  readonly peakSlots: number;
  readonly peakChunkBytes: number;
  /** Bytes of the arena in use: reserved slots and chunks, and the stack. */
  readonly arenaUsedBytes: number;
  /** 16 on a 32-bit worker, as on ESP32. */
  readonly slotBytes: number;
  /** Byte code of all preloaded scripts: on a device, in flash. */
  readonly codeBytes: number;
}

export interface Reply {
  readonly figures: Figures;
  /** The result: an ArrayBuffer's bytes, or its text as UTF-8; empty for undefined. */
  readonly bytes: Uint8Array;
  /** The same, read as UTF-8. */
  readonly text: string;
}

/** The app machine's memory, as in a manifest's `creation`: bytes and counts. Defaults: ROOMY. */
export interface Creation {
  /** All memory of the machine: stack, slots and chunks. Default: 512 MiB. */
  readonly arenaBytes?: number;
  readonly initialChunkBytes?: number;
  readonly incrementalChunkBytes?: number;
  readonly initialSlots?: number;
  readonly incrementalSlots?: number;
  readonly stackSlots?: number;
  readonly initialKeys?: number;
  readonly incrementalKeys?: number;
}

export interface WorkerOptions {
  readonly variant?: Variant;
  /** A program and its arguments that run the worker, as valgrind does. */
  readonly runner?: readonly string[];
  /** Answers `host.call`. Its exceptions are thrown inside the machine. */
  onHostCall?(name: string, bytes: Uint8Array): Uint8Array | string | undefined;
  onTrace?(line: string): void;
}

/** The machine threw an exception: `message` is XS's text with the stack frames. */
export class XSError extends Error {
  override readonly name = "XSError";
  readonly figures: Figures;
  constructor(text: string, figures: Figures) {
    super(text);
    this.figures = figures;
  }
}

/** The machine has ended: out of memory, stack overflow, or its process ended. */
export class XSAborted extends Error {
  override readonly name = "XSAborted";
  readonly figures: Figures | undefined;
  constructor(reason: string, figures?: Figures) {
    super(`XS aborted: ${reason}`);
    this.figures = figures;
  }
}

const ROOMY: Required<Creation> = {
  arenaBytes: 0,
  initialChunkBytes: 4 << 20,
  incrementalChunkBytes: 1 << 20,
  initialSlots: 1 << 17,
  incrementalSlots: 1 << 15,
  stackSlots: 1 << 14,
  initialKeys: 1 << 12,
  incrementalKeys: 1 << 12,
};

interface Pending {
  readonly kind: string;
  readonly bytes: Uint8Array;
  resolve(reply: Reply): void;
  reject(error: Error): void;
  readonly unhandled: string[];
}

export class XSWorker {
  /** Width of the machine's words, in bits. */
  readonly wordBits: 32 | 64;
  readonly #process: ChildProcess;
  readonly #to: Writable;
  readonly #options: WorkerOptions;
  readonly #pending: Pending[] = [];
  #received: Buffer = Buffer.alloc(0);
  #gone: XSAborted | undefined;
  #latest: Figures | undefined;
  readonly #closed: Promise<void>;

  private constructor(path: string, wordBits: 32 | 64, options: WorkerOptions) {
    this.wordBits = wordBits;
    this.#options = options;
    const [command, ...args] = [...(options.runner ?? []), path];
    this.#process = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"] });
    this.#to = this.#process.stdio[3] as Writable;
    this.#to.on("error", () => {}); // the process has ended: `exit` reports it
    const from = this.#process.stdio[4] as Readable;
    from.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#closed = new Promise((resolve) => {
      this.#process.on("close", (status, signal) => {
        this.#fail(new XSAborted(`the worker ended (${signal ?? `status ${status}`})`));
        resolve();
      });
      this.#process.on("error", (error) => this.#fail(new XSAborted(error.message)));
    });
  }

  /** Starts a worker with an empty machine. @throws Error if this machine cannot build one */
  static async open(options: WorkerOptions = {}): Promise<XSWorker> {
    const program = await workerProgram(options.variant);
    if (program.kind === "missing") throw new Error(program.why);
    return new XSWorker(program.path, program.wordBits, options);
  }

  /** Runs a script in the root machine, which a device has in flash. Only before the first `boot`. */
  preload(script: string): Promise<Reply> {
    return this.#command("P", Buffer.from(script));
  }

  /** Makes a new app machine on top of the root; the previous one, if any, is deleted. */
  boot(creation: Creation = {}): Promise<Reply> {
    const options = { ...ROOMY, ...creation };
    const bytes = Buffer.alloc(32);
    let offset = 0;
    for (const value of [
      options.arenaBytes,
      options.initialChunkBytes,
      options.incrementalChunkBytes,
      options.initialSlots,
      options.incrementalSlots,
      options.stackSlots,
      options.initialKeys,
      options.incrementalKeys,
    ]) {
      offset = bytes.writeInt32LE(value, offset);
    }
    return this.#command("B", bytes);
  }

  /** Runs a script in sloppy mode and global scope; the reply has the value of its last expression. */
  evaluate(script: string): Promise<Reply> {
    return this.#command("E", Buffer.from(script));
  }

  /** Calls `globalThis.onMessage(bytes)` with an ArrayBuffer. */
  call(bytes: Uint8Array): Promise<Reply> {
    return this.#command("C", bytes);
  }

  /** The figures of the last command that has ended; undefined: none. */
  get latest(): Figures | undefined {
    return this.#latest;
  }

  /** Collects garbage: `slots` and `chunkBytes` are then those in use. */
  async collect(): Promise<Figures> {
    return (await this.#command("G", new Uint8Array())).figures;
  }

  /** Cost since the last call, one line for each function: name, calls, computrons, slots, chunk bytes. Variant "profile" only. */
  async profile(): Promise<string> {
    return (await this.#command("F", new Uint8Array())).text;
  }

  /** One line for each instance in the app machine's heap, including garbage: class, slots. Variant "profile" only. */
  async census(): Promise<string> {
    return (await this.#command("F", Uint8Array.of(1))).text;
  }

  /** Ends the process; commands under way are rejected. Resolves when it has ended. */
  close(): Promise<void> {
    this.#gone ??= new XSAborted("closed");
    this.#process.kill("SIGKILL");
    return this.#closed;
  }

  #command(kind: string, bytes: Uint8Array): Promise<Reply> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#pending.push({ kind, bytes, resolve, reject, unhandled: [] });
      if (this.#pending.length === 1) this.#send(kind, bytes);
    });
  }

  /** The running command has ended: sends the next one. Not earlier, because a machine that waits for an answer reads nothing else. */
  #finish(): Pending | undefined {
    const done = this.#pending.shift();
    const [next] = this.#pending;
    if (next !== undefined) this.#send(next.kind, next.bytes);
    return done;
  }

  #send(kind: string, bytes: Uint8Array): void {
    const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
    frame.writeUInt32LE(1 + bytes.length);
    frame[4] = kind.charCodeAt(0);
    frame.set(bytes, HEADER_BYTES);
    this.#to.write(frame);
  }

  #receive(chunk: Buffer): void {
    let rest = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= 4 + rest.readUInt32LE(0)) {
      const end = 4 + rest.readUInt32LE(0);
      this.#handle(String.fromCharCode(rest[4]), rest.subarray(HEADER_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#received = rest;
  }

  #handle(kind: string, body: Buffer): void {
    switch (kind) {
      case "K":
        this.#settle(body);
        break;
      case "X":
        this.#finish()?.reject(new XSError(textAfterFigures(body), readFigures(body)));
        break;
      case "U":
        this.#pending[0]?.unhandled.push(body.toString());
        break;
      case "T":
        this.#options.onTrace?.(body.toString());
        break;
      case "A":
        this.#fail(new XSAborted(textAfterFigures(body), readFigures(body)));
        break;
      case "H":
        this.#answer(body);
        break;
      default:
        throw new Error(`XS worker: a frame of unknown kind ${JSON.stringify(kind)}`);
    }
  }

  #settle(body: Buffer): void {
    const pending = this.#finish();
    const figures = readFigures(body);
    this.#latest = figures;
    if (pending === undefined) return;
    if (pending.unhandled.length > 0) {
      pending.reject(new XSError(`unhandled rejection: ${pending.unhandled.join("; ")}`, figures));
      return;
    }
    const bytes = Uint8Array.prototype.slice.call(body, FIGURES_BYTES);
    pending.resolve({ figures, bytes, text: Buffer.from(bytes.buffer).toString() });
  }

  #answer(body: Buffer): void {
    const end = body.indexOf(0);
    try {
      const answer = this.#options.onHostCall?.(body.toString("utf8", 0, end), body.subarray(end + 1)) ?? "";
      this.#send("R", typeof answer === "string" ? Buffer.from(answer) : answer);
    } catch (error) {
      this.#send("Z", Buffer.from(messageOf(error)));
    }
  }

  #fail(error: XSAborted): void {
    this.#gone ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(this.#gone);
  }
}

function readFigures(body: Buffer): Figures {
  return {
    computrons: body.readUInt32LE(0),
    collections: body.readUInt32LE(4),
    slotsAllocated: body.readInt32LE(8),
    chunkBytesAllocated: body.readInt32LE(12),
    slots: body.readUInt32LE(16),
    chunkBytes: body.readUInt32LE(20),
    peakSlots: body.readUInt32LE(24),
    peakChunkBytes: body.readUInt32LE(28),
    arenaUsedBytes: body.readUInt32LE(32),
    slotBytes: body.readUInt32LE(36),
    codeBytes: body.readUInt32LE(40),
  };
}

function textAfterFigures(body: Buffer): string {
  return body.toString("utf8", FIGURES_BYTES);
}
