/*
 * TLS to the broker according to the settings: what is required of each connection, why one was refused, and how the current
 * one is secured.
 * If only a key is pinned, only the key is checked: no name, no date, no CA. If a CA is set, all three are checked, and the
 * clock must be set.
 */
import type { Board } from "../../board.js";
import type { LineLevel } from "../../common/log-levels.js";
import type { TimerId } from "../../common/timers.js";
import type { MQTTError } from "../../mqtt/client.js";
import type { Settings } from "../../settings/settings.js";
import type { TLSDemand, TLSFacts, TLSRefusal } from "../../tls/io.js";
import type { KeptSession } from "../../tls/kept-session.js";
import { tlsRefusalText } from "./tls-refusal.js";

/** What TLS needs of the device. */
export interface EncryptionOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Only if the device sleeps: the session from its last report, and whether the clock was set before the sleep. */
  readonly sleep: { readonly keptSession: KeptSession | undefined; readonly hasTime: boolean } | undefined;
  log(level: LineLevel, text: string): void;
}

const DAY_MS = 86_400_000;
/** From this many days before the end of the broker's certificate, a warning is logged every day. */
const WARN_DAYS = 30;

/** Settings that identify the server. A change takes effect at the next boot, and a wake is a boot. */
const SERVER = Object.freeze(["mqtt.host", "mqtt.port", "mqtt.tls", "mqtt.name", "mqtt.fingerprint"] as const);

type Progress = "none" | "handshake" | "secured";

/** What TLS must achieve on each connection, and its result. */
export class Encryption implements TLSDemand {
  session: unknown;
  private readonly owner: EncryptionOwner;
  private progress: Progress = "none";
  private refusal: TLSRefusal | undefined;
  /** Of the current connection. */
  private facts: TLSFacts | undefined;
  /** From the last full handshake: a resumed session is with the same server, but does not show the certificate. */
  private shown: Pick<TLSFacts, "name" | "endsMs"> | undefined;
  private timer: TimerId | undefined;

  constructor(owner: EncryptionOwner) {
    this.owner = owner;
    const kept = owner.sleep?.keptSession;
    if (kept === undefined) return;
    this.session = kept.session;
    this.shown = { name: "", endsMs: kept.endsMs };
  }

  /** The session that the next wake may resume; undefined: none. It is a secret. */
  get toKeep(): KeptSession | undefined {
    const { session, shown, owner } = this;
    const isOther = SERVER.some((key) => owner.settings.state(key).atBoot !== undefined);
    return session instanceof ArrayBuffer && !isOther ? { session, endsMs: shown?.endsMs } : undefined;
  }

  /** Read from flash for each connection and not kept in RAM, like the two below. */
  get ca(): Uint8Array | undefined {
    return this.owner.settings.bytes("mqtt.ca");
  }

  get certificate(): Uint8Array | undefined {
    return this.owner.settings.bytes("mqtt.cert");
  }

  get key(): Uint8Array | undefined {
    return this.owner.settings.bytes("mqtt.key");
  }

  get fingerprint(): string {
    return this.owner.settings.get("mqtt.fingerprint");
  }

  get name(): string {
    return this.owner.settings.get("mqtt.name") || this.owner.settings.get("mqtt.host");
  }

  /**
   * Dates have to be checked, but the clock is not set. A chip's clock, by which TLS checks dates, continues in deep sleep (ESP-IDF,
   * "System Time"): after a sleep, time servers that do not answer stop no report.
   */
  get lacksClock(): boolean {
    const { settings, board, sleep } = this.owner;
    const isPinnedAlone = this.fingerprint !== "" && settings.get("mqtt.ca") === "";
    return !isPinnedAlone && sleep?.hasTime !== true && board.clock.utcMs() === undefined;
  }

  /** How the current connection is secured: version, cipher, the certificate's name and last day. */
  get text(): string | undefined {
    if (this.facts === undefined) return undefined;
    const { version, cipher, name, endsMs } = this.facts;
    const shownName = name === "" ? "" : ` "${name}"`;
    return `${version}, ${cipher}, certificate${shownName}${endsMs === undefined ? "" : ` until ${day(endsMs)}`}`;
  }

  /** Called before each connection. @throws Error if no setting identifies the server, or if settings are incomplete */
  require(): void {
    const { board } = this.owner;
    if (this.ca === undefined && this.fingerprint === "" && board.tls?.hasPublicCAs !== true)
      throw new Error("TLS: no CA is set: set mqtt.ca to the broker's CA, or mqtt.fingerprint");
    if ((this.certificate === undefined) !== (this.key === undefined))
      throw new Error("TLS: mqtt.cert and mqtt.key belong together: set both, or none");
  }

  /** The setting that identifies the server has changed: the next connection does not resume a session. */
  changed(): void {
    this.session = this.shown = undefined;
  }

  /** A new attempt begins. */
  begin(): void {
    this.progress = "none";
    this.refusal = undefined;
    this.rest();
  }

  /** The connection has ended. */
  rest(): void {
    this.facts = undefined;
    if (this.timer !== undefined) this.owner.board.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** The reason why the attempt or the connection ended, if TLS ended it; otherwise undefined. */
  explain(error: MQTTError): string | undefined {
    if (this.refusal !== undefined) return tlsRefusalText(this.refusal, this.name);
    if (this.progress === "handshake" && error.kind === "timeout")
      return "TLS: the server accepted the connection, but does not continue the handshake: see the broker's log";
    return undefined;
  }

  // Callbacks of the socket class

  onHandshake(): void {
    this.begin(); // a client that wipes its session connects twice in one attempt
    this.progress = "handshake";
  }

  onSecured(facts: TLSFacts): void {
    this.progress = "secured";
    const { shown } = this;
    const isHidden = facts.isResumed && facts.name === "" && shown !== undefined;
    this.facts = this.shown = isHidden ? { ...facts, name: shown.name, endsMs: shown.endsMs } : facts;
    this.owner.log("debug", `TLS: ${this.text}${facts.isResumed ? ", resumed" : ""}`);
    this.lookAtEnd();
  }

  onRefused(refusal: TLSRefusal): void {
    this.refusal = refusal;
  }

  /** Runs every day while the connection lasts. */
  private lookAtEnd(): void {
    const { board } = this.owner;
    const endsMs = this.facts?.endsMs;
    const nowMs = board.clock.utcMs();
    if (endsMs === undefined) return;
    this.timer = board.timers.set(() => this.lookAtEnd(), DAY_MS);
    const days = nowMs === undefined ? WARN_DAYS : Math.floor((endsMs - nowMs) / DAY_MS);
    if (days < WARN_DAYS)
      this.owner.log("warn", `broker's certificate ends on ${day(endsMs)}: renew it at the broker before that day`);
  }
}

/** For example 2027-01-31. */
function day(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 10);
}
