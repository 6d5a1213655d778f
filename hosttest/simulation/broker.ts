/*
 * The model broker: what MQTT 3.1.1 asks of a server, no more, and all the ways in which a server may be a trial for its
 * clients. It keeps sessions, forwards a QoS 2 message at PUBLISH or at PUBREL (§4.3.3, both methods), restarts with
 * its sessions or without, refuses, stalls, answers late. Everything it forwards goes to one observer, in order; every
 * breach of the standard by a client is reported at once.
 */
import type { VirtualTime } from "../support/virtual-time.js";
import type { Acceptor, Peer } from "./network.js";
import {
  acknowledgement,
  type ClientPacket,
  connack,
  PacketReader,
  ProtocolError,
  pingresp,
  suback,
  unsuback,
} from "./packets.js";
import type { Random } from "./random.js";

/** A message on its way to subscribers. */
export interface Forwarded {
  readonly client: string;
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

export interface BrokerOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  /** Where QoS 2 messages are forwarded: at PUBLISH (method A) or at PUBREL (method B). */
  readonly forwardAt: "publish" | "pubrel";
  forwarded(message: Forwarded): void;
  /** A session ended though its client counted on it. */
  sessionLost(client: string): void;
  /**
   * A message is gone: the broker had taken it over (PUBREC) in a session that it lost, and the CONNACK that said so never got
   * through, so that its PUBREL came in good faith. No client can know that.
   */
  messageLost(message: Forwarded): void;
  /** A client broke the standard. */
  breach(client: string, what: string): void;
}

/** What a client's session holds at the server (§3.1.2.4). */
interface Session {
  /** QoS 2 messages received and not released, by packet id. */
  readonly received: Map<number, Forwarded>;
  /** QoS 1 messages that were acknowledged last, by packet id: only to know a re-delivery when there is one. */
  readonly seen: Map<number, string>;
  /** What was `received` in a session that was lost, until the client is known to have been informed. */
  readonly forgotten: Map<number, Forwarded>;
}

type Publish = Extract<ClientPacket, { type: "publish" }>;
type Connect = Extract<ClientPacket, { type: "connect" }>;

export interface Mood {
  /** Accepts connections at all. */
  running: boolean;
  /** CONNACK code for every CONNECT; 0 accepts. */
  refusal: number;
  /** Longest delay of an answer, milliseconds. */
  lateMs: number;
  /** Answers nothing. */
  stalled: boolean;
  /** Closes the connection instead of answering, with this probability. */
  closing: number;
}

export class Broker {
  readonly mood: Mood = { running: true, refusal: 0, lateMs: 0, stalled: false, closing: 0 };
  readonly options: BrokerOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #forgotten = new Map<string, Map<number, Forwarded>>();
  readonly #connections = new Map<string, Connection>();
  readonly #open = new Set<Connection>();
  connects = 0;

  constructor(options: BrokerOptions) {
    this.options = options;
  }

  /** For the network: a stream came in. */
  readonly listen = (peer: Peer): Acceptor | undefined => {
    if (!this.mood.running) return undefined;
    const connection = new Connection(this, peer);
    this.#open.add(connection);
    return connection;
  };

