/*
 * The subscription to commands. It is requested when a connection has lasted for a while, and removed while `remote` is off.
 * The broker may still have it from before the boot, and for another room.
 */
import { commandTopic } from "../../homeassistant/discovery.js";
import type { Settings } from "../../settings/settings.js";

/** What the subscription needs of the device. */
export interface ListeningOwner {
  readonly settings: Settings;
  /** A level of the topic. */
  readonly id: string;
}

/** What the subscription needs of the client. */
export interface ListeningClient {
  subscribe(filter: string, qos: 0 | 2): void;
  unsubscribe(filter: string): void;
  forgetFilter(filter: string): void;
}

/** Nothing was requested yet on this connection. */
const UNASKED = 0;
/** The subscription is requested; granted or refused; removed. */
const ASKED = 1;
const ANSWERED = 2;
const OFF = 3;

/** Subscribes to commands while the setting `remote` allows any. */
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

  /** Subscribes or unsubscribes, according to the setting. */
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

  /** Unsubscribes from the commands for a former room. */
  leave(room: string): void {
    this.client.unsubscribe(commandTopic(room, this.owner.id));
  }

  /** The broker has answered a subscription. Returns whether it was this one. */
  answered(filter: string): boolean {
    const isOurs = filter === this.topic;
    if (isOurs && this.state === ASKED) this.state = ANSWERED;
    return isOurs;
  }

  /** The connection has ended. If the subscription may be the reason, the next connection does not begin with it. */
  ended(): void {
    if (this.state !== ASKED) return;
    this.client.forgetFilter(this.topic);
    this.state = UNASKED;
  }
}
