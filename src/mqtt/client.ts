/*
 * An MQTT 3.1.1 client that keeps itself connected. It owns the socket and one timer, which waits for the nearest deadline.
 * Messages of QoS 1 and 2 come from a store in order, and are sent until they are acknowledged, across drops and reboots.
 * Memory: two buffers, a topic, the window; nothing grows with the backlog. Nothing is thrown out of a callback of socket,
 * timer or resolver: `onError` tells, and the client connects again after a back-off.
 * Source: MQTT 3.1.1; ECMA-419, 2nd edition.
 */
import { type Attempt, BACKOFF, type Backoff, nextStepMs, waitMs } from "./backoff.js";
import type { Ending } from "./blame.js";
import { type Connect, connectBytes, type QoS } from "./codec.js";
import { Connection, type MQTTError } from "./connection.js";
import type { Resolver, ResolverConstructor, TimerId } from "./io.js";
import { type ClientOptions, type ClientState, connectOf } from "./options.js";
import { STOP } from "./parser.js";
import { Session } from "./session.js";
import type { OutboundEntry } from "./store.js";
import { encodeTopicName } from "./topics.js";
import type { Message } from "./transmit.js";

export type { QoS } from "./codec.js";
export type { MQTTError } from "./connection.js";
export type { InboundMessage } from "./inbound.js";
export type { ClientOptions, ClientState, Will } from "./options.js";
export type { Outcome, SessionStart } from "./session.js";
export type { Message } from "./transmit.js";

export interface ClientStatus {
  readonly state: ClientState;
  /** Since CONNACK; undefined when not connected. */
  readonly connectedMs: number | undefined;
  /** Until the next attempt; undefined when none is due. */
  readonly retryMs: number | undefined;
  readonly lastError: MQTTError | undefined;
  readonly inFlight: number;
  /** CONNACKs after the first. */
  readonly reconnects: number;
  readonly delivered: number;
  readonly deadLetters: number;
  readonly possibleDoubles: number;
  /** Requests that the server would not take: messages of `publish`, filters. */
  readonly dropped: number;
}

const LEAVE_MS = 2_000; // what `stop` waits for the socket to take DISCONNECT
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

const NEVER = Number.POSITIVE_INFINITY;

/** What the client is at, and when that ends, in milliseconds of uptime. While connected the connection has the deadline. */
type Phase =
  | { readonly kind: "stopped"; readonly limitMs: number }
  | { readonly kind: "waiting"; readonly limitMs: number } // NEVER: for the link
  | { readonly kind: "connecting"; readonly limitMs: number }
  | { readonly kind: "connected"; readonly sinceMs: number }
  | { readonly kind: "leaving"; readonly limitMs: number; readonly whenDone: (() => void) | undefined };

const STOPPED: Phase = { kind: "stopped", limitMs: NEVER };

export class Client<E extends OutboundEntry = OutboundEntry> {
  private readonly options: ClientOptions<E>;
  private readonly backoff: Backoff;
  private readonly connect: Connect;
  private readonly buffers: { receive: Uint8Array; transmit: Uint8Array; topic: Uint8Array };
  private readonly session: Session<E>;
  private readonly onTimer = (): void => this.expire();
  private phase: Phase = STOPPED;
  private state: ClientState = "stopped";
  private connection: Connection<E> | undefined;
  private resolver: Resolver | undefined;
  private timer: TimerId | undefined;
  private timerMs = NEVER;
  private isLinkUp = true;
  private isWipeDue: boolean;
  private isWiped = false;
  private stepMs = 0;
  private connects = 0;
  private lastError: MQTTError | undefined;

  /** @throws RangeError if an option cannot be said in MQTT, or CONNECT does not fit the buffer */
  constructor(options: ClientOptions<E>) {
    this.options = options;
    this.backoff = { ...BACKOFF, ...options.backoff };
    this.connect = connectOf(options);
    const length = options.bufferLength ?? 1_024;
    const least = Math.max(64, connectBytes(this.connect));
    if (!(length >= least)) throw new RangeError(`bufferLength ${length}: expected ${least} or more`);
    this.buffers = {
      receive: new Uint8Array(length),
      transmit: new Uint8Array(length),
      topic: new Uint8Array(options.topicLength ?? 256),
    };
    this.session = new Session(options);
    this.isWipeDue = options.wipeFirst === true && !options.clean;
  }

  /** Connects, and stays connected until `stop` or `close`. */
  start(): void {
    if (this.phase.kind !== "stopped") return;
    this.stepMs = 0;
    this.attempt();
  }

