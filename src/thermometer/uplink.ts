/*
 * The uplink: the MQTT client as this product uses it. Entries of the outbox go out as readings; the session record in
 * the journal decides how the client begins; the device says in `home/<room>/<id>/status` whether it is there.
 * Owns the client. Waits for nothing: it is told when there is something to send.
 */
import type { Board, Timers } from "../board.js";
import { availabilityTopic, discoveryMessage, discoveryTopic, OFFLINE, ONLINE } from "../homeassistant/discovery.js";
import {
  Client,
  type ClientOptions,
  type ClientState,
  type ClientStatus,
  type MQTTError,
  type SessionStart,
  type Will,
} from "../mqtt/client.js";
import type { TCPConstructor } from "../mqtt/io.js";
import { encodeUTF8 } from "../mqtt/utf8.js";
import type { Entry, Outbox } from "../outbox/outbox.js";
import type { Journal, ReadingMessage } from "../reading/journal.js";
import type { Settings } from "../settings/settings.js";
import { VERSION } from "../version.js";
import type { Announcement, Names } from "./announcement.js";
import type { Level } from "./device-log.js";

/** Whose uplink it is. */
export interface UplinkOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Client id, and the device's level in its status topic. */
  readonly id: string;
  /** Absent where the flash cannot be used: QoS 0 readings alone go out then. */
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly announcement: Announcement;
  log(level: Level, text: string): void;
}

/** A reading may be late by a connection that must be made anew. */
const LEAST_EXPIRY_S = 60;
/** What was handed to the socket is in the network's hands after this. */
const ON_ITS_WAY_MS = 1_000;
const NOTHING = new Uint8Array(0); // retained, it takes back what was

/** Three times the longest silence of a sensor that works, in seconds; undefined: it may be silent for ever. */
function expireAfterS(settings: Settings): number | undefined {
  const interval = settings.get("interval");
  const heartbeat = settings.get("heartbeat");
  if (settings.get("deadband") === 0) return Math.max(LEAST_EXPIRY_S, Math.ceil(3 * interval));
  return heartbeat === 0 ? undefined : Math.max(LEAST_EXPIRY_S, Math.ceil(3 * (heartbeat + interval)));
}

export class Uplink implements ClientOptions<Entry> {
  private readonly owner: UplinkOwner;
  private readonly client: Client<Entry>;
  /** What stands at the broker under other names. */
  private former: readonly Names[] | undefined;
  private isNoted: boolean; // flash knows these names
  private isAnnounced: boolean; // and no others
  private isUp = false;
  private isHeld = false;
  /** What the last failure was: the same one again is not news. */
  private trouble = "";
  /** The session at the broker is not the one that the journal knows. */
  readonly wipeFirst: boolean;
  /** In whatever session it was. */
  readonly perhapsSent: number;

  /** @throws Error with one line if the settings ask for what this board has not (TLS) */
  constructor(owner: UplinkOwner) {
    const { journal, announcement, settings } = owner;
    this.owner = owner;
    const known = announcement.read();
    const former = known.filter(({ room, id }) => room !== this.room || id !== this.id);
    this.isNoted = former.length < known.length;
    this.isAnnounced = this.isNoted && former.length === 0;
    if (former.length > 0) this.former = former;
    if (this.tcp === undefined) throw new Error(`mqtt.tls: ${owner.board.name} has no TLS; set mqtt.tls off`);
    this.wipeFirst = journal?.sessionIs(this.id, this.host, this.port) !== true;
    this.perhapsSent = journal?.perhapsSent ?? 0;
    if (this.user === undefined && settings.get("mqtt.password") !== "") {
      owner.log("warn", "mqtt.password is not sent: set mqtt.user, too");
    }
    this.client = new Client<Entry>(this);
  }

  get status(): ClientStatus {
    return this.client.status();
  }

  start(): void {
    this.client.start();
  }

  /** There is a new entry in the outbox. */
  wake(): void {
    this.client.wake();
  }

  linkUp(): void {
    this.isUp = true;
    if (!this.isHeld) this.client.linkUp();
  }

  linkDown(): void {
    this.isUp = false;
    this.client.linkDown();
  }

  /** Sends nothing until `release`. */
  hold(): void {
    this.isHeld = true;
    this.client.linkDown();
  }

  release(): void {
    this.isHeld = false;
    if (this.isUp) this.client.linkUp();
  }

  /** The broker's session is wiped before anything else is sent. */
  wipe(): void {
    this.client.wipe();
  }

  /** A QoS 0 reading: false if it was dropped, because there is no connection to take it. */
  sendNow(message: ReadingMessage): boolean {
    const isSent = this.client.publishNow(message);
    if (isSent && !this.isAnnounced) this.recordNames();
    return isSent;
  }

  /** What is said of the device has changed. Not connected: it is said with the next connection. */
  announceAgain(): void {
    if (this.status.state === "connected") this.announce();
  }

