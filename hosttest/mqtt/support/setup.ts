/*
 * A client, a scripted peer and virtual time: one device's MQTT, byte by byte.
 */

import type { InboundMessage } from "../../../src/mqtt/client.js";
import {
  Client,
  type ClientOptions,
  type ClientState,
  type MQTTError,
  type SessionStart,
} from "../../../src/mqtt/client.js";
import { type MemoryEntry, MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { VirtualTime } from "../../support/virtual-time.js";
import { type Link, ScriptedPeer } from "./scripted-peer.js";

export const CONNACK_NEW = "20 02 00 00";
export const CONNACK_PRESENT = "20 02 01 00";

export interface Received {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  dup: boolean;
}

export class Setup {
  readonly time: VirtualTime;
  readonly peer = new ScriptedPeer();
  readonly store: MemoryStore;
  readonly states: ClientState[] = [];
  readonly errors: MQTTError[] = [];
  readonly sessions: SessionStart[] = [];
  readonly settled: string[] = [];
  readonly subscribed: string[] = [];
  readonly received: Received[] = [];
  readonly client: Client<MemoryEntry>;
  #text = "";

  constructor(
    options: Partial<ClientOptions<MemoryEntry>> = {},
    { store = new MemoryStore(1_000), time = new VirtualTime() } = {},
  ) {
    this.store = store;
    this.time = time;
    this.client = new Client<MemoryEntry>({
      socket: { io: this.peer.TCP },
      host: "192.0.2.1",
      port: 1883,
      id: "t1",
      timers: time.timers,
      uptimeMs: time.clock.uptimeMs,
      random: () => 0.5,
      outbound: store,
      render: (entry) => entry,
      onState: (state) => this.states.push(state),
      onError: (error) => this.errors.push(error),
      onSession: (session) => this.sessions.push(session),
      onSettled: (sequence, outcome) => this.settled.push(`${sequence} ${outcome}`),
      onSubscribed: (filter, granted) => this.subscribed.push(`${filter} ${granted}`),
      onMessage: (message) => this.#receive(message),
      ...options,
    });
  }

  get link(): Link {
    return this.peer.link;
  }

  /** Starts the client if need be, lets its connection open, and takes the CONNECT. */
  open(room = 65_536): string {
    if (this.client.status().state === "stopped") this.client.start();
    const { link } = this;
    link.allow(room);
    return link.take();
  }

  /** `open`, then a CONNACK; leaves the client's next bytes to the test. */
  connect(connack = CONNACK_NEW, room = 65_536): void {
    this.open(room);
    this.link.give(connack);
  }

  /** Waits for the next attempt, and connects. */
  reconnect(connack = CONNACK_PRESENT): void {
    const before = this.peer.links.length;
    this.time.runUntil(() => this.peer.links.length > before, 600_000);
    this.connect(connack);
  }

  /** Queues a message and wakes the client. */
  publish(payload: string, qos: 1 | 2 = 1, topic = "a"): number {
    const sequence = this.store.append(topic, Buffer.from(payload), qos);
    this.client.wake();
    return sequence;
  }

  take(): string {
    return this.link.take();
  }

  #receive(message: InboundMessage): void {
    if (message.offsetBytes === 0) this.#text = "";
    this.#text += Buffer.from(message.payload).toString("latin1");
    if (!message.last) return;
    const { topic, qos, retain, dup } = message;
    this.received.push({ topic, payload: this.#text, qos, retain, dup });
  }
}
