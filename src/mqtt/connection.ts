/*
 * The way to the server and back, one connection after the other: bytes read and written, keep-alive, DISCONNECT.
 * It reads only as much as it can answer, so that nothing queues up: a packet's answer is never longer than the packet.
 * What goes in and out, and whether a connection is wanted, is the client's (client.ts), who is this class and more.
 * Source: MQTT 3.1.1 §3.1.2.10 (keep-alive), §4.8.
 */
import type { NoConnection, TCP, TimerId } from "./io.js";
import type { ClientOptions, ClientState, Ending, MQTTError } from "./options.js";
import { type LinkReader, Parser } from "./parser.js";
import { Session } from "./session.js";
import type { OutboundEntry } from "./store.js";
import { Transmit } from "./transmit.js";

const NEVER = Number.POSITIVE_INFINITY;

/** Bytes a second: what moves slower does not count as a message on its way, but as a peer that hangs. */
const SLOWEST = 256;
/** From PINGREQ to PINGRESP at most, whatever moves in between. */
const LONGEST_MESSAGE_MS = 600_000;

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

const NO_BROKER = "not an MQTT broker";

function noConnection(reason: NoConnection | undefined): string {
  switch (reason) {
    case "refused":
      return "connection refused: nothing listens on that port there";
    case "unreachable":
      return "host unreachable";
    case undefined:
      return "no connection: refused, or host unreachable";
    default:
      throw new TypeError(`reason: ${reason satisfies never}`);
  }
}

/** What a server that speaks another protocol begins with: a line of text, or a few bytes. */
function beginning(bytes: Uint8Array): string {
  if (bytes[0] === 0x15 && bytes[1] === 3) return "it wants TLS"; // RFC 8446 §5.1: an alert
  let text = "";
  let hex = "";
  for (let n = 0; n < bytes.length && n < 24 && bytes[n] > 0x1f && bytes[n] < 0x7f; n++)
    text += String.fromCharCode(bytes[n]);
  if (text.length >= 4) return `it says "${text}"`;
  for (let n = 0; n < bytes.length && n < 4; n++) hex += ` ${bytes[n].toString(16).padStart(2, "0")}`;
  return `it begins with${hex}`;
}

export abstract class Connection<E extends OutboundEntry> implements LinkReader {
  protected readonly options: ClientOptions<E>;
  protected readonly session: Session<E>;
  protected readonly out: Transmit;
  private readonly parser: Parser;
  private readonly receive: Uint8Array;
  /** "leaving": DISCONNECT waits for room, or is on its way. */
  protected stage: ClientState | "leaving" = "stopped";
  /** Nothing is read: before CONNECT, and from DISCONNECT or a fault on. */
  protected isDeaf = true;
  private isDisconnectSent = false;
  /** Its first four bytes. */
  private readonly word: Uint8Array;
  private unread = 0;
  /** Bytes that are being parsed. */
  protected parsing = 0;
  /** Since the last look: was something heard? `out` knows whether something was sent. */
  private hasHeard = false;
  /** How often is looked, in milliseconds; Infinity: never. What is idle for a whole look is pinged: at 0.8 of the keep-alive. */
  protected readonly lookMs: number;
  private readonly pingTimeoutMs: number;
  /** When PINGRESP is overdue, in milliseconds of uptime; Infinity: no ping is out. */
  private pingLimitMs = NEVER;
  /** The same, whatever comes in and goes out meanwhile. */
  private lastLimitMs = NEVER;
  /** Bytes that came in and went out in pieces, since PINGRESP was last waited for anew. */
  private moved = 0;
  /** PINGREQ has found no room yet. */
  private isPingDue = false;
  private timer: TimerId;
  private readonly onTimer = (): void => {
    const { out } = this;
    if (
      out.hasSent &&
      this.hasHeard &&
      this.pingLimitMs === NEVER &&
      this.stage === "connected" &&
      !this.session.lingers()
    ) {
      // By what was sent (§3.1.2-23). By what was heard too, or a half-open connection swallows QoS 0 unnoticed. And by what is
      // acknowledged, or nobody notices a server that sends messages, and acknowledges none.
      out.hasSent = this.hasHeard = false;
      this.timer = this.options.timers.set(this.onTimer, this.lookMs);
    } else {
      this.timer = undefined;
      this.guard(this.number, this.stage === "connected" ? this.lookCloser : this.expire, undefined);
    }
  };
  /** Which connection this is. What calls back on behalf of an older one is not heard. */
  protected number = 0;

