/*
 * A house on virtual time: one broker, the network to it, and the messages that a subscriber of all topics would see.
 */
import { detailMessages } from "../../src/homeassistant/details.js";
import { diagnostics } from "../../src/thermometer/presence/diagnostic-rows.js";
import { Broker } from "../simulation/broker/broker.js";
import type { Forwarded } from "../simulation/broker/message.js";
import { ORDINARY, type Terms } from "../simulation/broker/terms.js";
import { Network } from "../simulation/network.js";
import { Random } from "../simulation/random.js";
import { VirtualTime } from "./virtual-time.js";

export const START_UTC_MS = Date.UTC(2026, 5, 17, 9, 0, 0);

/** A reading's message as a subscriber sees it. */
export interface SeenReading {
  readonly value: number;
  readonly ts?: string;
  readonly seq?: number;
}

/** Retained topics of a device, sorted: its status and diagnostics, its discovery message, and those of its details and buttons. */
export function withDiagnostics(topics: readonly string[]): string[] {
  const isDevice = (topic: string): boolean => topic.includes("/device/");
  const more = (topic: string): string[] => {
    if (topic.endsWith("/status")) return [topic.replace(/status$/, "diagnostics")];
    return isDevice(topic) ? detailTopics(topic) : [];
  };
  return topics.flatMap((topic) => [topic, ...more(topic)]).sort();
}

/** Number of messages with the entities of the diagnostics, on a board that does not measure its cells, whose row is the last one. */
export const DETAILS_WITHOUT_CELLS = detailMessages(diagnostics.length - 1);

/** Of the controls, the buttons alone. */
function detailTopics(deviceTopic: string): string[] {
  const details = Array.from({ length: DETAILS_WITHOUT_CELLS }, (_, n) => `details${n}/config`);
  return ["controls0/config", ...details].map((end) => deviceTopic.replace(/config$/, end));
}

/** The broker's side of the house: all forwarded messages, and the retained ones. */
export class House {
  readonly time = new VirtualTime();
  readonly random = new Random(1);
  readonly messages: Forwarded[] = [];
  /** Retained payloads by topic. */
  readonly retained = new Map<string, string>();
  readonly breaches: string[] = [];
  /** Client ids of sessions that the broker has forgotten. */
  readonly sessionsLost: string[] = [];
  readonly network: Network;
  #terms: Terms;
  broker: Broker;

  /** `terms`: of the broker, and of those that replace it. */
  constructor(terms: Partial<Terms> = {}) {
    this.#terms = { ...ORDINARY, ...terms };
    this.broker = this.#makeBroker();
    this.network = new Network(this.time, (peer) => this.broker.listen(peer));
  }

  get utcMs(): number {
    return START_UTC_MS + this.time.nowMs;
  }

  /** Replaces the broker by another one, which knows no client. `terms`: of this one and later ones, if they differ. */
  replaceBroker(terms: Partial<Terms> = {}): void {
    this.broker.stop("kept");
    this.#terms = { ...this.#terms, ...terms };
    this.broker = this.#makeBroker();
  }

  /** JSON readings in the order of their arrival. */
  readings(room = "kitchen"): SeenReading[] {
    return this.payloads(`home/${room}/temperature`).map((payload) => JSON.parse(payload));
  }

  sequences(room?: string): (number | undefined)[] {
    return this.readings(room).map(({ seq }) => seq);
  }

  payloads(topic: string): string[] {
    return this.messages.filter((message) => message.topic === topic).map(({ payload }) => payload);
  }

  #makeBroker(): Broker {
    return new Broker({
      time: this.time,
      random: this.random.fork(),
      terms: this.#terms,
      forwardAt: "publish",
      forwarded: (message) => this.#forwarded(message),
      sessionLost: (client) => this.sessionsLost.push(client),
      messageLost: () => {},
      breach: (client, what) => this.breaches.push(`${client}: ${what}`),
    });
  }

  #forwarded(message: Forwarded): void {
    const { topic, payload, retain } = message;
    this.messages.push(message);
    if (!retain) return;
    if (payload === "") this.retained.delete(topic);
    else this.retained.set(topic, payload);
  }
}
