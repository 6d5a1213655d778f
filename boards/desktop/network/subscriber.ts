/*
 * The subscriber on `home/+/+` (the temperature alone, or each channel): an independent client (MQTT.js) that prints arriving
 * messages. It shares only the broker with the firmware.
 * At QoS 0, so that messages that are too long to be shown need no acknowledgement (skim.ts).
 */
import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { MqttClient } from "mqtt";
import type { TLSDemand } from "../../../src/tls/io.js";
import { dial } from "./dial.js";
import { skimmed } from "./skim.js";
import { dialTLS } from "./tls.js";

const FILTER = "home/+/+";
/** Of a payload, in characters. */
const MAX_SHOWN = 1_000;

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Undefined: without TLS. */
  readonly demand: TLSDemand | undefined;
  /** Names of the demand's certificates and key. */
  readonly credentials: string;
}

/** Further receivers of arriving messages. */
export interface Arrivals {
  arrived(topic: string, payload: string): void;
  /** Whether published messages arrive from now on. */
  subscribed(is: boolean): void;
}

export class Subscriber {
  /** Its client id. */
  readonly id = `subscriber${randomBytes(6).toString("hex")}`;
  arrivals: Arrivals | undefined;
  readonly #print: (line: string) => void;
  #client: MqttClient | undefined;
  #at = "";
  #subscribed = false;
  #newest: number | undefined; // `seq` of the latest message that has one
  #check: () => void = () => {};

  /** `print` gets a line for what a person should see. */
  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get isSubscribed(): boolean {
    return this.#subscribed;
  }

  /** Connects, and again after every drop. If the broker cannot be reached, it waits. If the broker has changed, it connects to the new one. */
  follow({ host, port, user, password, demand, credentials }: BrokerAddress): void {
    const at = JSON.stringify([host, port, user, password, demand?.fingerprint, demand?.name, credentials]);
    if (at === this.#at) return;
    this.#at = at;
    this.#client?.end(true);
    this.#setSubscribed(false);
    let isNew = true;
    const onSkipped = (topic: string, bytes: number): void =>
      this.#print(`${topic} (${bytes} bytes: too long to be shown)`);
    const client = new MqttClient(
      () => {
        try {
          return skimmed(demand ? dialTLS({ host, port }, demand) : dial({ host, port }), onSkipped);
        } catch (error) {
          return new Duplex().destroy(error as Error); // a CA or key that cannot be used
        }
      },
      {
        clientId: this.id,
        username: user || undefined,
        password: password || undefined,
        reconnectPeriod: 1000,
        resubscribe: false,
      },
    );
    this.#client = client;
    client.on("error", () => {}); // the thermometer itself reports the broker
    client.on("message", (topic, payload) => this.#arrived(topic, payload.toString("utf8")));
    client.on("close", () => {
      if (client === this.#client) this.#setSubscribed(false);
    });
    client.on("connect", () =>
      client.subscribe(FILTER, { qos: 0 }, (error, granted = []) => {
        if (client !== this.#client || error || granted.some(({ qos }) => (qos as number) > 2)) return;
        this.#setSubscribed(true);
        if (isNew) this.#print(`subscribed to ${FILTER} at ${host}:${port}`);
        isNew = false;
      }),
    );
  }

  /**
   * Calls `done` when all readings that the broker has accepted are shown, or if it is not subscribed.
   * `newest`: number of the last reading that the broker has acknowledged; undefined: readings have none.
   */
  whenShown(newest: number | undefined, done: () => void): void {
    const client = this.#client;
    if (client === undefined || !this.#subscribed) {
      done();
      return;
    }
    if (newest === undefined || this.#newest === undefined) {
      // Readings have no number. All that the broker sent before it answers this has arrived.
      client.subscribe(FILTER, { qos: 0 }, done);
      return;
    }
    this.#check = () => {
      if (this.#newest !== undefined && this.#newest < newest) return;
      this.#check = () => {};
      done();
    };
    client.once("close", done);
    this.#check();
  }

  #setSubscribed(is: boolean): void {
    this.#subscribed = is;
    this.arrivals?.subscribed(is);
  }

  #arrived(topic: string, payload: string): void {
    const rest = payload.length - MAX_SHOWN;
    this.#print(`${topic} ${rest <= 0 ? payload : `${payload.slice(0, MAX_SHOWN)} ... (${rest} characters more)`}`);
    this.arrivals?.arrived(topic, payload);
    this.#newest = sequenceIn(payload);
    this.#check();
  }
}

function sequenceIn(payload: string): number | undefined {
  try {
    const { seq } = JSON.parse(payload);
    return typeof seq === "number" ? seq : undefined;
  } catch {
    return undefined;
  }
}
