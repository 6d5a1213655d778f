/*
 * Waits for Home Assistant's birth message (`online` on `<prefix>/status`). Home Assistant has then restarted and needs the
 * discovery messages again. The devices of a house publish them at different, random times.
 */
import type { Timers } from "../../board.js";
import { birthTopic, ONLINE } from "../../homeassistant/discovery.js";
import type { InboundMessage } from "../../mqtt/client.js";

/** What the birth message needs of the client. */
export interface BirthClient {
  subscribe(filter: string, qos: 0): void;
  unsubscribe(filter: string): void;
  /** Forgets the subscription without sending UNSUBSCRIBE. */
  forgetFilter(filter: string): void;
}

/** What the birth message needs of its owner. */
export interface BirthOwner {
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  random(): number;
  /** Home Assistant started 0.5 to 10.5 s ago. */
  onBirth(): void;
}

/** The devices of a house answer at random times within this. */
const BIRTH_SPREAD_MS = 10_000;
const BIRTH_DELAY_MS = 500;

/** The subscription to Home Assistant's birth message, and its handling. */
export class Birth {
  private readonly owner: BirthOwner;
  private readonly client: BirthClient;
  /** The filter that is subscribed to. */
  private heard: string | undefined;
  /** The message that is being received has matched `online` so far. */
  private saysOnline = false;
  private timer: object | number | undefined;

  constructor(owner: BirthOwner, client: BirthClient) {
    this.owner = owner;
    this.client = client;
  }

  /** Subscribes below `prefix`, and unsubscribes from the topic below any other. Empty: no subscription. */
  listen(prefix: string): void {
    const filter = prefix === "" ? undefined : birthTopic(prefix);
    if (filter === this.heard) return;
    if (this.heard !== undefined) this.client.unsubscribe(this.heard);
    this.heard = filter;
    if (filter !== undefined) this.client.subscribe(filter, 0);
  }

  /** The broker refuses the subscription. Without this, the client would send it again with the next session. */
  forget(): void {
    if (this.heard !== undefined) this.client.forgetFilter(this.heard);
    this.heard = undefined;
  }

  /** There is no connection. */
  rest(): void {
    if (this.timer !== undefined) this.owner.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** A part of a message on the birth topic. */
  heardPiece({ payload, offsetBytes, totalBytes, last, retain }: InboundMessage): void {
    if (offsetBytes === 0) this.saysOnline = totalBytes === ONLINE.length && !retain; // a retained one was sent before our messages
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