  /** Sends DISCONNECT and closes; `whenDone` is called when that is done. What is in the store stays there. */
  stop(whenDone?: () => void): void {
    if (this.phase.kind === "leaving") return;
    if (this.phase.kind === "connected") {
      this.session.close("other"); // no answer may follow DISCONNECT
      this.phase = { kind: "leaving", limitMs: this.options.uptimeMs() + LEAVE_MS, whenDone };
      this.arm();
      this.connection?.disconnect();
      return;
    }
    this.close();
    whenDone?.();
  }

  /** At once: nothing is sent, no callback comes any more but `onState`. */
  close(): void {
    this.drop("other");
    this.enter(STOPPED);
  }

  /** The store has a new entry. Does not shorten a back-off. */
  wake(): void {
    this.session.mayHaveMore = true;
    this.connection?.wake();
  }

  /** The network is gone: drops the connection at once, and waits for `linkUp`. */
  linkDown(): void {
    this.isLinkUp = false;
    if (this.phase.kind === "stopped" || this.phase.kind === "leaving") return;
    this.drop("other");
    this.enter({ kind: "waiting", limitMs: NEVER });
  }

  /** The network is there: connects at once, if it is not connected. */
  linkUp(): void {
    this.isLinkUp = true;
    if (this.phase.kind === "waiting") this.attempt();
  }

