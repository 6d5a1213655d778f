/*
 * One attempt to reach the server, and its connection: resolver, socket, bytes read and written, keep-alive, DISCONNECT. Made
 * anew for each attempt, with its buffers. After its end, late callbacks have no effect. It reads only as much as it can
 * acknowledge, so nothing queues up: a packet's acknowledgement is never longer than the packet. Whether a connection is
 * wanted, and what follows its end, is decided by the client (client.ts).
 * Source: MQTT 3.1.1 §4.8; ECMA-419, 2nd edition, clauses 12 and 20.
 */
import type { Stage } from "./broker.js";
import type { Ending } from "./delivery/options.js";
import type { Session } from "./delivery/session.js";
import type { OutboundEntry } from "./delivery/store.js";
import { beginning, messageOf, NO_BROKER, noConnection, quietly } from "./errors.js";
import { KeepAlive, type KeptAlive } from "./keep-alive.js";
import type { ClientOptions, MQTTError } from "./options.js";
import { CONNECTED, GREETED, LEAVING, LEFT, OPENING, OVER, RESOLVING, type State } from "./states.js";
import type { NoConnection, Port, Resolver, ResolverConstructor, TCP } from "./wire/io.js";
import type { LinkReader, Parser } from "./wire/parser.js";
import type { Properties } from "./wire/properties.js";
import type { Protocol } from "./wire/protocol.js";
import type { Transmit } from "./wire/transmit.js";

const NEVER = Number.POSITIVE_INFINITY;

/** What a connection needs of its client. It calls none of these after its end. */
export interface ConnectionOwner {
  /** CONNECT was handed to the socket. */
  onGreeted(): void;
  /** CONNACK was received. Returns a description of a fault. */
  onConnack(present: boolean, code: number, properties?: Properties): string | undefined;
  /** The server has sent DISCONNECT. */
  onDisconnect(code: number, properties: Properties): void;
  /** The connection, or the attempt, has failed and has to be closed. */
  onFailure(error: MQTTError, ending: Ending): void;
  /** DISCONNECT was handed to the socket, or has reached the server. */
  onLeft(): void;
  /** Call `expire` after `delayMs` milliseconds; replaces the last request. Infinity: not at all. */
  wait(delayMs: number): void;
}

/**
 * One attempt and its connection, through the states of states.ts. Exceptions never leave a callback: they end the connection,
 * and its owner gets the reason.
 */
export class Connection<E extends OutboundEntry> implements LinkReader, KeptAlive {
  /** The transmit buffer, with the socket. */
  readonly out: Transmit;
  private readonly owner: ConnectionOwner;
  private readonly options: ClientOptions<E>;
  private readonly session: Session<E>;
  private readonly protocol: Protocol;
  private readonly parser: Parser;
  private state: State = RESOLVING;
  private resolver: Resolver | undefined;
  /** The first four bytes of the receive buffer. */
  private readonly word: Uint8Array;
  private unread = 0;
  /** Number of bytes being parsed; 0: none. */
  parsing = 0;
  private readonly keepAlive: KeepAlive;
  /** Something was received. Reset by the reader. */
  hasHeard = false;

  constructor(owner: ConnectionOwner, options: ClientOptions<E>, session: Session<E>, protocol: Protocol) {
    const length = options.bufferLength ?? 1_024;
    const receive = new Uint8Array(length >> 2);
    this.owner = owner;
    this.options = options;
    this.session = session;
    this.protocol = protocol;
    this.out = new protocol.Transmit(length);
    this.word = receive.subarray(0, 4);
    this.parser = new protocol.Parser(this, session, receive, options.topicLength ?? 256, options.maxPacketBytes);
    this.keepAlive = new KeepAlive(this, options);
  }

  get isOver(): boolean {
    return this.state === OVER;
  }

  /** From CONNACK until the end or DISCONNECT. */
  get isConnected(): boolean {
    return this.state === CONNECTED;
  }

  get isLeaving(): boolean {
    return this.state >= LEAVING;
  }

  get stage(): Stage {
    return this.state > GREETED ? "connected" : this.state === GREETED ? "greeted" : "opening";
  }

  /** Begins the attempt, unless it is over already. */
  start(): void {
    const { dns, host } = this.options;
    const isNumeric = /^\d+\.\d+\.\d+\.\d+$/.test(host);
    if (dns && !isNumeric) this.guard(this.resolve, dns);
    else this.guard(this.open, isNumeric ? host : undefined);
  }

