/*
 * Link: keeps the device on its Wi-Fi network. It joins, watches, and joins again with exponential back-off and full jitter,
 * for as long as necessary. It never restarts the device, and no exception leaves its callbacks. The SDK does not report why a
 * join failed, so a scan decides: if it finds the network, the password is wrong; otherwise the network is not in reach. One timer
 * for the state, one for the scan; a survey of at most 20 networks. It reads no clock.
 * Source: ECMA-419 network interfaces, as in the SDK's wifi-esp32.c.
 */
import { messageOf } from "../common/message-of.js";
import type { TimerId, Timers } from "../common/timers.js";
import { nextStepMs, waitMs } from "./back-off.js";
import { ASSOCIATED, CONNECTED, DISCONNECTED, type WiFi, type WiFiConstructor } from "./io.js";
import { type Network, Survey } from "./survey.js";
import { type Trouble, troubleText } from "./trouble.js";

/** Steps of the back-off. The longest is short, so that a restarted router is found again within about a minute. */
export const LINK_STEPS = Object.freeze({ firstMs: 2_000, longestMs: 60_000 });
/** Shortest wait before a join: the event of a disconnect comes late, and would end a join that has begun by then. */
export const SETTLE_MS = 1_000;
/** Time limit for a join, including the address. */
export const JOIN_MS = 30_000;
/** Interval at which the chip is checked while up, because events can get lost. A link that lasts this long ends the row of failures. */
export const WATCH_MS = 30_000;
/** Scanning all channels takes two or three seconds. */
export const SCAN_MS = 15_000;

/** "unconfigured": no network name. "surveying": a scan runs, and the wait begins after it. "waiting": back-off. */
export type LinkState = "unconfigured" | "joining" | "surveying" | "waiting" | "up" | "closed";

/** The object is kept; name and password are read once, see `setCredentials`. */
export interface LinkOptions {
  readonly wifi: { readonly io: WiFiConstructor };
  /** Empty: not configured. At most 32 bytes of UTF-8. */
  readonly ssid: string;
  /** Empty: an open network. At most 64 bytes of UTF-8. */
  readonly password: string;
  /** The name in the router's list: letters, digits, hyphens, at most 32. */
  readonly hostname?: string;
  /** The network's last channel, 1 to 13: the first join begins there. 0 or absent: not known. */
  readonly channel?: number;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  random(): number;
  /** The link came up or went down, or is down for another reason than before. `detail`: a line for the log. */
  onChange?(up: boolean, detail: string): void;
  /** An exception of the owner's callback or the driver was caught here. The link continues. */
  onFault?(error: unknown): void;
}

/** The state of the link, for `status`. */
export interface LinkStatus {
  readonly state: LinkState;
  readonly ssid: string;
  /** Why the last attempt failed. Absent while up, and before the first attempt has ended. */
  readonly trouble?: Trouble;
  /** While up. */
  readonly address?: string;
  /** While up, in dBm. */
  readonly rssi?: number;
  /** Since boot: joins tried, and how often the link was lost. */
  readonly joins: number;
  readonly drops: number;
}

/** Callbacks of a scan. */
export interface ScanCallbacks {
  /** Once per network, strongest first, when the scan is over. */
  onFound(network: Network): void;
  /** The last call. `error`: the scan failed; the networks found before were reported. */
  onDone(error?: Error): void;
}

/** Keeps the device on its network from `start` to `close`. No exception leaves a callback. */
export class Link {
  private readonly options: LinkOptions;
  private wifi?: WiFi;
  private ssid: string;
  private password: string;
  private state: LinkState = "unconfigured";
  private trouble?: Trouble;
  private lastDetail = "";
  private stepMs = 0;
  private joins = 0;
  private drops = 0;
  private timer?: TimerId;
  /** The current join has reached the access point. */
  private associated = false;
  /** The running scan will show why the last join failed. */
  private puzzled = false;
  private survey?: Survey;
  private surveyTimer?: TimerId;
  private scanAsked?: ScanCallbacks;

  /** Begins to join. If the driver cannot be opened, that is a trouble like others, and is tried again; nothing is thrown. */
  constructor(options: LinkOptions) {
    this.options = options;
    this.ssid = options.ssid;
    this.password = options.password;
    if (this.ssid !== "") this.attempt(() => this.join());
  }

  get up(): boolean {
    return this.state === "up";
  }

