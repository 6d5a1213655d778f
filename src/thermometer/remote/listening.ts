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

/** Subscribes to commands while the setting `remote` wants them. */
export class Listening {
  private readonly owner: ListeningOwner;
  private readonly client: ListeningClient;
  /** undefined: nothing was asked of the broker yet. */
  private hears: boolean | undefined;
  /** It has answered. */
  private isAnswered = false;

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
    const hears = this.owner.settings.get("remote") !== "off";
    if (hears === this.hears) return;
    this.hears = hears;
    this.isAnswered = !hears;
    if (hears) this.client.subscribe(this.topic, 2);
    else this.client.unsubscribe(this.topic);
  }

  /** Commands for that room are not ours any more. */
  leave(room: string): void {
    this.client.unsubscribe(commandTopic(room, this.owner.id));
  }

  /** The broker's answer to a subscription; returns whether it was this one. */
  answered(filter: string): boolean {
    const isOurs = filter === this.topic;
    this.isAnswered ||= isOurs;
    return isOurs;
  }

  /** The connection is over. What it may have ended upon is not asked for at the beginning of the next. */
  ended(): void {
    if (this.isAnswered || this.hears === undefined) return;
    this.client.forgetFilter(this.topic);
    this.hears = undefined;
  }
}