  constructor(options: ClientOptions<E>) {
    const length = options.bufferLength ?? 1_024;
    if (!(length >= 64)) throw new RangeError(`bufferLength ${length}: expected 64 or more`);
    const session = new Session(options);
    const receive = new Uint8Array(length >> 2);
    this.options = options;
    this.session = session;
    this.out = new Transmit(length);
    this.receive = receive;
    this.word = receive.subarray(0, 4);
    this.parser = new Parser(this, session, receive, options.topicLength ?? 256);
    this.lookMs = (options.keepAlive ?? 60) * 400 || NEVER;
    this.pingTimeoutMs = Math.min(options.pingTimeoutMs ?? 15_000, this.lookMs * 2.5);
  }

  /** CONNACK came. Returns what was wrong. */
  abstract connack(present: boolean, code: number): string | undefined;
  /** The connection, or the attempt, must end. */
  protected abstract fail(
    kind: MQTTError["kind"],
    message: string,
    ending?: Ending,
    code?: number,
    cause?: unknown,
  ): void;
  /** What was to be waited for has not come. */
  protected abstract expire(): void;
  /** The socket is open: the bytes to begin with. */
  protected abstract greeting(): Uint8Array;
  /** DISCONNECT is with the socket. */
  protected abstract onLeft(): void;

  /**
   * Runs what a socket or a resolver wants of connection `number`, if that is the one we have. What a callback or a store
   * throws ends it: nothing gets out.
   */
  protected guard<A>(number: number, method: (this: this, argument: A) => void, argument: A): void {
    if (number !== this.number) return;
    try {
      method.call(this, argument);
    } catch (cause) {
      this.crash(number, cause);
    }
  }

  protected crash(number: number, cause: unknown): void {
    if (number !== this.number || this.stage === "stopped") return; // whoever threw has ended the connection before
    const isOpening = this.stage === "connecting" && this.isDeaf;
    this.fail(isOpening ? "unreachable" : "application", messageOf(cause), "other", undefined, cause);
  }

  /** What is there may be forgotten: another connection is to begin. */
  protected reset(): void {
    this.number++;
    this.out.reset();
    this.parser.reset();
    this.isDeaf = true;
    this.isDisconnectSent = this.isPingDue = false;
    this.unread = this.parsing = 0;
    this.pingLimitMs = this.lastLimitMs = NEVER;
  }

  /** What connection `number` calls when its socket says how many bytes can be read. The hot path: nothing in between. */
  protected reader(number: number): (count: number) => void {
    return (count) => {
      if (number !== this.number) return;
      const session = this.session;
      try {
        this.hasHeard = true;
        // Most of what comes to a publisher: the acknowledgement that is due next, alone. One word says all.
        if (count !== 4 || this.out.end || this.parser.state) this.read(count);
        else {
          (this.out.socket as TCP).read(this.word);
          if (this.parser.words.getUint32(0) === session.awaited[session.head]) session.acknowledge(session.head);
          else this.parse(4);
        }
        if (session.mayHaveMore) session.fill();
        if (this.out.end) this.out.flush();
      } catch (cause) {
        this.crash(number, cause);
      }
    };
  }

  /** The socket says that `count` bytes can be written. */
  protected onWritable(count: number): void {
    this.out.writable = count;
    if (this.isDeaf && this.stage === "connecting") {
      this.isDeaf = false;
      this.out.packet(this.greeting());
    }
    this.out.flush();
    if (this.stage === "leaving") this.leave();
    else this.read(this.unread);
    this.send();
  }

  /** The socket says that the connection is over. */
  protected onError(reason: NoConnection | undefined): void {
    if (this.stage !== "connecting")
      this.fail("closed", "closed by the server", this.stage === "connected" ? "peer" : "other");
    else if (this.isDeaf) this.fail("unreachable", noConnection(reason));
    else this.fail("closed", "closed by the server before CONNACK");
  }

  /** Sends what the session has to send; while something is parsed, afterwards. */
  protected send(): void {
    if (this.parsing) {
      this.session.mayHaveMore = true; // `reader` looks at it
      return;
    }
    const number = this.number;
    try {
      this.session.fill();
      this.out.flush();
    } catch (cause) {
      this.crash(number, cause);
    }
  }

  /** Leaves: DISCONNECT as soon as there is room, nothing after it (§3.14.4-2), then `onLeft`. */
  protected leave(): void {
    const out = this.out;
    this.isDeaf = true;
    this.parser.reset();
    this.isDisconnectSent ||= out.packet(Uint8Array.of(0xe0, 0));
    out.flush();
    if (this.isDisconnectSent && out.end === 0) this.onLeft();
  }