  /** Ends every connection. With `sessions` "lost", what it knew of its clients is gone, too. */
  stop(sessions: "kept" | "lost"): void {
    this.mood.running = false;
    for (const connection of [...this.#open]) connection.end("peer");
    if (sessions === "lost") {
      for (const [client, { received, forgotten }] of this.#sessions) {
        this.#forgotten.set(client, new Map([...forgotten, ...received]));
        this.options.sessionLost(client);
      }
      this.#sessions.clear();
    }
  }

  start(): void {
    this.mood.running = true;
  }

  /** The session of a CONNECT (§3.1.2.4), and whether it was there before. */
  admit(connection: Connection, { id, clean }: Connect): { session: Session; present: boolean } {
    this.connects++;
    this.#connections.get(id)?.end("peer"); // §3.1.4-2
    this.#connections.set(id, connection);
    const known = clean ? undefined : this.#sessions.get(id);
    const forgotten = this.#forgotten.get(id) ?? new Map();
    this.#forgotten.delete(id);
    const session = known ?? { received: new Map(), seen: new Map(), forgotten };
    if (clean) this.#sessions.delete(id);
    else this.#sessions.set(id, session);
    return { session, present: known !== undefined };
  }

  leave(connection: Connection, client: string | undefined): void {
    this.#open.delete(connection);
    if (client !== undefined && this.#connections.get(client) === connection) this.#connections.delete(client);
  }
}

class Connection implements Acceptor {
  readonly #broker: Broker;
  readonly #peer: Peer;
  readonly #reader = new PacketReader();
  #client: string | undefined;
  #session: Session | undefined;
  #will: Forwarded | undefined;
  #over = false;
  #dumb = false;
  #isNew = false; // the CONNACK of this connection says that there was no session
  #keepAliveMs = 0;
  #lastHeardMs = 0;
  #answersDueMs = 0; // answers leave in order, however late

  constructor(broker: Broker, peer: Peer) {
    this.#broker = broker;
    this.#peer = peer;
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#lastHeardMs = this.#broker.options.time.nowMs;
    try {
      this.#reader.push(bytes, (packet) => {
        if (!this.#over) this.#take(packet);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#breach(error.message);
      this.end("peer");
    }
  }

  ended(): void {
    this.end("will");
  }

  /** Over. "peer": the stream is closed from here. The will is published but after a DISCONNECT. */
  end(how: "peer" | "will" | "disconnected"): void {
    if (this.#over) return;
    this.#over = true;
    if (how !== "will") this.#peer.close();
    if (how !== "disconnected" && this.#will !== undefined) this.#broker.options.forwarded(this.#will);
    this.#broker.leave(this, this.#client);
  }

  #take(packet: ClientPacket): void {
    if (this.#session === undefined) {
      if (packet.type !== "connect") throw new ProtocolError(`${packet.type} before connect`);
      this.#connect(packet);
      return;
    }
    if (this.#isNew) this.#session.forgotten.clear(); // it goes on: it has read the CONNACK
    switch (packet.type) {
      case "connect":
        throw new ProtocolError("a second connect");
      case "publish":
        this.#publish(packet, this.#session);
        return;
      case "pubrel":
        this.#release(packet.id, this.#session);
        return;
      case "subscribe":
        this.#answer(
          suback(
            packet.id,
            packet.filters.map(({ qos }) => qos),
          ),
        );
        return;
      case "unsubscribe":
        this.#answer(unsuback(packet.id));
        return;
      case "pingreq":
        this.#answer(pingresp);
        return;
      case "disconnect":
        this.end("disconnected");
        return;
      case "puback":
      case "pubrec":
      case "pubcomp":
        throw new ProtocolError(`${packet.type} ${packet.id}, and nothing was published to this client`);
      default:
        throw new TypeError(`packet: ${JSON.stringify(packet satisfies never)}`);
    }
  }

  #connect(packet: Connect): void {
    const { refusal } = this.#broker.mood;
    if (refusal !== 0) {
      this.#peer.send(connack(false, refusal));
      this.end("disconnected");
      return;
    }
    const { session, present } = this.#broker.admit(this, packet);
    this.#client = packet.id;
    this.#session = session;
    this.#isNew = !present;
    const { will } = packet;
    this.#will = will && {
      client: packet.id,
      topic: will.topic,
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
    };
    this.#keepAliveMs = packet.keepAliveS * 1500; // §3.1.2-24
    this.#watch();
    this.#answer(connack(present, 0));
  }

  #publish(packet: Publish, session: Session): void {
    const { qos, id, dup, topic, payload, retain } = packet;
    const { options } = this.#broker;
    const message: Forwarded = { client: this.#client ?? "", topic, payload, qos, retain };
    if (qos === 0) {
      options.forwarded(message);
      return;
    }
    if (qos === 1) {
      if (session.received.has(id)) this.#breach(`publish ${id}: the id is in use by a QoS 2 message`);
      if (!retain) {
        // A reading; what is retained (status, discovery) is said again in the same words, rightly.
        if (!dup && session.seen.get(id) === payload) this.#breach(`publish ${id}: a re-delivery without DUP`);
        session.seen.set(id, payload);
      }
      options.forwarded(message);
      this.#answer(acknowledgement("puback", id));
      return;
    }
    const before = session.received.get(id);
    if (before === undefined) {
      session.received.set(id, message);
      if (options.forwardAt === "publish") options.forwarded(message);
    } else {
      if (before.payload !== payload) this.#breach(`publish ${id}: the id is in use by another message`);
      if (!dup) this.#breach(`publish ${id}: a re-delivery without DUP`);
    }
    this.#answer(acknowledgement("pubrec", id));
  }

  #release(id: number, session: Session): void {
    const message = session.received.get(id);
    session.received.delete(id);
    const forgotten = session.forgotten.get(id);
    if (message === undefined && forgotten !== undefined) this.#broker.options.messageLost(forgotten);
    if (message !== undefined && this.#broker.options.forwardAt === "pubrel") this.#broker.options.forwarded(message);
    this.#answer(acknowledgement("pubcomp", id)); // also for an id that is not known (§4.3.3-2)
  }

  #answer(bytes: Uint8Array): void {
    const { mood, options } = this.#broker;
    // An answer left out may not be followed by a later one (§4.6.0-2, -3): the connection stays dumb until it ends.
    this.#dumb ||= mood.stalled;
    if (this.#dumb) return;
    if (mood.closing > 0 && options.random.chance(mood.closing)) {
      this.end("peer");
      return;
    }
    if (mood.lateMs === 0 && this.#answersDueMs <= options.time.nowMs) {
      this.#peer.send(bytes);
      return;
    }
    const dueMs = Math.max(this.#answersDueMs, options.time.nowMs + options.random.whole(0, mood.lateMs));
    this.#answersDueMs = dueMs;
    options.time.timers.set(() => {
      if (!this.#over) this.#peer.send(bytes);
    }, dueMs - options.time.nowMs);
  }

  /** Ends the connection when it has been silent for one and a half keep alives. */
  #watch(): void {
    if (this.#keepAliveMs === 0 || this.#over) return;
    const { time } = this.#broker.options;
    const leftMs = this.#lastHeardMs + this.#keepAliveMs - time.nowMs;
    if (leftMs < 0) this.end("peer");
    else time.timers.set(() => this.#watch(), leftMs + 1);
  }

  #breach(what: string): void {
    this.#broker.options.breach(this.#client ?? "?", what);
  }
}