  /** Takes back all that the broker retains of the device, and leaves; `whenDone` is called when that has had time to get there. */
  forget(whenDone: () => void): void {
    if (!this.isNoted && this.former === undefined) {
      this.client.stop(whenDone);
      return;
    }
    const { lastError } = this.status;
    if (this.takeBackAll()) {
      this.client.stop(() => {
        if (this.status.lastError !== lastError) this.leaveRetained();
        this.owner.board.timers.set(whenDone, ON_ITS_WAY_MS);
      });
      return;
    }
    this.leaveRetained();
    this.client.close(); // without a goodbye: if there was a connection, the will says at least that the device is gone
    whenDone();
  }

  /** Says goodbye and leaves; `whenDone` is called once the connection is closed. */
  stop(whenDone?: () => void): void {
    this.client.publish(this.statusTopic, encodeUTF8(OFFLINE), { qos: 0, retain: true });
    this.client.stop(whenDone);
  }

  /** Leaves at once, without a word: the will speaks. */
  close(): void {
    this.client.close();
  }

  // What the client asks of its owner

  get socket(): { readonly io: TCPConstructor } {
    return this.tcp as { readonly io: TCPConstructor }; // looked at in the constructor
  }

  get dns(): Board["dns"] {
    return this.owner.board.dns;
  }

  get host(): string {
    return this.owner.settings.get("mqtt.host");
  }

  get port(): number {
    return this.owner.settings.get("mqtt.port");
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

  get will(): Will {
    return { topic: this.statusTopic, payload: encodeUTF8(OFFLINE), qos: 1, retain: true };
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

  uptimeMs(): number {
    return this.owner.board.clock.uptimeMs();
  }

  random(): number {
    return this.owner.board.random();
  }

  render(entry: Entry): ReadingMessage | undefined {
    return this.owner.journal?.render(entry);
  }

  onSession(session: SessionStart): void {
    const { owner, id } = this;
    owner.journal?.countPossibleDoubles(session.possibleDoubles);
    owner.journal?.recordSession(id, this.host, this.port, this.window);
    owner.log("info", `connected to ${this.host}:${this.port}${session.present ? ", session resumed" : ""}`);
  }

  onState(state: ClientState): void {
    this.owner.log("debug", `mqtt ${state}`);
    if (state !== "connected") return;
    this.trouble = "";
    if (!this.isNoted) {
      // Before they are said: from now on they may stand there.
      this.isNoted = true;
      this.owner.announcement.write([...(this.former ?? []), this.names]);
    }
    for (const names of this.former ?? []) this.takeBack(names, names.id !== this.id);
    this.announce();
    this.say(this.statusTopic, encodeUTF8(ONLINE));
  }

  onSettled(sequence: number, outcome: "delivered" | "deadLetter"): void {
    const { owner } = this;
    if (!this.isAnnounced) this.recordNames();
    if (outcome === "deadLetter") {
      owner.journal?.countDeadLetter();
      owner.log("error", `reading ${sequence} given up: the broker closes the connection whenever it is sent`);
    }
    owner.board.observer?.settled?.(sequence, outcome);
  }

  onError(error: MQTTError): void {
    this.owner.log(
      error.message === this.trouble ? "debug" : "warn",
      `broker ${this.host}:${this.port}: ${error.message}`,
    );
    this.trouble = error.message;
  }

  private get tcp(): Board["tls"] {
    const { board, settings } = this.owner;
    return settings.get("mqtt.tls") ? board.tls : board.tcp;
  }

  private get room(): string {
    return this.owner.settings.get("room");
  }

  /** Under which names the device makes itself known. They are in force until the next boot, as all settings here but the format. */
  private get names(): Names {
    return { room: this.room, id: this.id };
  }

  private get statusTopic(): string {
    return availabilityTopic(this.room, this.id);
  }

  /**
   * Retained. QoS 0 does, where there is room: every connection begins with it. A message that waits for its
   * acknowledgement would take the blame for a reading at which the broker ends the connection.
   */
  private say(topic: string, payload: Uint8Array): void {
    if (this.client.publish(topic, payload, { qos: 0, retain: true })) return;
    this.client.publish(topic, payload, { qos: 1, retain: true });
  }

  /** Makes the device known. */
  private announce(): void {
    const { settings, board } = this.owner;
    const { topic, payload } = discoveryMessage({
      ...this.names,
      format: settings.get("payload"),
      version: VERSION,
      model: board.name,
      expireAfterS: expireAfterS(settings),
    });
    this.say(topic, payload);
  }

  /** At QoS 0, as nothing is waited for. Returns whether all of it is on its way. */
  private takeBackAll(): boolean {
    return [...(this.former ?? []), this.names].every(({ room, id }) =>
      [availabilityTopic(room, id), discoveryTopic(id)].every((topic) =>
        this.client.publish(topic, NOTHING, { qos: 0, retain: true }),
      ),
    );
  }

  private leaveRetained(): void {
    this.owner.log("warn", `broker not reached: ${this.statusTopic} stays retained there`);
  }

  /** `wholly`: the entity, too. */
  private takeBack({ room, id }: Names, wholly: boolean): void {
    this.say(availabilityTopic(room, id), NOTHING);
    if (wholly) this.say(discoveryTopic(id), NOTHING);
  }

  /** A message that was sent later has arrived, or is on the same way: what was said before it needs no repeating. */
  private recordNames(): void {
    this.isAnnounced = true;
    if (this.former !== undefined) this.owner.announcement.write([this.names]);
    this.former = undefined;
  }
}
