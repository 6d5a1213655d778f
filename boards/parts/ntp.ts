/*
 * Simulated NTP server, and the client that a board gives: shaped like the SDK's `embedded:network/ntp/client`.
 * It does what the SDK's does: one question at a time, whole seconds, 32 bits of them counted from 1900 and taken for the first
 * era, nothing checked, an error without a message after ten seconds of silence, no callback after `close`.
 */

type TimerId = object | number;

export interface NTPTimers {
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}

export interface NTPServerOptions {
  readonly timers: NTPTimers;
  /** True time, milliseconds since 1970. */
  utcMs(): number;
  /** From question to answer. Default 40 ms. */
  readonly latencyMs?: number;
}

/** What may go wrong; change it at any time. */
export interface NTPFaults {
  /** The constructor throws this. */
  open?: string;
  /** No answer: an error after ten seconds. */
  silent?: true;
  /** Neither answer nor error. */
  hung?: true;
  /** The server's clock is off by this much. */
  wrongByMs?: number;
  /** A kiss-o'-death: the transmit time is 0. */
  unknownTime?: true;
}

const SECONDS_1900_TO_1970 = 2_208_988_800;
const GIVES_UP_MS = 10_000;

export class NTPServer {
  readonly io: new (options: {
    servers: string[];
  }) => SimulatedNTP;
  readonly faults: NTPFaults = {};
  /** The questions: when, by the true time, and to which name. */
  readonly questions: { readonly atMs: number; readonly host: string }[] = [];
  /** Clients that were not closed. */
  open = 0;

  constructor(options: NTPServerOptions) {
    const server = this;
    this.io = class extends SimulatedNTP {
      constructor({ servers }: { servers: string[] }) {
        super(server, options, servers);
      }
    };
  }
}

/** One client of the program's. */
export class SimulatedNTP {
  readonly #server: NTPServer;
  readonly #options: NTPServerOptions;
  readonly #servers: string[];
  #open = true;
  #timer?: TimerId;
  #asking = false;

  constructor(server: NTPServer, options: NTPServerOptions, servers: string[]) {
    if (servers.length === 0) throw new Error("invalid");
    if (server.faults.open) throw new Error(server.faults.open);
    this.#server = server;
    this.#options = options;
    this.#servers = servers;
    server.open++;
  }

  getTime(callback: (error: Error | null, utcMs?: number) => void): void {
    if (this.#asking) throw new Error("in use");
    this.#asking = true;
    const { faults } = this.#server;
    this.#server.questions.push({ atMs: this.#options.utcMs(), host: this.#servers[0] });
    if (faults.hung) return;
    this.#timer = this.#options.timers.set(
      () => {
        this.#asking = false;
        if (faults.silent) callback(new Error());
        else callback(null, this.#answer());
      },
      faults.silent ? GIVES_UP_MS : (this.#options.latencyMs ?? 40),
    );
  }

  close(): void {
    if (this.#open) this.#server.open--;
    this.#open = false;
    if (this.#timer !== undefined) this.#options.timers.clear(this.#timer);
  }

  #answer(): number {
    const { unknownTime, wrongByMs } = this.#server.faults;
    const seconds = Math.floor((this.#options.utcMs() + (wrongByMs ?? 0)) / 1_000) + SECONDS_1900_TO_1970;
    return ((unknownTime ? 0 : seconds >>> 0) - SECONDS_1900_TO_1970) * 1_000;
  }
}
