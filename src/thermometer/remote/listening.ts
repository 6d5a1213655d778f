/*
 * The subscription to commands: asked for once a connection has proved itself, taken back while `remote` is off. A session may have
 * it from an earlier life, and under another room.
 */
import { commandTopic } from "../../homeassistant/discovery.js";
import type { Settings } from "../../settings/settings.js";

/** What the subscription asks of the device. */
export interface ListeningOwner {
  readonly settings: Settings;
  /** Level of the topic. */
  readonly id: string;
}

/** What the subscription asks of the client. */
export interface ListeningClient {
  subscribe(filter: string, qos: 0 | 2): void;
  unsubscribe(filter: string): void;
  forgetFilter(filter: string): void;
}

/** Nothing was asked of the broker yet. */
const UNASKED = 0;
/** The subscription is asked for, or granted or refused, or taken back. */
const ASKED = 1;
const ANSWERED = 2;
const OFF = 3;

/** Subscribes to commands while the setting `remote` wants them. */
export class Listening {
  private readonly owner: ListeningOwner;
  private readonly client: ListeningClient;
  private state: typeof UNASKED | typeof ASKED | typeof ANSWERED | typeof OFF = UNASKED;

  constructor(owner: ListeningOwner, client: ListeningClient) {
    this.owner = owner;
    this.client = client;
  }

  get topic(): string {
    const { settings, id } = this.owner;
    return commandTopic(settings.get("room"), id);
  }

  /** As the setting wants it. */
  follow(): void {
    const { state, client, topic } = this;
    if (this.owner.settings.get("remote") === "off") {
      if (state === OFF) return;
      this.state = OFF;
      client.unsubscribe(topic);
    } else if (state === UNASKED || state === OFF) {
      this.state = ASKED;
      client.subscribe(topic, 2);
    }
  }

  /** Commands for that room are not ours any more. */
  leave(room: string): void {
    this.client.unsubscribe(commandTopic(room, this.owner.id));
  }

  /** The broker's answer to a subscription; returns whether it was this one. */
  answered(filter: string): boolean {
    const isOurs = filter === this.topic;
    if (isOurs && this.state === ASKED) this.state = ANSWERED;
    return isOurs;
  }

  /** The connection is over. What it may have ended upon is not asked for at the beginning of the next. */
  ended(): void {
    if (this.state !== ASKED) return;
    this.client.forgetFilter(this.topic);
    this.state = UNASKED;
  }
}
