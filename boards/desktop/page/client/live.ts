/*
 * The page's end of the WebSocket: connects, again after every drop, and keeps the data. Listeners are notified of changes ten times a second.
 */
import type { BrokerState, DeviceAction, FromPage, ToPage } from "../protocol.js";
import { DeviceLive } from "./device-live.js";

const RETRY_MS = 300;
/** More often is not visible. */
const REDRAW_MS = 100;
/** The counts also change with time. */
const TICK_MS = 1_000;

export type LinkState = "connecting" | "live" | "lost";

export class Live {
  link: LinkState = "connecting";
  version = "";
  broker: BrokerState | undefined;
  devices: readonly DeviceLive[] = [];
  readonly #listeners = new Set<() => void>();
  #socket: WebSocket | undefined;
  #run: string | undefined;
  #lastSeenMs = 0;
  #isDue = false;
  #drawnMs = Number.NEGATIVE_INFINITY; // the first change is shown at once

  constructor() {
    this.#connect();
    setInterval(() => this.#changed(), TICK_MS);
  }

  /** Calls `listener` after changes, at most each REDRAW_MS, until the result is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  act(id: string, action: DeviceAction): void {
    this.#send({ type: "device", id, action });
  }

  onBroker(action: Extract<FromPage, { type: "broker" }>["action"]): void {
    this.#send({ type: "broker", action });
  }

  #send(message: FromPage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect(): void {
    const socket = new WebSocket(`ws://${location.host}/live`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#take(JSON.parse(String(data)));
      this.#changed();
    };
    socket.onclose = () => {
      if (this.link === "live") this.link = "lost";
      this.#changed();
      setTimeout(() => this.#connect(), RETRY_MS);
    };
  }

  #take(message: ToPage): void {
    if (message.type === "hello") this.#greeted(message);
    else if (message.type === "broker") this.broker = message.broker;
    else this.devices.find(({ id }) => id === message.id)?.take(message);
    this.#lastSeenMs = Date.now();
  }

  #greeted({ run, version, broker, devices }: Extract<ToPage, { type: "hello" }>): void {
    const awaySinceMs = this.#run !== undefined && this.#run !== run ? this.#lastSeenMs : undefined;
    this.#run = run;
    this.link = "live";
    this.version = version;
    this.broker = broker;
    this.devices = devices.map((snapshot) => {
      const known = this.devices.find(({ id }) => id === snapshot.state.id);
      known?.adopt(snapshot, awaySinceMs);
      return known ?? new DeviceLive(snapshot);
    });
  }

  #changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const waitMs = Math.max(0, this.#drawnMs + REDRAW_MS - performance.now());
    setTimeout(() => {
      this.#isDue = false;
      this.#drawnMs = performance.now();
      for (const listener of this.#listeners) listener();
    }, waitMs);
  }
}
