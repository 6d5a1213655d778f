/*
 * One connection: what dies with the socket. Parser state, bytes to write, keep-alive and the wait for PINGRESP.
 * It reads only as much as it can answer, so that nothing queues up: a packet's answer is never longer than the packet.
 * The client owns the socket, and asks for the next deadline; no timer here. Nothing is thrown out of a socket callback: what a
 * peer, a callback or a store does wrong ends the connection with an error.
 * Source: MQTT 3.1.1 §3.1.2.10 (keep-alive), §4.8.
 */
import { ACKNOWLEDGEMENT_BYTES, type Connect, DISCONNECT, encodeConnect, PINGREQ, SUBACK } from "./codec.js";
import type { TCP } from "./io.js";
import type { Ending } from "./outbound.js";
import { type PacketReader, Parser, type PublishHeader, STOP } from "./parser.js";
import type { Session } from "./session.js";
import type { OutboundEntry } from "./store.js";
import { Transmit } from "./transmit.js";

/** Why a connection or an attempt ended. `code`: CONNACK return code. `cause`: what a callback or a store threw. */
export interface MQTTError {
  readonly kind: "resolve" | "unreachable" | "timeout" | "refused" | "closed" | "protocol" | "application";
  readonly message: string;
  readonly code?: number;
  readonly cause?: unknown;
}

/** Buffers that the client lends to one connection after the other. */
export interface Buffers {
  readonly receive: Uint8Array;
  readonly transmit: Uint8Array;
  readonly topic: Uint8Array;
}

export interface ConnectionOptions<E extends OutboundEntry> {
  readonly connect: Connect;
  readonly session: Session<E>;
  readonly buffers: Buffers;
  readonly pingTimeoutMs: number;
  readonly clock: { uptimeMs(): number };
  /** CONNACK of code 0 came. Returns what was wrong, or STOP. */
  onConnack(present: boolean): string | undefined;
  /** The connection must end, by `end`. `ending`: what dead letters need to know. */
  onFailure(error: MQTTError, ending: Ending): void;
}

const REFUSALS = ["", "protocol version", "client id", "server unavailable", "user name or password", "not authorised"];
const NOTHING: Uint8Array = new Uint8Array(0);

export class Connection<E extends OutboundEntry> implements PacketReader {
  /** Set by the client as soon as it has it; undefined when the connection is over. */
  socket: TCP | undefined;
  readonly #options: ConnectionOptions<E>;
  readonly #session: Session<E>;
  readonly #clock: { uptimeMs(): number };
  readonly out: Transmit;
  readonly #parser: Parser;
  readonly #receive: Uint8Array;
  /** The last view that was read into: most reads are of one acknowledgement. */
  #view = NOTHING;
  #writable = 0;
  #unread = 0;
  #isOver = false;
  #isGreeted = false;
  #isConnectSent = false;
  /** DISCONNECT is in the buffer: nothing may follow it (§3.14.4-2). */
  #isLeaving = false;
  #sentMs: number;
  #heardMs: number;
  /** When a ping fell due that is not answered; below 0: none. */
  #pingMs = -1;
  /** It fell due, but there was no room. */
  #isPingOwed = false;

  constructor(options: ConnectionOptions<E>) {
    this.#options = options;
    this.#session = options.session;
    this.#clock = options.clock;
    this.out = new Transmit(options.buffers.transmit);
    this.#parser = new Parser(this, options.buffers.topic);
    this.#receive = options.buffers.receive;
    this.#sentMs = this.#heardMs = options.clock.uptimeMs();
  }

  /** CONNACK came, and the session is open. */
  get isGreeted(): boolean {
    return this.#isGreeted;
  }

  /** Every byte is with the socket. */
  get isDrained(): boolean {
    return this.out.isEmpty;
  }

