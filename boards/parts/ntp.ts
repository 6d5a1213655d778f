/*
 * Simulated time servers, and the UDP sockets and resolver that a board gives to reach them, shaped like the SDK's
 * `embedded:io/socket/udp`. Every name is a separate server with its own address; all have the true time, except for faults.
 * An attacker may answer before they do.
 * Source: RFC 4330 §4 (the packet).
 */
import type { TimerId, Timers } from "./timers.js";

export interface NTPServerOptions {
  readonly timers: Timers;
  /** True time, milliseconds since 1970. */
  utcMs(): number;
  /** From question to answer. Default 40 ms. */
  readonly latencyMs?: number;
}

/** Sends forged answers from a server's address, before the server answers. */
export interface Intruder {
  /** How far the forged time is ahead. */
  readonly byMs: number;
  /** "question": it sees the packets, and repeats the question's timestamp. "nothing": it has to guess, and sends zeros. */
  readonly sees: "question" | "nothing";
  /** Number of answers that it will still forge. */
  times: number;
}

/** Faults; may be changed at any time. */
export interface NTPFaults {
  /** The socket's constructor throws this. */
  open?: string;
  /** No answer. */
  silent?: true;
  /** Names are unknown; or the resolver never answers. */
  names?: "unknown" | "hung";
  /** All servers' clocks are off by this much. */
  wrongByMs?: number;
  /** The clocks of some servers are off, by name. */
  wrongHosts?: Readonly<Record<string, number>>;
  /** Leap indicator 3 and stratum 0, as chrony without sources answers. */
  unsynchronised?: true;
  stratum?: number;
  rootDispersionMs?: number;
  /** Kiss-o'-death with this code. */
  kiss?: string;
  /** The transmit time is 0. */
  unknownTime?: true;
  /** The time for which the server claims to have held the question. */
  heldMs?: number;
  intruder?: Intruder;
}

type Datagram = ArrayBuffer & { readonly address: string; readonly port: number };

const PORT = 123;
const DEFAULT_LATENCY_MS = 40;
const SECONDS_1900_TO_1970 = 2_208_988_800;
const SERVER_4 = (4 << 3) | 4;
const ORIGINATE_AT = 24;
const RECEIVE_AT = 32;
const TRANSMIT_AT = 40;

export class NTPServer {
  /** For a board's `ntp`. */
  readonly socket: { readonly io: new (options: { onReadable(packets: number): void }) => SimulatedUDP };
  readonly dns: { readonly io: new (options: Readonly<Record<string, unknown>>) => SimulatedNames };
  readonly faults: NTPFaults = {};
  /** The questions: when, by the true time, and to which name. */
  readonly questions: { readonly atMs: number; readonly host: string }[] = [];
  /** Sockets that were not closed. */
  open = 0;
  readonly options: NTPServerOptions;
  private readonly hosts: string[] = [];

  constructor(options: NTPServerOptions) {
    this.options = options;
    const server = this;
    this.socket = {
      io: class extends SimulatedUDP {
        constructor({ onReadable }: { onReadable(packets: number): void }) {
          super(server, onReadable);
        }
      },
    };
    this.dns = {
      io: class extends SimulatedNames {
        constructor() {
          super(server);
        }
      },
    };
  }

  addressOf(host: string): string {
    if (!this.hosts.includes(host)) this.hosts.push(host);
    return `192.0.2.${this.hosts.indexOf(host) + 1}`;
  }

  hostAt(address: string): string {
    return this.hosts[Number(address.slice(address.lastIndexOf(".") + 1)) - 1] ?? address;
  }

