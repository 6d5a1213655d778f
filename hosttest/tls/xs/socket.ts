/* The device's TLS, which runs on XS in a worker (agent.ts), as a TLS class on Node. */
import { TCP } from "../../../boards/desktop/network/tcp.js";
import { TLS } from "../../../boards/desktop/network/tls.js";
import { timers } from "../../../boards/desktop/timers.js";
import { type FirmwareOnXS, runOnXS } from "../../../boards/xs/run.js";
import type { Board } from "../../../src/board.js";
import type { TLSDemand, TLSFacts, TLSRefusal } from "../../../src/tls/io.js";
import { workerProgram } from "../../engine/build.js";
import type { TLSClass } from "../support/attempt.js";

interface Report {
  readonly id: number;
  readonly call: "handshake" | "secured" | "refused" | "readable" | "writable" | "error";
  readonly facts?: TLSFacts;
  readonly refusal?: TLSRefusal;
  readonly session?: readonly number[];
  readonly bytes?: readonly number[];
}

/** Whether the worker has TLS here: only with mbedTLS (Debian: libmbedtls-dev); on CI it is required. */
export const hasTLSOnXS = (await workerProgram("tls")).kind === "built" || process.env.CI !== undefined;

export interface TLSOnXS {
  readonly io: TLSClass;
  /** The machine's memory, after a collection. */
  heap: FirmwareOnXS["heap"];
  /** Exceptions of the machine, and the reason why it ended. */
  readonly troubles: readonly string[];
  end(): Promise<void>;
}

const listOf = (bytes: unknown): number[] | undefined => (bytes instanceof Uint8Array ? [...bytes] : undefined);

export async function startTLSOnXS(): Promise<TLSOnXS> {
  const listeners = new Map<number, (report: Report) => void>();
  const troubles: string[] = [];
  const board = {
    name: "TLS",
    mac: "",
    timers,
    clock: { uptimeMs: () => performance.now(), utcMs: () => Date.now() },
    random: Math.random,
    sensor: { data: 0, clock: 0 },
    tcp: { io: TCP },
    tls: { io: TLS },
    trace: (line: string) => {
      const report = JSON.parse(line) as Report;
      listeners.get(report.id)?.(report);
    },
  } as unknown as Board;
  const machine = await runOnXS({
    board,
    entry: "hosttest/tls/xs/agent.ts",
    variant: "tls",
    onTrouble: (text) => troubles.push(text),
  });
  let lastId = 0;

  class Socket {
    readonly #id = ++lastId;
    #received: Uint8Array = new Uint8Array();
    #isOpen = false;

    constructor(options: ConstructorParameters<TLSClass>[0]) {
      const { demand } = options;
      const { fingerprint, name } = demand;
      const bytes = {
        ca: listOf(demand.ca),
        certificate: listOf(demand.certificate),
        key: listOf(demand.key),
        session: listOf(demand.session),
      };
      listeners.set(this.#id, (report) => this.#heard(report, options, demand));
      this.#order("open", { port: options.port, demand: { fingerprint, name, ...bytes } });
    }

    read(buffer: Uint8Array): number {
      if (buffer.length > this.#received.length) throw new Error("invalid");
      buffer.set(this.#received.subarray(0, buffer.length));
      this.#received = this.#received.subarray(buffer.length);
      return buffer.length;
    }

    write(buffer: Uint8Array): void {
      if (!this.#isOpen) throw new Error("not ready");
      this.#order("write", { bytes: [...buffer] });
    }

    close(): void {
      listeners.delete(this.#id);
      this.#order("close");
    }

    #order(verb: string, more: object = {}): void {
      machine.print(JSON.stringify({ id: this.#id, verb, ...more }));
    }

    #heard(report: Report, options: ConstructorParameters<TLSClass>[0], demand: TLSDemand): void {
      if (report.call === "secured" || report.call === "error")
        demand.session = report.session === undefined ? undefined : Uint8Array.from(report.session);
      switch (report.call) {
        case "handshake":
          demand.onHandshake();
          break;
        case "secured":
          demand.onSecured(report.facts as TLSFacts);
          break;
        case "refused":
          demand.onRefused(report.refusal as TLSRefusal);
          break;
        case "readable":
          this.#received = Uint8Array.from([...this.#received, ...(report.bytes ?? [])]);
          options.onReadable(this.#received.length);
          break;
        case "writable":
          this.#isOpen = true;
          options.onWritable(1_000);
          break;
        case "error":
          options.onError();
          break;
        default:
          report.call satisfies never;
      }
    }
  }
  return { io: Socket, heap: () => machine.heap(), troubles, end: () => machine.end() };
}
