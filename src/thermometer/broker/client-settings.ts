/* Options of the MQTT client that come unchanged from the settings and the board. */
import type { Board, Timers } from "../../board.js";
import { sessionTopic } from "../../homeassistant/discovery.js";
import type { Client, QoS, Version } from "../../mqtt/client.js";
import type { Port, ResolverConstructor } from "../../mqtt/wire/io.js";
import type { Outbox } from "../../outbox/outbox.js";
import type { Settings } from "../../settings/settings.js";
import { sessionExpiryOf, versionOf } from "../agreement.js";
import { KnownNames, type KnownNamesPort, type NetworkMemory } from "../sleep/network-memory.js";
import { brokerPort } from "./address.js";

/** What these options are read from. */
export interface ClientSettingsOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Client id. */
  readonly id: string;
  /** Absent where the flash cannot be used: readings are then sent at QoS 0. */
  readonly outbox: Outbox | undefined;
  /** Only if the device sleeps: its memory of the network, and of readings that the broker refuses. */
  readonly sleep:
    | { readonly network: NetworkMemory; readonly learned: { readonly readings: readonly number[] } }
    | undefined;
}

/** The client's options that come from settings and board, and the client's methods that other parts of the device use. */
export abstract class ClientSettings<Owner extends ClientSettingsOwner> {
  protected readonly owner: Owner;
  protected abstract readonly client: Pick<Client, "status" | "publish" | "subscribe" | "unsubscribe">;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  get isConnected(): boolean {
    return this.client.status().state === "connected";
  }

  /** An attempt is under way: CONNACK has not come. */
  get isConnecting(): boolean {
    return this.client.status().state === "connecting";
  }

  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain: boolean }): boolean {
    return this.client.publish(topic, payload, options);
  }

  subscribe(filter: string, qos: QoS = 0): void {
    this.client.subscribe(filter, qos);
  }

  unsubscribe(filter: string): void {
    this.client.unsubscribe(filter);
  }

  get dns(): Port<ResolverConstructor> | undefined {
    const { board, sleep } = this.owner;
    const { dns } = board;
    if (dns === undefined || sleep === undefined) return dns;
    return { io: KnownNames, memory: sleep.network, dns } satisfies KnownNamesPort;
  }

  protected get tcp(): Board["tcp"] | undefined {
    const { board, settings } = this.owner;
    return settings.get("mqtt.tls") ? board.tls : board.tcp;
  }

  get host(): string {
    return this.owner.settings.get("mqtt.host");
  }

  get port(): number {
    return brokerPort(this.owner.settings);
  }

  get id(): string {
    return this.owner.id;
  }

  get user(): string | undefined {
    return this.owner.settings.get("mqtt.user") || undefined;
  }

  /** Only with a user (MQTT 3.1.1 §3.1.2-22). */
  get password(): string | undefined {
    return this.user && (this.owner.settings.get("mqtt.password") || undefined);
  }

  get keepAlive(): number {
    return this.owner.settings.get("mqtt.keepalive");
  }

  get version(): "auto" | Version {
    return versionOf(this.owner.settings);
  }

  /** The topic that marks the session. Only at QoS 2, which needs it; not on a sleeper, whose reports are too short. */
  get sessionFilter(): string | undefined {
    const { settings, id, sleep } = this.owner;
    return sleep || settings.get("mqtt.qos") < 2 ? undefined : sessionTopic(settings.get("room"), id);
  }

  get sessionExpiryS(): number {
    return sessionExpiryOf(this.owner.settings);
  }

  get followReference(): boolean {
    return this.owner.settings.get("mqtt.follow");
  }

  /** `readings` of the uplink's `toKeep`, from before the sleep. Read once. */
  get learned(): readonly number[] {
    return this.owner.sleep?.learned.readings ?? [];
  }

  get timers(): Timers {
    return this.owner.board.timers;
  }

  get outbound(): Outbox | undefined {
    return this.owner.outbox;
  }

  get window(): number {
    return this.owner.settings.get("outbox.window");
  }

  /** Enough for the longest topic on which messages arrive. */
  get topicLength(): number {
    return 128;
  }

  uptimeMs(): number {
    return this.owner.board.clock.uptimeMs();
  }

  random(): number {
    return this.owner.board.random();
  }
}
