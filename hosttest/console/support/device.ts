/*
 * A device at the other end of a prompt: real settings on a store that survives reboots, a product with answers set by the test, and a
 * screen as a person would see it.
 */
import { Console } from "../../../src/console/console.js";
import type { Answer, ConsoleHost, ImprovPort, Network } from "../../../src/console/host/host.js";
import { nearest } from "../../../src/settings/nearest.js";
import { Settings } from "../../../src/settings/settings.js";
import { MemoryStore } from "../../settings/memory-store.js";
import { VirtualTime } from "../../support/virtual-time.js";
import { FakeSerial, type FakeSerialOptions } from "./fake-serial.js";
import { Screen } from "./screen.js";

export interface DeviceOptions extends FakeSerialOptions {
  readonly columns?: number;
  /** Default: no Improv. */
  readonly improv?: "offered";
  /** Further rows of `status`. */
  readonly status?: readonly (readonly [label: string, value: string])[];
  /** Options of the start, which override saved settings. */
  readonly overrides?: Readonly<Record<string, string>>;
}

export class Device {
  readonly time = new VirtualTime();
  readonly store = new MemoryStore();
  readonly screen: Screen;
  readonly port: FakeSerial;
  readonly events: string[] = [];
  settings!: Settings;
  console!: Console;
  networks: readonly Network[] | { readonly failed: string } = [];
  /** Milliseconds that sensor, bus and radio take to answer; undefined: they never do. */
  answersAfterMs: number | undefined = 10;
  waiting = 3;
  /** How many were sent before the waiting ones. */
  gone = 0;
  online = false;
  /** Whether the network lets the device in. */
  accepts = true;
  readonly #browser: boolean;
  readonly #overrides: DeviceOptions["overrides"];
  readonly #status: NonNullable<DeviceOptions["status"]>;

  constructor(options: DeviceOptions = {}) {
    this.screen = new Screen(options.columns);
    this.#browser = options.improv === "offered";
    this.#overrides = options.overrides;
    this.#status = options.status ?? [];
    this.port = new FakeSerial({
      ...options,
      onWritten: options.onWritten ?? ((bytes) => this.screen.write(bytes)),
    });
    this.boot();
  }

  /** Types at the prompt. */
  type(text: string | Uint8Array): void {
    this.port.send(text);
  }

  boot(): void {
    this.settings = new Settings({ store: this.store, overrides: this.#overrides });
    const { settings, time } = this;
    this.console = new Console({ serial: this.port.serial, settings, host: this.#host(), timers: time.timers });
  }

  #host(): ConsoleHost {
    return {
      version: "home-thermometer 1.0.0 (test)",
      status: () => [["sensor", "21.44 °C, 2 s ago"], ["link", "up, -60 dBm"], ...this.#status],
      reboot: () => this.#restart("reboot"),
      factoryReset: () => {
        this.settings.factoryReset();
        this.#restart("factory reset");
      },
      factoryResetErases: () => `all settings and ${this.waiting} unsent readings`,
      sampleNow: (done) => this.#answer(() => done({ lines: ["21.44 °C"] })),
      sensors: (done) => this.#answer(() => done({ lines: ["0x48 tmp117"] } satisfies Answer)),
      scan: (done) => this.#answer(() => done(this.networks)),
      queue: {
        count: () => this.waiting,
        peek: () => {
          const lines = ["0 21.44", "1 21.45", "2 21.46"].slice(0, this.waiting);
          return () => lines.shift();
        },
        end: () => this.gone + this.waiting,
        drop: (end, report) => {
          let dropped = 0;
          const step = (): void => {
            const part = Math.min(250, Math.max(0, end - this.gone));
            dropped += part;
            this.gone += part;
            this.waiting -= part;
            if (report(dropped, this.gone >= end) && this.gone < end) this.#answer(step);
          };
          this.#answer(step);
        },
      },
      nearest,
      improv: this.#browser ? this.#improv() : undefined,
    };
  }

  #improv(): ImprovPort {
    const keep = (key: string, text: string): void => {
      this.settings.set(key, text);
      this.settings.save([key]);
    };
    return {
      firmware: "home-thermometer",
      version: "1.0.0",
      hardware: "test board",
      hasWiFi: true,
      isOnline: () => this.online,
      join: (ssid, password, done) => {
        keep("wifi.ssid", ssid);
        keep("wifi.password", password);
        this.#answer(() => {
          this.online = this.accepts;
          done(this.accepts);
        });
      },
      deviceName: () => this.settings.state("room").atBoot ?? this.settings.get("room"),
      setDeviceName: (name) => keep("room", name),
      hostname: () => this.settings.state("hostname").atBoot ?? this.settings.get("hostname"),
      setHostname: (name) => keep("hostname", name),
      url: () => "http://192.168.1.20",
    };
  }

  #answer(action: () => void): void {
    if (this.answersAfterMs !== undefined) this.time.timers.set(action, this.answersAfterMs);
  }

  #restart(reason: string): void {
    this.events.push(reason);
    this.console.close();
    this.boot();
  }
}