  /** PINGRESP came: unless nobody asked, a proof of life. */
  pingresp(): void {
    if (this.pingLimitMs === NEVER) return;
    const number = this.number;
    // The next look is due as if the answer had come at once: what counts is when we sent (§3.1.2-23).
    this.wait(this.pingLimitMs - this.pingTimeoutMs + this.lookMs - this.options.uptimeMs());
    this.pingLimitMs = this.lastLimitMs = NEVER;
    if (this.session.pingresp() && number === this.number) this.fail("timeout", "no acknowledgement", "stuck");
  }

  /** Asks for a sign of life. Where there is no room the wait for it begins all the same, and anew once PINGREQ is out. */
  protected ping(): void {
    const nowMs = this.options.uptimeMs();
    const limitMs = nowMs + this.pingTimeoutMs;
    const isOut = this.out.packet(Uint8Array.of(0xc0, 0));
    if (this.pingLimitMs === NEVER) {
      this.lastLimitMs = nowMs + LONGEST_MESSAGE_MS;
      this.countAnew();
    }
    this.pingLimitMs = isOut && this.isPingDue ? limitMs : Math.min(this.pingLimitMs, limitMs);
    this.isPingDue = !isOut;
    this.look();
    this.send();
  }

  /** Nothing was sent or nothing was heard since the last look, or the oldest in flight is still the same, or a ping is out. */
  private lookCloser(): void {
    const out = this.out;
    const nowMs = this.options.uptimeMs();
    const hasSent = out.hasSent;
    const hasHeard = this.hasHeard;
    out.hasSent = this.hasHeard = false;
    if (nowMs >= this.pingLimitMs) {
      if (!this.isMoving(nowMs, hasSent)) {
        this.fail("timeout", "no PINGRESP");
        return;
      }
      this.pingLimitMs = nowMs + this.pingTimeoutMs;
      this.countAnew();
    }
    // While a ping is out, another one leaves only for want of other packets.
    if (hasSent && hasHeard && !this.isPingDue && this.pingLimitMs < NEVER) this.look();
    else this.ping();
  }

  /**
   * PINGRESP waits behind the messages that come in, and PINGREQ behind one that goes out. They count as life as long as they
   * move at a speed that a person would call slow: a peer that drips is as bad as one that is silent, with all that waits for it.
   */
  private isMoving(nowMs: number, hasSent: boolean): boolean {
    const { out } = this;
    if (nowMs >= this.lastLimitMs) return false;
    if (this.isPingDue && hasSent && !out.end) return true; // PINGREQ has found room, and goes now
    return (this.moved + out.moved) * 1_000 >= this.pingTimeoutMs * SLOWEST;
  }

  private countAnew(): void {
    this.moved = this.out.moved = 0;
  }

  private look(): void {
    this.wait(Math.min(this.lookMs, this.pingLimitMs - this.options.uptimeMs()));
  }

  /** `expire` in so many milliseconds, instead of what was asked for before; Infinity: not at all. */
  protected wait(delayMs: number): void {
    const timers = this.options.timers;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer = delayMs < NEVER ? timers.set(this.onTimer, Math.max(0, delayMs)) : undefined;
  }

  /** Takes what is there, as far as the answers to it have room: a byte for a byte, and four to a packet begun before. */
  private read(count: number): void {
    const out = this.out;
    this.unread = count;
    if (this.isDeaf && this.stage === "connecting") this.fail("protocol", `${NO_BROKER}: it talks first`);
    while (this.unread && !this.isDeaf) {
      if (out.end) out.flush();
      const length = Math.min(this.unread, this.receive.length, out.room - 4);
      if (length <= 0) return; // the rest when the socket has taken more: onWritable
      this.unread -= length;
      (out.socket as TCP).read(this.receive.subarray(0, length));
      this.parse(length);
    }
  }

  private parse(length: number): void {
    this.parsing = length;
    this.moved += length;
    const fault = this.parser.feed(length);
    this.parsing = 0;
    if (!fault) return;
    // What begins otherwise than by CONNACK: a web server's answer, a TLS alert.
    const isForeign = this.stage === "connecting" && this.receive[0] !== 0x20;
    this.fail("protocol", isForeign ? `${NO_BROKER}: ${beginning(this.receive.subarray(0, length))}` : fault);
  }
}