  /** CONNACK was accepted. */
  begin(keepAliveS: number): void {
    this.state = CONNECTED;
    this.keepAlive.begin(keepAliveS);
  }

  /** The session may have something new: sends it, or after parsing if that is under way. */
  send(): void {
    this.session.mayHaveMore = true;
    if (this.parsing) return; // `reader` checks `mayHaveMore`
    try {
      this.session.fill();
      this.out.flush();
    } catch (cause) {
      this.crash(cause);
    }
  }

  /** Entries that the server has refused are sent again. */
  retry(): void {
    this.guard(this.again, undefined);
    if (this.state !== OVER) this.send();
  }

  /** Leaves: sends DISCONNECT as soon as there is free space, and nothing after it (§3.14.4-2), then calls `onLeft`; see `waitsForEnd`. */
  leave(): void {
    this.state = LEAVING;
    this.parser.end();
    this.guard(this.sendDisconnect, undefined);
  }

  /** Sends DISCONNECT if it can be sent at once. */
  leaveAtOnce(): void {
    if (this.out.writable) this.guard(this.sendLast, undefined);
  }

  /** Ends it, in any state, without a callback. */
  close(): void {
    const resolver = this.resolver;
    const socket = this.out.socket;
    this.state = OVER;
    this.resolver = undefined;
    this.out.close();
    this.parser.end();
    quietly(() => resolver?.close?.());
    quietly(() => socket?.close());
  }

  /** The awaited event has not come in time, or a check of the keep-alive is due. */
  expire(): void {
    const { out, keepAlive, session } = this;
    switch (this.state) {
      case CONNECTED:
        // No ping is needed if three things are true. Something was sent (§3.1.2-23). Something was received; otherwise a half-open
        // connection would lose QoS 0 unnoticed. And entries are acknowledged; otherwise a server that sends messages but
        // acknowledges nothing would go unnoticed.
        if (
          out.hasSent &&
          this.hasHeard &&
          keepAlive.pingLimitMs === NEVER &&
          !session.requests.isApart &&
          !(session.inFlight && session.lingers())
        ) {
          out.hasSent = this.hasHeard = false;
          this.owner.wait(keepAlive.lookMs);
        } else this.guard(this.lookCloser, undefined);
        return;
      case OVER:
        return;
      case RESOLVING:
        this.fail("timeout", "no answer from the resolver");
        return;
      case OPENING:
        this.fail("timeout", "no answer: host unreachable");
        return;
      case GREETED:
        this.fail("timeout", "no CONNACK");
        return;
      case LEFT:
        if (this.out.end === 0) this.owner.onLeft();
        else this.fail("timeout", "DISCONNECT not sent");
        return;
      case LEAVING:
        this.fail("timeout", "DISCONNECT not sent");
        return;
      default:
        this.state satisfies never;
    }
  }

  /** Ends the connection for this reason; no effect after its end. */
  fail(kind: MQTTError["kind"], message: string, ending: Ending = "other", code?: number, cause?: unknown): void {
    if (this.state !== OVER) this.owner.onFailure({ kind, message, code, cause }, ending);
  }

  connack(present: boolean, code: number, properties?: Properties): string | undefined {
    return this.owner.onConnack(present, code, properties);
  }

  disconnected(code: number, properties: Properties): void {
    this.owner.onDisconnect(code, properties);
  }

  pingresp(): void {
    if (this.keepAlive.pingresp() && this.session.pingresp()) this.fail("timeout", "no acknowledgement", "stuck");
  }

  wait(delayMs: number): void {
    this.owner.wait(delayMs);
  }

  /** Runs a callback of socket, resolver or timer. Exceptions of callbacks or stores end the connection; none escapes. */
  private guard<A>(method: (this: this, argument: A) => void, argument: A): void {
    if (this.state === OVER) return;
    try {
      method.call(this, argument);
    } catch (cause) {
      this.crash(cause);
    }
  }

  private crash(cause: unknown): void {
    const isOpening = this.state === RESOLVING || this.state === OPENING;
    this.fail(isOpening ? "unreachable" : "application", messageOf(cause), "other", undefined, cause);
  }

  private again(): void {
    this.session.again();
  }

  private resolve(dns: Port<ResolverConstructor>): void {
    const host = this.options.host;
    this.resolver = new dns.io(dns);
    this.resolver.resolve({
      host,
      onResolved: (_name, address) => this.guard(this.open, address),
      onError: () => {
        if (this.state === RESOLVING) this.fail("resolve", `unknown host: no address for ${host}`);
      },
    });
  }

