/*
 * Joins updates to this device: their topics at the broker, what a new image has to show on trial, and the restart.
 *
 *   home/<room>/<id>/update/offer   what is announced, retained; empty: nothing
 *   home/<room>/<id>/update/chunk   blocks of the image, while they are wanted
 *   home/<room>/<id>/update/state   how far it is, retained; also Home Assistant reads it
 */
import type { Board, TimerId } from "../board.js";
import { toASCII } from "../common/ascii.js";
import { updateTopic } from "../homeassistant/update-entity.js";
import type { InboundMessage } from "../mqtt/client.js";
import type { Link } from "../network/link.js";
import { isBatteryLow } from "../power/battery.js";
import type { Settings } from "../settings/settings.js";
import type { KeyValueStore } from "../settings/store.js";
import type { UpdatePort } from "../update/io.js";
import { type UpdateDevice, Updates } from "../update/updates.js";
import { VERSION } from "../version.js";
import type { Sampling } from "./sampling.js";

/** Until the socket is asked again to take the state. */
const SAY_AGAIN_MS = 250;

/** What updates ask of the client. */
export interface UpdateClient {
  readonly isConnected: boolean;
  /** Connected, and nothing waits for an answer. */
  readonly isIdle: boolean;
  readonly status: { readonly state: string };
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0; readonly retain: boolean }): boolean;
  subscribe(filter: string, qos: 1): void;
  unsubscribe(filter: string): void;
}

/** What updates ask of the device. */
export interface UpdatingOwner extends UpdateDevice {
  readonly board: Board;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  readonly id: string;
  readonly link: Link | undefined;
  readonly uplink: UpdateClient | undefined;
  /** Of a device in safe mode, which has no other. */
  readonly safeUplink: UpdateClient | undefined;
  readonly sampling: Sampling | undefined;
  /** Of a thermometer that sleeps. */
  readonly sleep: { readonly hasPrompt: boolean } | undefined;
}

/** Updates of this device, over its broker. */
export class Updating extends Updates<UpdatingOwner> {
  /** The state has changed, and is to be said yet: there was no connection, or the socket did not take it. */
  private isUnsaid = false;
  private again: TimerId | undefined;

  /** Of a board that can be updated; where it measures its cells, it is asked about them. */
  constructor(owner: UpdatingOwner) {
    const { update, battery, version = VERSION } = owner.board;
    const low = battery && { isBatteryLow: { value: () => isBatteryLow(battery) } };
    super(owner, low ? Object.create(update as UpdatePort, low) : (update as UpdatePort), version);
  }

  /** The build has a key. */
  get isOn(): boolean {
    return this.update.key !== undefined;
  }

  /** Everything else of the thermometer has been made. */
  override begin(): void {
    this.client?.subscribe(this.topic("offer"), 1);
    super.begin();
  }

  /** The connection has come. A sleeper's report says no more than it must. */
  connected(): void {
    if (this.device.sleep?.hasPrompt !== false || this.isBusy || this.isUnsaid) this.onState();
  }

  /** Takes a piece of a message; false: it is none of these. */
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

  /** Nothing of it waits in RAM: what the socket does not take is said a little later, as it is then. */
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
    const { sampling } = this.device;
    if (sampling === undefined) return "no readings are taken";
    const { sample, lastError } = sampling.status;
    return lastError?.message ?? (sample === undefined ? "no reading yet" : "");
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
