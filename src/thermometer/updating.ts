/*
 * Joins updates to this device: their topics at the broker, what a new image has to show on trial, and the restart.
 *
 *   home/<room>/<id>/update/offer   what is announced, retained; empty: nothing
 *   home/<room>/<id>/update/chunk   blocks of the image, while they are wanted
 *   home/<room>/<id>/update/state   how far it is, retained; also Home Assistant reads it
 */
import type { Board, TimerId } from "../board.js";
import { toASCII } from "../common/ascii.js";
import type { LineLevel } from "../common/log-levels.js";
import { updateTopic } from "../homeassistant/update-entity.js";
import type { InboundMessage } from "../mqtt/client.js";
import type { Link } from "../network/link.js";
import { isBatteryLow } from "../power/battery.js";
import type { Settings } from "../settings/settings.js";
import type { KeyValueStore } from "../settings/store.js";
import type { UpdatePort } from "../update/io.js";
import { Updates, type UpdatesOwner } from "../update/updates.js";
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
export interface UpdatingOwner {
  readonly board: Board;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  readonly id: string;
  readonly health: { readonly lastWords: string };
  readonly link: Link | undefined;
  readonly uplink: UpdateClient | undefined;
  /** Of a device in safe mode, which has no other. */
  readonly safeUplink: UpdateClient | undefined;
  readonly sampling: Sampling | undefined;
  /** Of a thermometer that sleeps. */
  readonly sleep: { readonly hasPrompt: boolean } | undefined;
  /** The image is on trial no more: what only it can read may be written. */
  onConfirmed(): void;
  restart(reason: string): void;
  log(level: LineLevel, text: string): void;
}

/** Updates of this device, over its broker. */
export class Updating implements UpdatesOwner {
  /** As the board has it; where that measures its cells, it is asked about them. */
  readonly update: UpdatePort;
  private readonly owner: UpdatingOwner;
  /** Made when it is asked, and let go of while there is nothing to do: all that lasts is in flash. */
  private kept: Updates | undefined;
  /** The state has changed, and is to be said yet: there was no connection, or the socket did not take it. */
  private isUnsaid = false;
  private timer: TimerId | undefined;

  /** Of a board that can be updated. */
  constructor(owner: UpdatingOwner) {
    const { update, battery } = owner.board;
    this.owner = owner;
    this.update =
      battery === undefined
        ? (update as UpdatePort)
        : Object.create(update as UpdatePort, { isBatteryLow: { value: () => isBatteryLow(battery) } });
  }

  /** What the image before this one cannot read is not to be written. */
  get isTrial(): boolean {
    return this.updates.isTrial;
  }

  /** The build has a key. */
  get isOn(): boolean {
    return this.update.key !== undefined;
  }

  /** The device is not to sleep. */
  get isBusy(): boolean {
    return this.kept?.isBusy === true;
  }

  /** For `status`; undefined: nothing to say. */
  get text(): string | undefined {
    const { text } = this.updates;
    this.letGo();
    return text;
  }

  /** Everything else of the thermometer has been made. */
  begin(): void {
    this.client?.subscribe(this.topic("offer"), 1);
    this.updates.begin();
    this.letGo();
  }

  /** The connection has come. A sleeper's report says no more than it must. */
  connected(): void {
    if (this.owner.sleep?.hasPrompt !== false || this.isBusy || this.isUnsaid) this.onState();
    this.letGo();
  }

  /** Takes a piece of a message; false: it is none of these. */
  heardPiece(message: InboundMessage): boolean {
    const { topic } = message;
    if (topic === this.topic("chunk")) this.kept?.chunk(message);
    else if (topic === this.topic("offer")) this.updates.announcement(message);
    else return false;
    this.letGo();
    return true;
  }

  /** Before a sleep. */
  pause(): void {
    this.kept?.pause();
  }

  close(): void {
    this.rest();
    this.kept?.close();
  }

  // What updates ask of their owner

  get store(): KeyValueStore {
    return this.owner.store;
  }

  get timers(): Board["timers"] {
    return this.owner.board.timers;
  }

  get version(): string {
    return this.owner.board.version ?? VERSION;
  }

  get lastWords(): string {
    return this.owner.health.lastWords;
  }

  uptimeMs(): number {
    return this.owner.board.clock.uptimeMs();
  }

  /** Nothing of it waits in RAM: what the socket does not take is said a little later, as it is then. */
  onState(): void {
    const uplink = this.client;
    this.rest();
    const isConnected = uplink?.isConnected === true;
    const options = { qos: 0, retain: true } as const;
    this.isUnsaid = !isConnected || !uplink.publish(this.topic("state"), toASCII(this.updates.state), options);
    if (!isConnected || !this.isUnsaid) return;
    this.timer = this.timers.set(() => {
      this.timer = undefined;
      this.onState();
    }, SAY_AGAIN_MS);
  }

  private rest(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
  }

  onConfirmed(): void {
    this.owner.onConfirmed();
  }

  wantChunks(isWanted: boolean): void {
    const uplink = this.client;
    const topic = this.topic("chunk");
    if (isWanted) uplink?.subscribe(topic, 1);
    else uplink?.unsubscribe(topic);
  }

  restart(reason: string): void {
    this.owner.restart(reason);
  }

  log(level: LineLevel, text: string): void {
    this.owner.log(level, text);
  }

  sensorTrouble(): string {
    const { sampling } = this.owner;
    if (sampling === undefined) return "no readings are taken";
    const { sample, lastError } = sampling.status;
    return lastError?.message ?? (sample === undefined ? "no reading yet" : "");
  }

  linkTrouble(): string {
    const state = this.owner.link?.status().state ?? "up";
    return state === "up" ? "" : `wifi ${state}`;
  }

  brokerTrouble(): string {
    const uplink = this.client;
    if (uplink === undefined) return "no broker";
    if (!uplink.isConnected) return `broker ${uplink.status.state}`;
    return uplink.isIdle ? "" : "the broker does not answer";
  }

  private get updates(): Updates {
    this.kept ??= new Updates(this);
    return this.kept;
  }

  /** Not while it is at work: whoever calls it has come from outside. */
  private letGo(): void {
    if (this.kept?.isIdle !== true) return;
    this.kept.close();
    this.kept = undefined;
  }

  private get client(): UpdateClient | undefined {
    return this.owner.uplink ?? this.owner.safeUplink;
  }

  private topic(name: "offer" | "chunk" | "state"): string {
    const { settings, id } = this.owner;
    return updateTopic(settings.get("room"), id, name);
  }
}
