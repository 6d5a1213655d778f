/*
 * The uplink: the MQTT client as this product uses it. Entries of the outbox go out as readings; the session record in
 * the journal decides how the client begins; the device says in `home/<room>/<id>/status` whether it is there.
 * Owns the client. Waits for nothing: it is told when there is something to send.
 */
import type { Board } from "../board.js";
import { availabilityTopic, discoveryMessage, discoveryTopic, OFFLINE, ONLINE } from "../homeassistant/discovery.js";
import { Client, type ClientState, type ClientStatus } from "../mqtt/client.js";
import { encodeUTF8 } from "../mqtt/utf8.js";
import type { Entry, Outbox } from "../outbox/outbox.js";
import type { Journal, ReadingMessage } from "../reading/journal.js";
import type { Settings } from "../settings/settings.js";
import { VERSION } from "../version.js";
import type { Announcement, Names } from "./announcement.js";
import type { Level } from "./device-log.js";

export interface UplinkOptions {
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

const NOTHING = new Uint8Array(0); // retained, it takes back what was

export class Uplink {
  private readonly options: UplinkOptions;
  private readonly client: Client<Entry>;
  private readonly names: Names;
  private readonly statusTopic: string;
  /** What stands at the broker under other names. */
  private former: Names | undefined;
  private isAnnounced: boolean; // under these names, as far as flash knows
  private readonly host: string;
  private readonly port: number;

  /** @throws Error with one line if the settings ask for what this board has not (TLS) */
  constructor(options: UplinkOptions) {
    const { board, settings, id, outbox, journal } = options;
    this.options = options;
    this.host = settings.get("mqtt.host");
    this.port = settings.get("mqtt.port");
    this.names = { room: settings.get("room"), id };
    this.statusTopic = availabilityTopic(this.names.room, id);
    const known = options.announcement.read();
    this.isAnnounced = known?.room === this.names.room && known.id === id;
    this.former = this.isAnnounced ? undefined : known;
    const socket = settings.get("mqtt.tls") ? board.tls : board.tcp;
    if (socket === undefined) throw new Error(`mqtt.tls: ${board.name} has no TLS; set mqtt.tls off`);
    const isKnown = journal?.sessionIs(id, this.host, this.port) ?? false;
    this.client = new Client<Entry>({
      socket,
      dns: board.dns,
      host: this.host,
      port: this.port,
      id,
      user: settings.get("mqtt.user") || undefined,
      password: settings.get("mqtt.password") || undefined,
      keepAlive: settings.get("mqtt.keepalive"),
      will: { topic: this.statusTopic, payload: encodeUTF8(OFFLINE), qos: 1, retain: true },
      timers: board.timers,
      uptimeMs: () => board.clock.uptimeMs(),
      random: () => board.random(),
      outbound: outbox,
      render: (entry) => journal?.render(entry),
      window: settings.get("outbox.window"),
      wipeFirst: !isKnown,
      resumed: isKnown,
      onState: (state) => this.onState(state),
      onSession: (session) => this.onSession(session),
      onSettled: (sequence, outcome) => this.onSettled(sequence, outcome),
      onError: (error) => options.log("warn", `broker ${this.host}:${this.port}: ${error.message}`),
    });
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
    this.client.linkUp();
  }

  linkDown(): void {
    this.client.linkDown();
  }

  /** A QoS 0 reading: false if it was dropped, because there is no connection to take it. */
  sendNow(message: ReadingMessage): boolean {
    const isSent = this.client.publishNow(message);
    if (isSent && !this.isAnnounced) this.recordNames();
    return isSent;
  }

  /** Makes the device known once more: what is said of it has changed. */
  announce(): void {
    const { settings, board } = this.options;
    const { topic, payload } = discoveryMessage({
      ...this.names,
      format: settings.get("payload"),
      version: VERSION,
      model: board.name,
    });
    this.say(topic, payload);
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

  private onSession(session: {
    readonly present: boolean;
    readonly wiped: boolean;
    readonly possibleDoubles: number;
  }): void {
    const { journal, id, log } = this.options;
    journal?.countPossibleDoubles(session.possibleDoubles);
    journal?.recordSession(id, this.host, this.port);
    log("info", `connected to ${this.host}:${this.port}${session.present ? ", session resumed" : ""}`);
  }

  private onState(state: ClientState): void {
    this.options.log("debug", `mqtt ${state}`);
    if (state !== "connected") return;
    if (this.former !== undefined) this.takeBack(this.former);
    this.announce();
    this.say(this.statusTopic, encodeUTF8(ONLINE));
  }

  /**
   * Retained. QoS 0 does, where there is room: every connection begins with it. A message that waits for its
   * acknowledgement would take the blame for a reading at which the broker ends the connection.
   */
  private say(topic: string, payload: Uint8Array): void {
    if (this.client.publish(topic, payload, { qos: 0, retain: true })) return;
    this.client.publish(topic, payload, { qos: 1, retain: true });
  }

  private takeBack({ room, id }: Names): void {
    this.say(availabilityTopic(room, id), NOTHING);
    if (id !== this.names.id) this.say(discoveryTopic(id), NOTHING);
  }

  /** A message that was sent later has arrived, or is on the same way: what was said before it needs no repeating. */
  private recordNames(): void {
    this.isAnnounced = true;
    this.former = undefined;
    this.options.announcement.write(this.names);
  }

  private onSettled(sequence: number, outcome: "delivered" | "deadLetter"): void {
    const { journal, board, log } = this.options;
    if (!this.isAnnounced) this.recordNames();
    if (outcome === "deadLetter") {
      journal?.countDeadLetter();
      log("error", `reading ${sequence} given up: the broker closes the connection whenever it is sent`);
    }
    board.observer?.settled?.(sequence, outcome);
  }
}
