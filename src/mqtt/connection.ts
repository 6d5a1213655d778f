/*
 * One connection: what dies with the socket. Parser state, bytes to write, keep-alive and the wait for PINGRESP.
 * It reads only as much as it can answer, so that nothing queues up: a packet's answer is never longer than the packet.
 * The client owns the socket, and asks for the next deadline; no timer here. Nothing is thrown out of a socket callback: what a
 * peer, a callback or a store does wrong ends the connection with an error.
 * Source: MQTT 3.1.1 §3.1.2.10 (keep-alive), §4.8.
 */
import type { Ending } from "./blame.js";
import { ACKNOWLEDGEMENT_BYTES, type Connect, DISCONNECT, encodeConnect, PINGREQ } from "./codec.js";
import type { TCP } from "./io.js";
import { Parser, STOP } from "./parser.js";
import type { Line, Session } from "./session.js";
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
  /** DISCONNECT is with the socket. */
  onLeft(): void;
}

const REFUSALS = ["", "protocol version", "client id", "server unavailable", "user name or password", "not authorised"];
const NOTHING: Uint8Array = new Uint8Array(0);
/** Of the keep-alive: how often is looked whether something was sent. What is idle for a whole look is pinged: at 0.8 at the latest. */
const LOOKS_MS = 400; // times the keep-alive in seconds

export class Connection<E extends OutboundEntry> implements Line {
  readonly out: Transmit;
  private readonly options: ConnectionOptions<E>;
  private readonly session: Session<E>;
  private readonly parser: Parser;
  private readonly receive: Uint8Array;
  /** Reads of so many bytes can always be answered by an empty transmit buffer. */
  private readonly readAtOnce: number;
  private socket: TCP | undefined;
  private isOver = false;
  /** Nothing is read: before CONNECT, and from DISCONNECT on. */
  private isDeaf = true;
  private isGreeted = false;
  private isConnectSent = false;
  /** `disconnect` was called: nothing is read any more, nothing follows DISCONNECT (§3.14.4-2). */
  private isLeaving = false;
  private isDisconnectSent = false;
  /** The last view that was read into: most reads are of one acknowledgement. */
  private view = NOTHING;
  private unread = 0;
  /** Bytes that are being parsed. */
  private parsing = 0;
  /** Since the last look: was something sent, was something heard? */
  private hasSent = false;
  private hasHeard = false;
  /** How often is looked; Infinity: never. */
  private readonly everyMs: number;
  /** When `expire` wants to be called, in milliseconds of uptime; Infinity: never. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** When PINGRESP is overdue; Infinity: no ping is out. */
  private pingLimitMs = Number.POSITIVE_INFINITY;

  constructor(options: ConnectionOptions<E>) {
    const { session, buffers } = options;
    this.options = options;
    this.session = session;
    this.out = new Transmit(buffers.transmit);
    this.parser = new Parser(session, buffers.receive, buffers.topic);
    this.receive = buffers.receive;
    this.readAtOnce = Math.min(buffers.receive.length, buffers.transmit.length - ACKNOWLEDGEMENT_BYTES);
    const { keepAlive } = options.connect;
    this.everyMs = keepAlive ? keepAlive * LOOKS_MS : Number.POSITIVE_INFINITY;
    session.attach(this);
  }

  /** The client has the socket. */
  begin(socket: TCP): void {
    this.socket = socket;
  }

  /** The socket says that `count` bytes can be read. */
  readonly onReadable = (count: number): void => {
    if (this.isDeaf) {
      if (!this.isConnectSent) this.fail({ kind: "protocol", message: "the server talks first" });
      return;
    }
    this.hasHeard = true;
    const out = this.out;
    try {
      if (out.end || count > this.readAtOnce) {
        this.unread = count;
        this.readInParts();
      } else {
        this.unread = 0;
        this.read(count);
      }
      if (out.end || this.session.mayHaveMore) this.wake();
    } catch (error) {
      this.crash(error);
    }
  };

  /** The socket says that `count` bytes can be written. */
  readonly onWritable = (count: number): void => {
    if (this.isOver) return;
    const out = this.out;
    try {
      out.allow(this.socket, count);
      if (!this.isConnectSent) {
        this.isConnectSent = true;
        this.isDeaf = false;
        out.packet((to, at) => encodeConnect(to, at, this.options.connect));
      }
      if (out.flush()) this.hasSent = true;
      if (this.isLeaving) this.leave();
      else if (this.unread) this.readInParts();
      this.wake();
    } catch (error) {
      this.crash(error);
    }
  };

  /** The socket says that the connection is over. */
  readonly onError = (): void => {
    const isUp = this.isConnectSent;
    this.fail(
      { kind: isUp ? "closed" : "unreachable", message: isUp ? "closed by the server" : "no connection" },
      this.isGreeted ? "peer" : "other",
    );
  };

  /** Sends what the session has to send. While something is parsed, that happens afterwards anyway. What a store throws passes. */
  wake(): void {
    if (this.parsing) return;
    const isMore = this.session.fill();
    if (this.out.flush()) this.hasSent = true;
    if (isMore) this.refill();
  }

