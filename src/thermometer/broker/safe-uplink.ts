/*
 * The uplink of a device in safe mode: only for firmware updates, so that a device whose firmware crashes can be repaired
 * remotely. It connects only after the boot guard has counted the boot as successful: if the network causes the crashes, there
 * is still a minute at the prompt, and the next boot is a normal one. It sends no readings, no discovery and no availability:
 * the device appears as offline. It has a client id of its own and a session that ends with the connection, because readings
 * may be in flight in the device's normal session.
 */
import { ALIVE_MS } from "../../health/boot-guard.js";
import { Client, type ClientOptions, type InboundMessage, type MQTTError } from "../../mqtt/client.js";
import type { OutboundEntry } from "../../mqtt/delivery/store.js";
import { Broker5 } from "../../mqtt/v5/broker5.js";
import type { TCPConstructor } from "../../mqtt/wire/io.js";
import { TimeSync } from "../../network/time-sync.js";
import { type Owner, TimeOwner } from "../owners.js";
import { ClientSettings, type ClientSettingsOwner } from "./client-settings.js";
import { Encryption, type EncryptionOwner } from "./encryption.js";
import { Failure } from "./failure.js";

/** Uptime, in milliseconds: by then the boot guard has counted the boot as successful. */
export const SAFE_UPLINK_MS = ALIVE_MS + 1_000;
/** Every server accepts client ids of 23 bytes (MQTT 3.1.1 §3.1.3-5). */
const PREFIX = "safe";
const ID_LENGTH = 23 - PREFIX.length;

/** What the safe uplink needs of the device. */
export interface SafeUplinkOwner extends Owner, ClientSettingsOwner, EncryptionOwner {
  /** Undefined: the device does not sleep in safe mode. */
  readonly sleep: (Owner["sleep"] & ClientSettingsOwner["sleep"] & EncryptionOwner["sleep"]) | undefined;
  readonly updating:
    | {
        readonly isOn: boolean;
        connected(): void;
        heardPiece(message: InboundMessage): boolean;
      }
    | undefined;
}

/** Undefined if there is no broker, or no key for updates. @throws Error as its constructor */
export function openSafeUplink(owner: SafeUplinkOwner): SafeUplink | undefined {
  return owner.updating?.isOn && owner.settings.get("mqtt.host") !== "" ? new SafeUplink(owner) : undefined;
}

/** A client that receives updates and reports their state. */
export class SafeUplink extends ClientSettings<SafeUplinkOwner> implements ClientOptions<OutboundEntry> {
  readonly version5 = Broker5;
  readonly clean = true;
  protected readonly client: Client<OutboundEntry>;
  private readonly encryption: Encryption | undefined;
  private readonly failure: Failure;
  /** Present where TLS checks dates. */
  private time: TimeSync | undefined;
  private timer: object | number | undefined;
  private isUp = false;
  private isWaitingForClock = false;

  /** @throws Error with one line if the settings need something that this board does not have (TLS) */
  constructor(owner: SafeUplinkOwner) {
    super(owner);
    if (owner.settings.get("mqtt.tls")) this.encryption = new Encryption(owner);
    if (this.tcp === undefined) throw new Error(`mqtt.tls: ${owner.board.name} has no TLS`);
    this.failure = new Failure(this.encryption);
    this.client = new Client(this);
    this.timer = this.timers.set(() => this.start(), SAFE_UPLINK_MS);
  }

  override get id(): string {
    return `${PREFIX}${this.owner.id.slice(-ID_LENGTH)}`;
  }

  /** Without a store: there are no readings. */
  override get outbound(): undefined {
    return undefined;
  }

  /** The network came up or went down. */
  network(isUp: boolean): void {
    this.isUp = isUp;
    if (isUp) {
      this.client.linkUp();
      this.time?.linkUp();
    } else {
      this.client.linkDown();
      this.time?.linkDown();
    }
  }

  /** The wall clock was set, possibly from outside: the board may have no NTP, or the setting no server. */
  clockSet(): void {
    if (this.isWaitingForClock) this.client.start();
    this.isWaitingForClock = false;
  }

  close(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
    this.time?.close();
    this.client.close();
  }

  // For updates

  get isIdle(): boolean {
    return this.client.isIdle;
  }

  get status(): { readonly state: string } {
    return this.client.status();
  }

  // Callbacks and options of the client

  /** Read for each connection. @throws Error if settings for TLS are missing */
  get socket(): { readonly io: TCPConstructor; readonly demand?: Encryption } {
    const tcp = this.tcp as { readonly io: TCPConstructor }; // checked in the constructor
    const { encryption } = this;
    encryption?.begin();
    encryption?.require();
    return encryption === undefined ? tcp : { ...tcp, demand: encryption };
  }

  onState(state: string): void {
    if (state !== "connected") return;
    this.failure.connected();
    this.owner.log("info", `connected to ${this.host}:${this.port}, for updates only`);
    this.owner.updating?.connected();
  }

  onMessage(message: InboundMessage): void {
    this.owner.updating?.heardPiece(message);
  }

  onError(error: MQTTError): void {
    const { text, isNews } = this.failure.happened(error);
    this.owner.log(isNews ? "warn" : "debug", `broker ${this.host}:${this.port}: ${text}`);
  }

  private start(): void {
    this.timer = undefined;
    const { board, settings } = this.owner;
    this.isWaitingForClock = this.encryption?.lacksClock === true;
    if (!this.isWaitingForClock) this.client.start();
    else if (board.ntp !== undefined && settings.get("ntp") !== "") {
      this.time = new TimeSync(new TimeOwner(this.owner));
      if (this.isUp) this.time.linkUp();
    }
  }
}
