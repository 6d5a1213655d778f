/*
 * Hears that Home Assistant has started (its birth message, `online` on `<prefix>/status`): what stands at the broker for it is
 * published again then, each device of a house at a moment of its own.
 */
import type { Timers } from "../../board.js";
import { birthTopic, ONLINE } from "../../homeassistant/discovery.js";
import type { InboundMessage } from "../../mqtt/client.js";

/** The client, as far as it is needed here. */
export interface BirthClient {
  subscribe(filter: string, qos: 0): void;
  unsubscribe(filter: string): void;
  /** As unsubscribe, without a word to the broker. */
  forgetFilter(filter: string): void;
}

/** What it asks of its owner. */
export interface BirthOwner {
  readonly timers: Timers;
  /** At least 0, below 1. */
  random(): number;
  /** Home Assistant has started, 0.5 to 10.5 s ago. */
  onBirth(): void;
}

/** Each device of the house answers at a moment of its own within this. */
const BIRTH_SPREAD_MS = 10_000;
const BIRTH_DELAY_MS = 500;

/** The subscription to Home Assistant's birth message, and what comes by it. */
export class Birth {
  private readonly owner: BirthOwner;
  private readonly client: BirthClient;
  /** The subscription that is asked for. */
  private heard: string | undefined;
  /** The message that comes in has said nothing but `online` so far. */
  private saysOnline = false;
  private timer: object | number | undefined;

  constructor(owner: BirthOwner, client: BirthClient) {
    this.owner = owner;
    this.client = client;
  }

  /** Subscribes below `prefix`, and no longer below another one. Empty: not at all. */
  listen(prefix: string): void {
    const filter = prefix === "" ? undefined : birthTopic(prefix);
    if (filter === this.heard) return;
    if (this.heard !== undefined) this.client.unsubscribe(this.heard);
    this.heard = filter;
    if (filter !== undefined) this.client.subscribe(filter, 0);
  }

  /** The broker does not take the subscription: the client would ask for it again with the next session. */
  forget(): void {
    if (this.heard !== undefined) this.client.forgetFilter(this.heard);
    this.heard = undefined;
  }

  /** There is no connection. */
  rest(): void {
    if (this.timer !== undefined) this.owner.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** A piece of a message on the topic that is subscribed to. */
  heardPiece({ payload, offsetBytes, totalBytes, last, retain }: InboundMessage): void {
    if (offsetBytes === 0) this.saysOnline = totalBytes === ONLINE.length && !retain; // retained: older than what we said
    for (let n = 0; n < payload.length && this.saysOnline; n++) {
      this.saysOnline = payload[n] === ONLINE.charCodeAt(offsetBytes + n);
    }
    if (!last || !this.saysOnline || this.timer !== undefined) return;
    const delayMs = BIRTH_DELAY_MS + this.owner.random() * BIRTH_SPREAD_MS;
    this.timer = this.owner.timers.set(() => {
      this.timer = undefined;
      this.owner.onBirth();
    }, delayMs);
  }
}
