/*
 * From the broker into the store: a persistent session, and an acknowledgement only for messages that are durable. MQTT.js acknowledges
 * when `handleMessage` calls back.
 */
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { messageFrom } from "../message.js";
import type { Store } from "./store.js";
import { Waiting } from "./waiting.js";

/** Session expiry to ask for: long enough for any pause, but not for ever, in case the program never returns. */
const SESSION_S = 90 * 86_400;
const REFUSED = 0x80;

export interface IntakeOwner {
  /** State of the connection, for a person. */
  onState(state: string): void;
  /** The broker does not let it subscribe. */
  onRefused(problem: string): void;
  /** The store cannot keep a sample, which is therefore not acknowledged: the program has to end. */
  onBroken(error: unknown): void;
}

export class Intake {
  /** Since the start. */
  taken = 0;
  doubles = 0;
  /** Messages that are not samples. */
  ignored = 0;
  private readonly waiting = new Waiting();
  private readonly client: MqttClient;

  constructor(options: IClientOptions, filter: string, store: Store, owner: IntakeOwner) {
    const session = options.protocolVersion === 5 ? { properties: { sessionExpiryInterval: SESSION_S } } : {};
    this.client = mqtt.connect({ ...options, ...session, clean: false });
    this.client.handleMessage = ({ topic, payload }, done) => {
      try {
        this.take(store, String(topic), Buffer.from(payload));
      } catch (error) {
        owner.onBroken(error); // without `done`: no acknowledgement
        return;
      }
      done();
    };
    this.client.on("connect", () => {
      owner.onState("connected");
      this.client.subscribe(filter, { qos: 1 }, (error, granted) => {
        const refused = error ?? granted?.find(({ qos }) => qos >= REFUSED);
        if (refused) owner.onRefused(`the broker refuses ${filter}${error ? ` (${error.message})` : ""}`);
        else this.waiting.begin(performance.now(), Date.now());
      });
    });
    this.client.on("close", () => {
      this.waiting.stop();
      owner.onState("no connection, trying again");
    });
    this.client.on("error", (error: Error & { readonly code?: unknown }) =>
      owner.onState(`no connection (${error.message || String(error.code ?? error.name)}), trying again`),
    );
  }

  /** Whether the messages that waited at the broker have been received, as far as can be known. */
  get hasReceivedWaiting(): boolean {
    return this.waiting.isOver(performance.now());
  }

  /** The broker keeps the session. */
  close(): Promise<void> {
    return this.client.endAsync(true);
  }

  private take(store: Store, topic: string, payload: Buffer): void {
    const message = messageFrom(topic, payload);
    this.waiting.received(performance.now(), message?.kind === "sample" ? message.tsMs : undefined);
    if (message?.kind !== "sample") {
      this.ignored += 1;
      return;
    }
    if (store.keep(message, Date.now()) === "new") this.taken += 1;
    else this.doubles += 1;
  }
}