  /**
   * Publishes from RAM, beside the store. QoS 0: false if not connected, or no room. QoS 1: queued until acknowledged, across
   * drops but no reboot; false if the queue is full. The payload is copied.
   * @throws RangeError if `topic` is no topic name
   */
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain?: boolean }): boolean {
    const message = {
      topic: encodeTopicName(topic),
      payload: payload.slice(),
      payloadLength: payload.length,
      retain: options.retain === true,
    };
    if (options.qos === 0) return this.publishNow(message);
    const isQueued = this.session.requests.publish(message);
    this.connection?.wake();
    return isQueued;
  }

  /** Publishes at QoS 0, if connected and there is room; returns whether. */
  publishNow(message: Message): boolean {
    const connection = this.connection;
    if (this.phase.kind !== "connected" || connection === undefined) return false;
    const isTaken = this.session.publishNow(message, connection.reserve);
    if (isTaken) connection.wake();
    return isTaken;
  }

  /** Subscribes now and whenever the server has lost the session. `onSubscribed` tells what was granted. @throws RangeError */
  subscribe(filter: string, qos: QoS): void {
    this.session.requests.subscribe(filter, qos);
    this.connection?.wake();
  }

  /** Takes a subscription back. @throws RangeError */
  unsubscribe(filter: string): void {
    this.session.requests.unsubscribe(filter);
    this.connection?.wake();
  }

  status(): ClientStatus {
    const phase = this.phase;
    const now = this.options.uptimeMs();
    const { inFlight, delivered, deadLetters, possibleDoubles, requests } = this.session;
    return {
      state: this.state,
      connectedMs: phase.kind === "connected" ? now - phase.sinceMs : undefined,
      retryMs: phase.kind === "waiting" && phase.limitMs < NEVER ? Math.max(0, phase.limitMs - now) : undefined,
      lastError: this.lastError,
      inFlight,
      reconnects: Math.max(0, this.connects - 1),
      delivered,
      deadLetters,
      possibleDoubles,
      dropped: requests.dropped,
    };
  }

  private attempt(): void {
    if (!this.isLinkUp) {
      this.enter({ kind: "waiting", limitMs: NEVER });
      return;
    }
    const { host, dns } = this.options;
    const phase: Phase = {
      kind: "connecting",
      limitMs: this.options.uptimeMs() + (this.options.connectTimeoutMs ?? 30_000),
    };
    this.enter(phase);
    if (this.phase !== phase) return; // the owner changed its mind in onState
    if (dns === undefined || IPV4.test(host)) this.open(IPV4.test(host) ? host : undefined);
    else this.resolve(dns, phase);
  }

  private resolve(dns: { readonly io: ResolverConstructor }, phase: Phase): void {
    const { host } = this.options;
    const isCurrent = (): boolean => this.phase === phase && this.connection === undefined;
    const fail = (): void => {
      if (isCurrent()) this.fail({ kind: "resolve", message: `no address for ${host}` }, "other");
    };
    try {
      this.resolver = new dns.io(dns);
      this.resolver.resolve({
        host,
        onResolved: (_name, address) => {
          if (isCurrent()) this.open(address);
        },
        onError: fail,
      });
    } catch {
      fail();
    }
  }

  private open(address: string | undefined): void {
    const { socket, host, port, pingTimeoutMs = 15_000 } = this.options;
    const connection: Connection<E> = new Connection({
      connect: this.isWipeDue ? { ...this.connect, clean: true, will: undefined } : this.connect,
      session: this.session,
      buffers: this.buffers,
      pingTimeoutMs,
      clock: this.options,
      onConnack: (present): string | undefined => this.greeted(connection, present),
      onFailure: (error, ending) => this.fail(error, ending),
      onLeft: () => this.left(),
    });
    this.connection = connection;
    try {
      const opened = new socket.io({
        ...socket,
        host,
        address,
        port,
        format: "buffer",
        onReadable: connection.onReadable,
        onWritable: connection.onWritable,
        onError: connection.onError,
      });
      // A class may call back from its constructor: the connection may be over already.
      if (this.connection === connection) connection.begin(opened);
      else closeQuietly(opened);
    } catch (cause) {
      if (this.connection === connection) this.fail({ kind: "unreachable", message: textOf(cause), cause }, "other");
    }
  }

  /** CONNACK of code 0. Returns what was wrong, or STOP. */
  private greeted(connection: Connection<E>, present: boolean): string | undefined {
    if (this.isWipeDue) {
      if (present) return "CONNACK: session present, though clean";
      connection.disconnect();
      this.isWipeDue = false;
      this.isWiped = true;
      this.drop("other");
      this.attempt();
      return STOP;
    }
    this.connects++;
    const phase: Phase = { kind: "connected", sinceMs: this.options.uptimeMs() };
    const fault = this.session.open(this.connect.clean, present, this.isWiped);
    if (fault !== undefined || this.connection !== connection) return fault ?? STOP;
    this.isWiped = false;
    if (this.session.isSuspecting) connection.ping();
    this.enter(phase);
    return this.phase === phase ? undefined : STOP;
  }

  /** DISCONNECT is with the socket. */
  private left(): void {
    const phase = this.phase;
    if (phase.kind !== "leaving") return;
    this.close();
    phase.whenDone?.();
  }

  /** The attempt or the connection failed: report, wait, try again. */
  private fail(error: MQTTError, ending: Ending): void {
    const phase = this.phase;
    this.drop(ending);
    this.lastError = error;
    const attempt = attemptOf(error, phase, this.options.uptimeMs());
    this.stepMs = nextStepMs(this.backoff, this.stepMs, attempt);
    if (phase.kind === "leaving") this.enter(STOPPED);
    else {
      const delayMs = waitMs(this.stepMs, attempt, this.options.random());
      this.enter({ kind: "waiting", limitMs: this.options.uptimeMs() + delayMs });
    }
    this.options.onError?.(error);
    if (phase.kind === "leaving") phase.whenDone?.();
  }

  /** Ends connection and resolver, whatever their state. */
  private drop(ending: Ending): void {
    const connection = this.connection;
    const resolver = this.resolver;
    this.connection = this.resolver = undefined;
    this.session.close(ending);
    if (resolver?.close) closeQuietly(resolver as { close(): void });
    const socket = connection?.end();
    if (socket !== undefined) closeQuietly(socket);
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    this.arm();
    const state = phase.kind === "leaving" ? "connected" : phase.kind;
    if (state === this.state) return;
    this.state = state;
    this.options.onState?.(state);
  }

  private deadlineMs(): number {
    const phase = this.phase;
    return phase.kind === "connected" ? (this.connection?.deadlineMs ?? NEVER) : phase.limitMs;
  }

  /** Sets the timer for the nearest deadline. One that has moved later is left to fire early, and armed again then. */
  private arm(): void {
    const deadlineMs = this.deadlineMs();
    if (this.timer !== undefined) {
      if (this.timerMs <= deadlineMs && deadlineMs < NEVER) return;
      this.options.timers.clear(this.timer);
      this.timer = undefined;
    }
    if (deadlineMs === NEVER) return;
    this.timerMs = deadlineMs;
    this.timer = this.options.timers.set(this.onTimer, Math.max(0, deadlineMs - this.options.uptimeMs()));
  }

  private expire(): void {
    this.timer = undefined;
    const nowMs = this.options.uptimeMs();
    if (nowMs >= this.deadlineMs()) {
      const kind = this.phase.kind;
      if (kind === "connected") this.connection?.expire(nowMs);
      else if (kind === "waiting") this.attempt();
      else if (kind === "leaving") this.fail({ kind: "timeout", message: "DISCONNECT not sent" }, "other");
      else {
        const message = this.connection ? "no CONNACK" : "no answer from the resolver";
        this.fail({ kind: "timeout", message }, "other");
      }
    }
    this.arm();
  }
}

function attemptOf(error: MQTTError, phase: Phase, nowMs: number): Attempt {
  if (error.kind === "refused") return { kind: "refused", code: error.code ?? 0 };
  return phase.kind === "connected" ? { kind: "dropped", upMs: nowMs - phase.sinceMs } : { kind: "unreachable" };
}

function closeQuietly(it: { close(): void }): void {
  try {
    it.close();
  } catch {
    // It was closed, or broken: what we want from it is over either way.
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
