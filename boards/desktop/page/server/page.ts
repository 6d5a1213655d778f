/*
 * The page of the desktop process: connects devices, broker and subscriber with the browsers that show them.
 */
import { randomUUID } from "node:crypto";
import { VERSION } from "../../../../src/version.js";
import type { EmbeddedBroker } from "../../network/broker.js";
import type { Subscriber } from "../../network/subscriber.js";
import type { BrokerState, FromPage, ToPage } from "../protocol.js";
import { perform } from "./actions.js";
import type { DeviceModel } from "./device-model.js";
import { PageServer } from "./page-server.js";
import { parseMessage } from "./parse-message.js";

/** The air and the number of waiting entries change by themselves. */
const REFRESH_MS = 1_000;
const TOPIC = /^home\/([^/]+)\/[^/]+$/;

export interface PageOptions {
  readonly models: readonly DeviceModel[];
  readonly subscriber: Subscriber;
  /** Undefined: another one is in use. */
  embedded(): EmbeddedBroker | undefined;
  /** Of the broker in use: host and port. */
  address(): string;
  print(line: string): void;
  setPace(id: string, seconds: number | undefined): void;
  setSleep(id: string, on: boolean): void;
}

export class Page {
  readonly #options: PageOptions;
  readonly #server: PageServer;
  readonly #run = randomUUID();

  constructor(options: PageOptions) {
    this.#options = options;
    this.#server = new PageServer({ greet: () => this.#hello(), onMessage: (text) => this.#onMessage(text) });
    for (const model of options.models) {
      model.send = (message) => this.#send(message);
      model.isWatched = () => options.subscriber.isSubscribed;
    }
    options.subscriber.arrivals = {
      arrived: (topic, payload) => this.#arrived(topic, payload),
      subscribed: (is) => this.#subscribed(is),
    };
  }

  /** Returns the page's address, and why it is not at the usual port. @throws the system's error */
  async open(port: number, isChosen: boolean): Promise<{ url: string; whyOther?: string }> {
    let whyOther: string | undefined;
    await this.#server.listen(port).catch((error: NodeJS.ErrnoException) => {
      if (isChosen) throw error;
      whyOther =
        error.code === "EADDRINUSE" ? `port ${port} is in use` : `port ${port} cannot be opened (${error.code})`;
      return this.#server.listen(0);
    });
    setInterval(() => this.#refresh(), REFRESH_MS).unref();
    return { url: this.#server.url, whyOther };
  }

  #hello(): string {
    const { models } = this.#options;
    const hello: ToPage = {
      type: "hello",
      run: this.#run,
      version: VERSION,
      nowMs: Date.now(),
      broker: this.#broker(),
      devices: models.map((model) => model.snapshot()),
    };
    return JSON.stringify(hello);
  }

  #send(message: ToPage): void {
    if (this.#server.isWatched) this.#server.send(JSON.stringify(message));
  }

  #refresh(): void {
    if (!this.#server.isWatched) return;
    for (const model of this.#options.models) model.sendState();
  }

  #broker(): BrokerState {
    const { embedded, address, subscriber } = this.#options;
    const broker = embedded();
    return {
      kind: broker === undefined ? "other" : "embedded",
      address: address(),
      isRunning: broker?.isRunning ?? subscriber.isSubscribed,
      isSubscribed: subscriber.isSubscribed,
    };
  }

  #brokerChanged(): void {
    const broker = this.#broker();
    this.#send({ type: "broker", broker });
    const isDown = broker.kind === "embedded" ? !broker.isRunning : !broker.isSubscribed;
    for (const { spans } of this.#options.models) spans.set("broker", isDown);
  }

  #arrived(topic: string, payload: string): void {
    const [, room] = TOPIC.exec(topic) ?? [];
    if (room === undefined) return;
    this.#options.models.find(({ rooms }) => rooms.has(room))?.received(payload);
  }

  #subscribed(is: boolean): void {
    if (!is) for (const model of this.#options.models) model.unwatched();
    this.#brokerChanged();
  }

  #onMessage(text: string): void {
    const message = parseMessage(text);
    if (message === undefined) return;
    if (message.type === "broker") {
      this.#onBroker(message.action);
      return;
    }
    const { models, setPace, setSleep } = this.#options;
    const model = models.find(({ id }) => id === message.id);
    if (model !== undefined) perform(message.action, model, { setPace, setSleep });
  }

  #onBroker(action: Extract<FromPage, { type: "broker" }>["action"]): void {
    const { embedded, print } = this.#options;
    const broker = embedded();
    if (broker === undefined) return;
    switch (action) {
      case "stop":
      case "kill":
        if (!broker.isRunning) return;
        broker.stop(action === "kill" ? "byForce" : "inOrder");
        print(action === "kill" ? "broker: killed, its sessions are lost" : "broker: stopped");
        break;
      case "start":
        broker.start().then(
          () => {
            print("broker: started");
            this.#brokerChanged();
          },
          (error: Error) => print(`broker: does not start: ${error.message}`),
        );
        return;
      default:
        action satisfies never;
    }
    this.#brokerChanged();
  }
}