  /** Room that a message of the owner's must leave for the answers to what is being parsed. */
  get reserve(): number {
    return this.parsing ? this.parsing + ACKNOWLEDGEMENT_BYTES : 0;
  }

  /** Begins to leave: DISCONNECT as soon as there is room, then `onLeft`. The session is closed already. */
  disconnect(): void {
    this.isLeaving = this.isDeaf = true;
    try {
      this.leave();
    } catch (error) {
      this.crash(error);
    }
  }

  /** The deadline has come: was anything sent, was anything heard since the last one? `nowMs`: uptime. */
  expire(nowMs: number): void {
    if (this.pingLimitMs < Number.POSITIVE_INFINITY && this.isOverdue(nowMs)) {
      this.fail({ kind: "timeout", message: "no PINGRESP" });
      return;
    }
    // By what was sent (§3.1.2-23). By what was heard too, or a half-open connection swallows QoS 0 unnoticed.
    const isIdle = !this.hasSent || !this.hasHeard;
    this.hasSent = this.hasHeard = false;
    if (isIdle) this.pingSafely();
    this.look(nowMs);
  }

  private isOverdue(nowMs: number): boolean {
    // PINGRESP waits behind the message that comes in; PINGREQ waits behind the one that goes out.
    if ((this.hasHeard && this.parser.inPayload) || (this.hasSent && this.out.end))
      this.pingLimitMs = nowMs + this.options.pingTimeoutMs;
    return nowMs >= this.pingLimitMs;
  }

  private pingSafely(): void {
    try {
      this.ping();
    } catch (error) {
      this.crash(error);
    }
  }

  /** Asks for a sign of life, if there is room; if there is none, the wait for it begins all the same. */
  ping(): void {
    if (this.pingLimitMs === Number.POSITIVE_INFINITY) {
      this.pingLimitMs = this.options.clock.uptimeMs() + this.options.pingTimeoutMs;
    }
    if (this.out.room < 2) return;
    this.out.empty(PINGREQ);
    this.wake();
  }

  /** The owner ends it. Afterwards every call does nothing. Returns the socket, to be closed. */
  end(): TCP | undefined {
    const socket = this.socket;
    this.isOver = this.isDeaf = true;
    this.isGreeted = false;
    this.socket = undefined;
    this.out.allow(undefined, 0);
    return socket;
  }

  connack(present: boolean, code: number): string | undefined {
    if (code) {
      this.fail({ kind: "refused", code, message: `refused: ${REFUSALS[code]}` });
      return STOP;
    }
    this.isGreeted = true;
    this.look(this.options.clock.uptimeMs());
    return this.options.onConnack(present);
  }

  isAnswered(): boolean {
    if (this.pingLimitMs === Number.POSITIVE_INFINITY) return false;
    this.pingLimitMs = Number.POSITIVE_INFINITY;
    this.look(this.options.clock.uptimeMs());
    return true;
  }

  stuck(): void {
    this.fail({ kind: "timeout", message: "no acknowledgement" }, "stuck");
  }

  /** Takes what is there, as far as the answers to it have room: a byte for a byte, and four to a packet begun before. */
  private readInParts(): void {
    const { out } = this;
    while (this.unread > 0 && !this.isDeaf) {
      if (out.end && out.flush()) this.hasSent = true;
      const length = Math.min(this.unread, this.receive.length, out.room - ACKNOWLEDGEMENT_BYTES);
      if (length <= 0) return; // the rest when the socket has taken more: onWritable
      this.unread -= length;
      this.read(length);
    }
  }

  /** Reads and parses. */
  private read(length: number): void {
    if (this.view.length !== length) this.view = this.receive.subarray(0, length);
    this.parsing = length;
    (this.socket as TCP).read(this.view);
    const fault = this.parser.feed(length);
    this.parsing = 0;
    if (fault !== undefined) this.endReading(fault);
  }

  private endReading(fault: string): void {
    this.isDeaf = true;
    if (fault !== STOP) this.fail({ kind: "protocol", message: fault });
  }

  /** The buffer was full: fills it again as long as the socket takes it. */
  private refill(): void {
    const out = this.out;
    let isMore = true;
    while (isMore && out.end === 0) {
      isMore = this.session.fill();
      out.flush();
    }
  }

  private leave(): void {
    const { out } = this;
    if (!this.isDisconnectSent && out.room >= 2) {
      this.isDisconnectSent = true;
      out.empty(DISCONNECT);
    }
    out.flush();
    if (this.isDisconnectSent && out.end === 0) this.options.onLeft();
  }

  private look(nowMs: number): void {
    this.deadlineMs = Math.min(nowMs + this.everyMs, this.pingLimitMs);
  }

  private fail(error: MQTTError, ending: Ending = "other"): void {
    if (!this.isOver) this.options.onFailure(error, ending);
  }

  private crash(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    this.fail({ kind: "application", message, cause });
  }
}