  /** The socket says that `count` bytes can be read. */
  readable(count: number): void {
    if (this.#isOver || this.#isLeaving) return;
    try {
      if (!this.#isConnectSent) {
        this.#fail({ kind: "protocol", message: "the server talks first" });
        return;
      }
      this.#unread = count;
      this.#heardMs = this.#clock.uptimeMs();
      this.#read();
      this.#pump();
    } catch (error) {
      this.#crash(error);
    }
  }

  /** The socket says that `count` bytes can be written. */
  writable(count: number): void {
    if (this.#isOver) return;
    try {
      this.#writable = count;
      if (!this.#isConnectSent) {
        this.#isConnectSent = true;
        this.out.packet((to, at) => encodeConnect(to, at, this.#options.connect));
      }
      this.#flush();
      if (this.#isPingOwed) this.ping();
      if (this.#unread) this.#read();
      this.#pump();
    } catch (error) {
      this.#crash(error);
    }
  }

  /** Sends what the session has to send. */
  wake(): void {
    if (this.#isOver || !this.#isGreeted || this.out.reserved) return; // while reading: readable() sends afterwards
    try {
      this.#pump();
    } catch (error) {
      this.#crash(error);
    }
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.#isPingOwed = this.out.room < 2;
    this.#pingMs = this.#clock.uptimeMs();
    if (this.#isPingOwed) return;
    this.out.empty(PINGREQ);
    this.#flush();
  }

  /** Adds DISCONNECT if there is room, and lets nothing follow; the session is closed. Returns whether it is with the socket. */
  disconnect(): boolean {
    this.out.reserved = 0;
    if (!this.#isLeaving && this.out.room >= 2) {
      this.out.empty(DISCONNECT);
      this.#isLeaving = true;
    }
    if (!this.#isOver) this.#flush();
    return this.#isLeaving && this.out.isEmpty;
  }

  /** When `expire` wants to be called, in milliseconds of uptime; Infinity: never. Moves later without notice. */
  deadlineMs(): number {
    if (!this.#isGreeted || this.#isLeaving) return Number.POSITIVE_INFINITY;
    if (this.#pingMs >= 0) {
      let fromMs = this.#pingMs;
      if (this.#parser.inPayload) fromMs = Math.max(fromMs, this.#heardMs); // PINGRESP waits behind the message
      if (!this.out.isEmpty) fromMs = Math.max(fromMs, this.#sentMs); // PINGREQ waits behind ours
      return fromMs + this.#options.pingTimeoutMs;
    }
    const { keepAlive } = this.#options.connect;
    // By what was sent (§3.1.2-23); by what was heard too, or a half-open connection swallows QoS 0 unnoticed.
    return keepAlive ? Math.min(this.#sentMs, this.#heardMs) + keepAlive * 750 : Number.POSITIVE_INFINITY;
  }

  /** The deadline has come. */
  expire(): void {
    try {
      if (this.#pingMs >= 0) this.#fail({ kind: "timeout", message: "no PINGRESP" });
      else this.ping();
    } catch (error) {
      this.#crash(error);
    }
  }

  /** The socket says that the connection is over. */
  broken(): void {
    const message = this.#isConnectSent ? "closed by the server" : "no connection";
    this.#fail({ kind: this.#isConnectSent ? "closed" : "unreachable", message }, this.#isGreeted ? "peer" : "other");
  }

  /** The owner ends it. Afterwards every call does nothing. */
  end(): TCP | undefined {
    const socket = this.socket;
    this.#isOver = true;
    this.socket = undefined;
    return socket;
  }

  connack(present: boolean, code: number): string | undefined {
    if (code) {
      this.#fail({ kind: "refused", code, message: `refused: ${REFUSALS[code]}` });
      return STOP;
    }
    this.#isGreeted = true;
    return this.#options.onConnack(present);
  }

  acknowledgement(type: number, id: number): string | undefined {
    return this.#session.acknowledgement(type, id);
  }

  suback(id: number, granted: number): string | undefined {
    return this.#session.acknowledgement(SUBACK, id, granted);
  }

  pingresp(): string | undefined {
    this.#pingMs = -1;
    if (!this.#session.outbound.pingresp()) return undefined;
    this.#fail({ kind: "timeout", message: "no acknowledgement" }, "stuck");
    return STOP;
  }

  publish(header: PublishHeader): undefined {
    this.#session.publish(header);
  }

  payload(bytes: Uint8Array, start: number, length: number, offset: number): string | undefined {
    return this.#session.payload(bytes, start, length, offset);
  }

  published(): undefined {
    this.#session.published();
  }

  #read(): void {
    while (this.#unread > 0) {
      // A byte of answer for a byte read at most, and one answer to a packet that began earlier.
      let length = this.out.room - ACKNOWLEDGEMENT_BYTES;
      if (length <= 0) {
        this.#flush();
        length = this.out.room - ACKNOWLEDGEMENT_BYTES;
        if (length <= 0) return; // the rest when the socket has taken more: writable()
      }
      if (length > this.#unread) length = this.#unread;
      if (length > this.#receive.length) length = this.#receive.length;
      if (this.#view.length !== length) this.#view = this.#receive.subarray(0, length);
      this.#unread -= length;
      this.socket?.read(this.#view);
      this.out.reserved = length + ACKNOWLEDGEMENT_BYTES;
      const fault = this.#parser.feed(this.#receive, length);
      this.out.reserved = 0;
      if (fault === undefined) continue;
      if (fault !== STOP) this.#fail({ kind: "protocol", message: fault });
      return;
    }
  }

  #pump(): void {
    if (this.#isOver) return;
    let more = false;
    do {
      more = !this.#isLeaving && this.#session.fill();
      this.#flush();
    } while (more && this.out.isEmpty);
  }

  #flush(): void {
    const { socket } = this;
    if (socket === undefined || this.#writable <= 0 || this.out.isEmpty) return;
    this.#writable = this.out.flush(socket, this.#writable);
    this.#sentMs = this.#clock.uptimeMs();
  }

  #fail(error: MQTTError, ending: Ending = "other"): void {
    if (!this.#isOver) this.#options.onFailure(error, ending);
  }

  #crash(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#fail({ kind: "application", message, cause });
  }
}
