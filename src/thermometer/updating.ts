/*
 * Connects updates to this device: the topics at the broker, what an image on trial must achieve, and the restart.
 *
 *   home/<room>/<id>/update/offer   the announcement, retained; empty: no update
 *   home/<room>/<id>/update/chunk   blocks of the image, while they are wanted
 *   home/<room>/<id>/update/state   the progress, retained; Home Assistant reads it, too
 */
import type { Board, TimerId } from "../board.js";
import { toASCII } from "../common/ascii.js";
import { messageOf } from "../common/message-of.js";
import { updateTopic } from "../homeassistant/update-entity.js";
import type { InboundMessage } from "../mqtt/client.js";
import type { Link } from "../network/link.js";
import { isBatteryLow } from "../power/battery.js";
import { faultKey } from "../sensor/fault.js";
import type { Settings } from "../settings/settings.js";
import type { KeyValueStore } from "../settings/store.js";
import type { UpdateDevice } from "../update/device.js";
import type { UpdatePort } from "../update/io.js";
import { Updates } from "../update/updates.js";
import { VERSION } from "../version.js";
import type { Sampling } from "./sampling.js";

/** Time until a state that the socket did not accept is sent again, in milliseconds. */
const SAY_AGAIN_MS = 250;

/** What updates need of the client. */
export interface UpdateClient {
  readonly isConnected: boolean;
  /** Connected, and no acknowledgement is outstanding. */
  readonly isIdle: boolean;
  readonly status: { readonly state: string };
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0; readonly retain: boolean }): boolean;
  subscribe(filter: string, qos: 1): void;
  unsubscribe(filter: string): void;
}

/** What updates need of the device. */
export interface UpdatingOwner extends UpdateDevice {
  readonly board: Board;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  readonly id: string;
  readonly link: Link | undefined;
  readonly uplink: UpdateClient | undefined;
  /** The only client of a device in safe mode. */
  readonly safeUplink: UpdateClient | undefined;
  readonly sampling: Sampling | undefined;
  /** Only if the device sleeps. */
  readonly sleep: { readonly hasPrompt: boolean } | undefined;
}

/** Updates of this device through its broker. */
export class Updating extends Updates<UpdatingOwner> {
  /** The state has changed and still has to be sent: there was no connection, or the socket did not accept it. */
  private isUnsaid = false;
  private again: TimerId | undefined;

  /** For a board with image slots. If it measures its battery, no update starts at a low voltage. */
  constructor(owner: UpdatingOwner) {
    const { update, battery } = owner.board;
    const low = battery && { isBatteryLow: { value: () => isBatteryLow(battery) } };
    super(owner, low ? Object.create(update as UpdatePort, low) : (update as UpdatePort));
  }

  /** The build has a public key for updates. */
  get isOn(): boolean {
    return this.update.key !== undefined;
  }

  /** Begins; all other parts of the thermometer exist by now. */
  override begin(): void {
    this.client?.subscribe(this.topic("offer"), 1);
    super.begin();
  }

  /** A connection was made. A sleeper's report sends the state only if it must. */
  connected(): void {
    if (this.device.sleep?.hasPrompt !== false || this.isBusy || this.isUnsaid) this.onState();
  }

  /** Handles a part of a message. Returns false if the topic is not one of updates. */
  heardPiece(message: InboundMessage): boolean {
    const { topic } = message;
    if (topic === this.topic("chunk")) this.chunk(message);
    else if (topic === this.topic("offer")) this.announcement(message);
    else return false;
    return true;
  }

  override close(): void {
    this.rest();
    super.close();
  }

  protected override get version(): string {
    return this.device.board.version ?? VERSION;
  }

  /** Sends the state. If the socket does not accept it, the state as it is by then is sent a little later; none waits in RAM. */
  protected override onState(): void {
    const { client } = this;
    this.rest();
    const isConnected = client?.isConnected === true;
    const options = { qos: 0, retain: true } as const;
    this.isUnsaid = !isConnected || !client.publish(this.topic("state"), toASCII(this.state), options);
    if (isConnected && this.isUnsaid) this.again = this.timers.set(() => this.onState(), SAY_AGAIN_MS);
  }

  private rest(): void {
    if (this.again !== undefined) this.timers.clear(this.again);
    this.again = undefined;
  }

  protected override wantChunks(isWanted: boolean): void {
    const topic = this.topic("chunk");
    if (isWanted) this.client?.subscribe(topic, 1);
    else this.client?.unsubscribe(topic);
  }

  protected override sensorTrouble(): string {
    return this.sensor(messageOf);
  }

  protected override sensorFault(): string {
    return this.sensor(faultKey);
  }

  private sensor(textOf: (error: Error) => string): string {
    const { sampling } = this.device;
    if (sampling === undefined) return "no readings are taken";
    const { sample, lastError } = sampling.status;
    if (lastError !== undefined) return textOf(lastError);
    return sample === undefined ? "no reading yet" : "";
  }

  protected override connectionTrouble(): string {
    const { client } = this;
    const link = this.device.link?.status().state ?? "up";
    if (link !== "up") return `wifi ${link}`;
    if (client?.isConnected !== true) return client === undefined ? "no broker" : `broker ${client.status.state}`;
    return client.isIdle ? "" : "the broker does not answer";
  }

  private get client(): UpdateClient | undefined {
    return this.device.uplink ?? this.device.safeUplink;
  }

  private topic(name: "offer" | "chunk" | "state"): string {
    const { settings, id } = this.device;
    return updateTopic(settings.get("room"), id, name);
  }
}