  /** The access point's channel, while up. */
  get channel(): number | undefined {
    return this.up ? tried(() => this.wifi?.channel) : undefined;
  }

  /** Leaves the current network and joins this one. The same credentials again only end a wait. */
  setCredentials(ssid: string, password: string): void {
    const same = ssid === this.ssid && password === this.password;
    if (this.state === "closed" || (same && this.state !== "waiting")) return;
    this.guarded(() => {
      const leaving = this.up ? `leaving "${this.ssid}"` : undefined;
      this.ssid = ssid;
      this.password = password;
      this.trouble = undefined;
      this.puzzled = false;
      this.lastDetail = "";
      this.stepMs = 0;
      this.guarded(() => this.wifi?.disconnect());
      if (ssid === "") this.enter("unconfigured");
      else this.wait();
      if (leaving) this.report(leaving);
    });
  }

  /**
   * Scans as soon as the chip can, which is not while it joins.
   * @returns false if another scan is pending; then no callback is called
   */
  scan(callbacks: ScanCallbacks): boolean {
    if (this.scanAsked || this.state === "closed") return false;
    this.scanAsked = callbacks;
    this.guarded(() => {
      if (this.state === "waiting") this.wait();
      else if (this.state !== "joining" && !this.survey) this.listen();
    });
    return true;
  }

  status(): LinkStatus {
    const wifi = this.up ? this.wifi : undefined;
    return {
      state: this.state,
      ssid: this.ssid,
      trouble: this.trouble,
      address: tried(() => wifi?.address),
      rssi: tried(() => wifi?.RSSI),
      joins: this.joins,
      drops: this.drops,
    };
  }

  /** Leaves the network for good. No callback follows, except those of a running scan, which ends within this call. */
  close(): void {
    if (this.state === "closed") return;
    this.enter("closed");
    this.guarded(() => this.surveyed(new Error("the link was closed")));
    this.guarded(() => this.wifi?.disconnect());
    this.forgetDriver();
  }

  private join(): void {
    this.enter("joining", JOIN_MS);
    this.associated = false;
    const wifi = this.opened();
    if (wifi.connection >= CONNECTED && wifi.SSID === this.ssid) {
      // The chip is already connected: the SDK joined before main, or our events were lost.
      this.cameUp();
    } else if (wifi.connection > DISCONNECTED) {
      wifi.disconnect();
      this.wait();
    } else {
      const { channel = 0 } = this.options;
      const network = { SSID: this.ssid, password: this.password };
      wifi.connect(channel > 0 && this.joins === 0 ? { ...network, channel } : network);
      this.joins++;
    }
  }

  /** The driver, opened when it is first needed: an unconfigured device does not use the radio. */
  private opened(): WiFi {
    if (this.wifi) return this.wifi;
    const { wifi, hostname } = this.options;
    const opened = new wifi.io({ onChanged: () => this.guarded(() => this.changed()) });
    this.wifi = opened;
    if (hostname) this.guarded(() => opened.configure({ hostname }));
    return opened;
  }

  /** A driver that has failed is opened again. Closing it leaves the chip associated. */
  private forgetDriver(): void {
    this.guarded(() => this.wifi?.close());
    this.wifi = undefined;
  }

  /** The chip's connection may have changed. Between joins that is an effect of our own calls, and ignored. */
  private changed(): void {
    const connection = this.wifi?.connection ?? DISCONNECTED;
    if (this.state === "joining") {
      if (connection >= CONNECTED) this.cameUp();
      else if (connection >= ASSOCIATED) this.associated = true;
      else if (connection <= DISCONNECTED) this.joinFailed();
    } else if (this.up && connection < CONNECTED) this.lost(connection);
  }

  private joinTimedOut(): void {
    if (this.wifi && this.wifi.connection >= CONNECTED) {
      this.cameUp();
    } else {
      this.wifi?.disconnect();
      this.joinFailed();
    }
  }

  private joinFailed(): void {
    if (this.associated) {
      this.failed({ kind: "noAddress" });
    } else {
      this.puzzled = true;
      this.enter("surveying");
      this.listen();
    }
  }

  private cameUp(): void {
    this.enter("up", WATCH_MS);
    this.trouble = undefined;
    if (this.scanAsked && !this.survey) this.listen();
    this.report(`on "${this.ssid}", ${this.wifi?.address ?? "no address"}`);
  }

