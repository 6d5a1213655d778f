/*
 * The uplink of a device in safe mode: for updates of its firmware alone, so that one that dies of its firmware can be mended from afar.
 * It begins when the boot counts as alive: if it is the network that kills the device, there is a minute at the prompt all the same,
 * and the next boot is an ordinary one. Neither readings nor discovery, no availability: the device is away as far as others know. A client
 * id of its own, and no session that outlives the connection: in the device's own one readings may be in flight, and nothing touches it.
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

/** From boot on: the boot guard has counted the boot as alive by then. */
export const SAFE_UPLINK_MS = ALIVE_MS + 1_000;
/** Every server takes a client id of 23 bytes (MQTT 3.1.1 §3.1.3-5). */
const PREFIX = "safe";
const ID_LENGTH = 23 - PREFIX.length;

/** What it asks of the device. */
export interface SafeUplinkOwner extends Owner, ClientSettingsOwner, EncryptionOwner {
  /** Undefined: it does not sleep in safe mode. */
  readonly sleep: (Owner["sleep"] & ClientSettingsOwner["sleep"] & EncryptionOwner["sleep"]) | undefined;
  readonly updating:
    | {
        readonly isOn: boolean;
        connected(): void;
        heardPiece(message: InboundMessage): boolean;
      }
    | undefined;
}

/** Undefined: there is no broker, or no update would be taken. @throws Error as its constructor */
export function openSafeUplink(owner: SafeUplinkOwner): SafeUplink | undefined {
  return owner.updating?.isOn && owner.settings.get("mqtt.host") !== "" ? new SafeUplink(owner) : undefined;
}

/** A client that hears of updates and says how they are. */
export class SafeUplink extends ClientSettings<SafeUplinkOwner> implements ClientOptions<OutboundEntry> {
  readonly version5 = Broker5;
  readonly clean = true;
  protected readonly client: Client<OutboundEntry>;
  private readonly encryption: Encryption | undefined;
  private readonly failure: Failure;
  /** Where TLS checks dates. */
  private time: TimeSync | undefined;
  private timer: object | number | undefined;
  private isUp = false;
  private isWaitingForClock = false;

  /** @throws Error with one line if the settings ask for what this board has not (TLS) */
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

  /** In no store: there are no readings. */
  override get outbound(): undefined {
    return undefined;
  }

  /** The network is there, or is not. */
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

  /** The wall clock was set: also from outside, where the board has no NTP or the setting names no server. */
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

  // What updates ask of it

  get isIdle(): boolean {
    return this.client.isIdle;
  }

  get status(): { readonly state: string } {
    return this.client.status();
  }

  // What the client asks of its owner

  /** Asked for each connection. @throws Error if TLS lacks what it needs */
  get socket(): { readonly io: TCPConstructor; readonly demand?: Encryption } {
    const tcp = this.tcp as { readonly io: TCPConstructor }; // looked at in the constructor
    const { encryption } = this;
    encryption?.begin();
    encryption?.require();
    return encryption === undefined ? tcp : { ...tcp, demand: encryption };
  }

  onState(state: string): void {
    if (state !== "connected") return;
    this.failure.connected();
    this.owner.log("info", `connected to ${this.host}:${this.port}, for updates alone`);
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