  private open(address: string | undefined): void {
    if (this.state !== RESOLVING) return; // a resolver that calls back twice
    this.state = OPENING;
    const { socket, host, port } = this.options;
    const opened = new socket.io({
      ...socket,
      host,
      address,
      port,
      format: "buffer",
      onReadable: this.reader(),
      onWritable: (count) => this.guard(this.onWritable, count),
      onError: (reason) => this.guard(this.onError, reason),
    });
    if (this.isOver) quietly(() => opened.close());
    else this.out.socket = opened; // a class may call back from its constructor
  }

  /** The socket's callback for readable bytes. The hot path, without calls in between. */
  private reader(): (count: number) => void {
    const { out, session } = this;
    return (count) => {
      try {
        this.hasHeard = true;
        // Mostly, a publisher receives exactly the acknowledgement that is due next. One word comparison recognizes it.
        if (count !== 4 || out.end || this.parser.state) {
          if (this.state === OVER) return; // checked here, not above: after the end, the parser is not between packets
          this.read(count);
        } else {
          (out.socket as TCP).read(this.word);
          if (this.parser.words.getUint32(0) === session.awaited[session.head]) session.acknowledge(session.head);
          else this.parse(4);
        }
        if (session.mayHaveMore) session.fill();
        if (out.end) out.flush();
      } catch (cause) {
        this.crash(cause);
      }
    };
  }

  /** The socket can accept `count` bytes. */
  private onWritable(count: number): void {
    this.out.writable = count;
    const isNew = this.state === OPENING;
    if (isNew) this.state = GREETED;
    this.out.flush();
    if (isNew && this.state === GREETED) this.owner.onGreeted();
    if (this.isLeaving) this.sendDisconnect();
    else this.read(this.unread);
    if (this.parsing) {
      this.session.mayHaveMore = true; // a socket that calls back from within a write: `reader` continues
      return;
    }
    this.session.fill();
    this.out.flush();
  }

  /** The socket reports the end of the connection. */
  private onError(reason: NoConnection | undefined): void {
    switch (this.state) {
      case RESOLVING:
      case OPENING:
        this.fail("unreachable", noConnection(reason));
        return;
      case GREETED:
        this.fail("closed", "closed by the server before CONNACK");
        return;
      case CONNECTED:
        this.fail("closed", "closed by the server", "peer");
        return;
      case LEFT:
        if (this.out.end === 0) this.owner.onLeft();
        else this.fail("closed", "closed by the server");
        return;
      case LEAVING:
        this.fail("closed", "closed by the server");
        return;
      case OVER:
        return;
      default:
        this.state satisfies never;
    }
  }

  private sendDisconnect(): void {
    const out = this.out;
    if (this.state === LEAVING && out.packet(this.protocol.disconnect(0))) this.state = LEFT;
    out.flush();
    if (this.state === LEFT && out.end === 0 && !this.options.waitsForEnd) this.owner.onLeft();
  }

  private sendLast(): void {
    this.out.packet(this.protocol.disconnect(0));
    this.out.flush();
  }

  private lookCloser(): void {
    this.keepAlive.lookCloser();
  }

  /** Reads as much as its acknowledgements have free space for: a byte for a byte, and four for a packet begun before. */
  private read(count: number): void {
    const { out, parser } = this;
    this.unread = count;
    if (this.state === OPENING) this.fail("protocol", `${NO_BROKER}: it sends first`);
    while (this.unread && (this.state === GREETED || this.state === CONNECTED)) {
      if (out.end) out.flush();
      const length = Math.min(this.unread, parser.bytes.length, out.free - 4);
      if (length <= 0) return; // the rest follows when the socket has accepted more: onWritable
      this.unread -= length;
      (out.socket as TCP).read(parser.bytes.subarray(0, length));
      this.parse(length);
    }
  }

  private parse(length: number): void {
    const parser = this.parser;
    this.parsing = length;
    this.keepAlive.moved += length;
    const fault = parser.feed(length);
    this.parsing = 0;
    if (!fault) return;
    // Something else than CONNACK: for example a web server's answer or a TLS alert.
    const isForeign = this.state === GREETED && parser.bytes[0] !== 0x20;
    this.fail("protocol", isForeign ? `${NO_BROKER}: ${beginning(parser.bytes.subarray(0, length))}` : fault);
  }
}