  /** Checks that the link is still up. The driver's own record depends on events, so the chip is asked for the network's name. */
  private watch(): void {
    const wifi = this.wifi;
    if (!wifi || wifi.connection < CONNECTED || wifi.SSID === undefined) {
      this.lost(DISCONNECTED);
    } else {
      this.stepMs = 0;
      this.enter("up", WATCH_MS);
    }
  }

  private lost(connection: number): void {
    this.drops++;
    if (connection >= ASSOCIATED) {
      // Moved to another access point of the same network: the address follows without our help.
      this.associated = true;
      this.enter("joining", JOIN_MS);
      this.report(troubleText({ kind: "lost" }, this.ssid));
    } else {
      this.failed({ kind: "lost" });
    }
  }

  private failed(trouble: Trouble): void {
    if (trouble.kind === "driver") this.forgetDriver();
    this.trouble = trouble;
    this.stepMs = nextStepMs(this.stepMs, LINK_STEPS);
    this.wait();
    this.report(troubleText(trouble, this.ssid));
  }

  /** Waits, then joins. A scan is done first, because the chip cannot do both. */
  private wait(): void {
    if (this.survey || this.scanAsked) {
      this.enter("surveying");
      if (!this.survey) this.listen();
    } else {
      this.enter("waiting", waitMs(SETTLE_MS, this.stepMs, this.options.random()));
    }
  }

  private listen(): void {
    const survey = new Survey(this.ssid);
    this.survey = survey;
    this.surveyTimer = this.options.timers.set(() => {
      this.surveyTimer = undefined;
      this.forgetDriver(); // a scan that does not end would block all joins
      this.guarded(() => this.up && this.opened());
      this.guarded(() => this.surveyed(new Error("the scan does not end")));
    }, SCAN_MS);
    try {
      // An aborted scan may still report; its results must not be mixed with the next one's.
      this.opened().scan({
        onFound: (result) => this.guarded(() => survey.add(result)),
        onComplete: () => this.guarded(() => this.survey === survey && this.surveyed()),
      });
    } catch (error) {
      this.surveyed(new Error(`scan: ${messageOf(error)}`));
    }
  }

  private surveyed(error?: Error): void {
    const survey = this.survey;
    const asked = this.scanAsked;
    this.survey = undefined;
    this.scanAsked = undefined;
    if (this.surveyTimer !== undefined) this.options.timers.clear(this.surveyTimer);
    this.surveyTimer = undefined;
    if (this.state === "surveying") this.resume(survey, error);
    if (!asked) return;
    survey?.networks.forEach((network) => this.guarded(() => asked.onFound(network)));
    this.guarded(() => asked.onDone(error));
  }

  /** The scan for which the link waited is over. */
  private resume(survey: Survey | undefined, error: Error | undefined): void {
    const puzzled = this.puzzled;
    this.puzzled = false;
    if (!puzzled) this.wait();
    else if (survey?.heard) this.failed({ kind: "wrongPassword" });
    else if (error) this.failed({ kind: "driver", message: error.message });
    else this.failed({ kind: "noSuchNetwork" });
  }

  /** "joining", "waiting" and "up" end with this timer at the latest, "surveying" with the scan's, so the link cannot hang. */
  private enter(state: LinkState, afterMs?: number): void {
    const timers = this.options.timers;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer = undefined;
    this.state = state;
    if (afterMs !== undefined) this.timer = timers.set(() => this.expire(), afterMs);
  }

  private expire(): void {
    this.timer = undefined;
    this.attempt(() => {
      if (this.state === "joining") this.joinTimedOut();
      else if (this.state === "waiting") this.join();
      else this.watch();
    });
  }

  /** An exception of the driver ends the attempt; the next one follows. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.failed({ kind: "driver", message: messageOf(error) });
    }
  }

  /** Reports to the owner, last in every transition, so that its calls find a consistent link. */
  private report(detail: string): void {
    if (detail === this.lastDetail) return;
    this.lastDetail = detail;
    this.guarded(() => this.options.onChange?.(this.up, detail));
  }

  /** An exception that leaves a callback restarts the device. */
  private guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      try {
        this.options.onFault?.(error);
      } catch {
        // the callback for faults threw as well
      }
    }
  }
}

/** Returns the driver's answer; undefined if it throws. */
function tried<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
