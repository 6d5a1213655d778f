/*
 * The uplink: the MQTT client as this product uses it. Entries of the outbox go out as readings; the session record in
 * the journal decides how the client begins; the device says in `home/<room>/<id>/status` whether it is there.
 * Owns the client. Waits for nothing: it is told when there is something to send.
 */
import type { Board } from "../board.js";
import { availabilityTopic, discoveryMessage, OFFLINE, ONLINE } from "../homeassistant/discovery.js";
import { Client, type ClientStatus } from "../mqtt/client.js";
import { encodeUTF8 } from "../mqtt/utf8.js";
import type { Entry, Outbox } from "../outbox/outbox.js";
import type { Journal, ReadingMessage } from "../reading/journal.js";
import type { Settings } from "../settings/settings.js";
import { VERSION } from "../version.js";

export interface UplinkOptions {
  readonly board: Board;
  readonly settings: Settings;
  /** Client id, and the device's level in its status topic. */
  readonly id: string;
  /** Absent where the flash cannot be used: QoS 0 readings alone go out then. */
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  log(level: "error" | "warn" | "info" | "debug", text: string): void;
}

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #client: Client<Entry>;
  readonly #statusTopic: string;
  readonly #host: string;
  readonly #port: number;

  /** @throws Error with one line if the settings ask for what this board has not (TLS) */
  constructor(options: UplinkOptions) {
    const { board, settings, id, outbox, journal } = options;
    this.#options = options;
    this.#host = settings.get("mqtt.host");
    this.#port = settings.get("mqtt.port");
    this.#statusTopic = availabilityTopic(settings.get("room"), id);
    const socket = settings.get("mqtt.tls") ? board.tls : board.tcp;
    if (socket === undefined) throw new Error(`mqtt.tls: ${board.name} has no TLS; set mqtt.tls off`);
    const known = journal?.sessionIs(id, this.#host, this.#port) ?? false;
    this.#client = new Client<Entry>({
      socket,
      dns: board.dns,
      host: this.#host,
      port: this.#port,
      id,
      user: settings.get("mqtt.user") || undefined,
      password: settings.get("mqtt.password") || undefined,
      keepAlive: settings.get("mqtt.keepalive"),
      will: { topic: this.#statusTopic, payload: encodeUTF8(OFFLINE), qos: 1, retain: true },
      timers: board.timers,
      uptimeMs: () => board.clock.uptimeMs(),
      random: () => board.random(),
      outbound: outbox,
      render: (entry) => journal?.render(entry),
      window: settings.get("outbox.window"),
      wipeFirst: !known,
      resumed: known,
      onState: (state) => options.log("debug", `mqtt ${state}`),
      onSession: (session) => this.#onSession(session),
      onSettled: (sequence, outcome) => this.#onSettled(sequence, outcome),
      onError: (error) => options.log("warn", `broker ${this.#host}:${this.#port}: ${error.message}`),
    });
  }

  get status(): ClientStatus {
    return this.#client.status();
  }

  start(): void {
    this.#client.start();
  }

  /** There is a new entry in the outbox. */
  wake(): void {
    this.#client.wake();
  }

  linkUp(): void {
    this.#client.linkUp();
  }

  linkDown(): void {
    this.#client.linkDown();
  }

  /** A QoS 0 reading: false if it was dropped, because there is no connection to take it. */
  sendNow(message: ReadingMessage): boolean {
    return this.#client.publishNow(message);
  }

  /** Says goodbye and leaves; `whenDone` is called once the connection is closed. */
  stop(whenDone?: () => void): void {
    this.#client.publish(this.#statusTopic, encodeUTF8(OFFLINE), { qos: 0, retain: true });
    this.#client.stop(whenDone);
  }

  /** Leaves at once, without a word: the will speaks. */
  close(): void {
    this.#client.close();
  }

  #onSession(session: { readonly present: boolean; readonly wiped: boolean; readonly possibleDoubles: number }): void {
    const { journal, id, settings, log } = this.#options;
    journal?.countPossibleDoubles(session.possibleDoubles);
    journal?.recordSession(id, this.#host, this.#port);
    log("info", `connected to ${this.#host}:${this.#port}${session.present ? ", session resumed" : ""}`);
    const { topic, payload } = discoveryMessage({
      room: settings.get("room"),
      id,
      format: settings.get("payload"),
      version: VERSION,
      model: this.#options.board.name,
    });
    this.#client.publish(topic, payload, { qos: 1, retain: true });
    this.#client.publish(this.#statusTopic, encodeUTF8(ONLINE), { qos: 1, retain: true });
  }

  #onSettled(sequence: number, outcome: "delivered" | "deadLetter"): void {
    const { journal, board, log } = this.#options;
    if (outcome === "deadLetter") {
      journal?.countDeadLetter();
      log("error", `reading ${sequence} given up: the broker closes the connection whenever it is sent`);
    }
    board.observer?.settled?.(sequence, outcome);
  }
}