  /** The answers to a question, in the order of their arrival. */
  answers(question: DataView, host: string): ArrayBuffer[] {
    const { faults } = this;
    const answers: ArrayBuffer[] = [];
    const { intruder } = faults;
    if (intruder !== undefined && intruder.times > 0) {
      intruder.times--;
      const forged = this.packet(question, intruder.byMs);
      if (intruder.sees === "nothing") forged.setUint32(ORIGINATE_AT, 0);
      answers.push(forged.buffer as ArrayBuffer);
    }
    if (faults.silent) return answers;
    const answer = this.packet(question, (faults.wrongByMs ?? 0) + (faults.wrongHosts?.[host] ?? 0));
    if (faults.heldMs !== undefined)
      writeTime(
        answer,
        RECEIVE_AT,
        this.options.utcMs() - (this.options.latencyMs ?? DEFAULT_LATENCY_MS) / 2 - faults.heldMs,
      );
    if (faults.unsynchronised) answer.setUint16(0, ((0xc0 | SERVER_4) << 8) | 0);
    if (faults.stratum !== undefined) answer.setUint8(1, faults.stratum);
    if (faults.rootDispersionMs !== undefined) answer.setUint32(8, (faults.rootDispersionMs * 65_536) / 1_000);
    if (faults.unknownTime) answer.setBigUint64(TRANSMIT_AT, 0n);
    if (faults.kiss !== undefined) {
      answer.setUint8(1, 0);
      for (let i = 0; i < 4; i++) answer.setUint8(12 + i, faults.kiss.charCodeAt(i));
    }
    answers.push(answer.buffer as ArrayBuffer);
    return answers;
  }

  /** An answer of a synchronised server of stratum 2. */
  private packet(question: DataView, byMs: number): DataView {
    const packet = new DataView(new ArrayBuffer(48));
    packet.setUint16(0, (SERVER_4 << 8) | 2);
    packet.setUint32(4, 0x0400); // root delay: 16 ms
    packet.setUint32(8, 0x0800); // root dispersion: 31 ms
    packet.setUint32(12, 0xc000_0201);
    for (let i = 0; i < 8; i++) packet.setUint8(ORIGINATE_AT + i, question.getUint8(TRANSMIT_AT + i));
    const halfWayMs = (this.options.latencyMs ?? DEFAULT_LATENCY_MS) / 2;
    for (const at of [RECEIVE_AT, TRANSMIT_AT]) writeTime(packet, at, this.options.utcMs() - halfWayMs + byMs);
    return packet;
  }
}

/** A socket of the firmware. */
export class SimulatedUDP {
  private readonly server: NTPServer;
  private readonly onReadable: (packets: number) => void;
  private readonly arrived: Datagram[] = [];
  private readonly timers: TimerId[] = [];
  private isOpen = true;

  constructor(server: NTPServer, onReadable: (packets: number) => void) {
    if (server.faults.open !== undefined) throw new Error(server.faults.open);
    this.server = server;
    this.onReadable = onReadable;
    server.open++;
  }

  read(): Datagram | undefined {
    return this.arrived.shift();
  }

  write(packet: ArrayBuffer, address: string, port: number): void {
    const { server } = this;
    const { timers, utcMs, latencyMs = DEFAULT_LATENCY_MS } = server.options;
    const host = server.hostAt(address);
    const question = new DataView(packet.slice(0));
    server.questions.push({ atMs: utcMs.call(server.options), host });
    if (port !== PORT) return;
    const arrive = (): void => {
      if (!this.isOpen) return;
      for (const answer of server.answers(question, host)) {
        this.arrived.push(Object.assign(answer, { address, port }));
      }
      if (this.arrived.length > 0) this.onReadable(this.arrived.length);
    };
    this.timers.push(timers.set(arrive, latencyMs));
  }

  close(): void {
    if (this.isOpen) this.server.open--;
    this.isOpen = false;
    for (const timer of this.timers) this.server.options.timers.clear(timer);
  }
}

/** A resolver of the firmware. */
export class SimulatedNames {
  private readonly server: NTPServer;
  private timer: TimerId | undefined;

  constructor(server: NTPServer) {
    this.server = server;
  }

  resolve(question: { host: string; onResolved(host: string, address: string): void; onError(): void }): void {
    const { host, onResolved, onError } = question;
    const { faults, options } = this.server;
    if (faults.names === "hung") return;
    this.timer = options.timers.set(() => {
      if (faults.names === "unknown") onError();
      else onResolved(host, this.server.addressOf(host));
    }, 0);
  }

  close(): void {
    if (this.timer !== undefined) this.server.options.timers.clear(this.timer);
    this.timer = undefined;
  }
}

function writeTime(packet: DataView, at: number, utcMs: number): void {
  const seconds = Math.floor(utcMs / 1_000);
  packet.setUint32(at, seconds + SECONDS_1900_TO_1970); // modulo 2^32: the era is not in the packet
  packet.setUint32(at + 4, ((utcMs - seconds * 1_000) / 1_000) * 2 ** 32);
}
