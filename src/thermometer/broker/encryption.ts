/*
 * TLS to the broker, as the settings want it: what a connection is to be secured by, what is said of one that was refused,
 * and what the one that stands was secured with.
 * With a pinned key alone the key decides: no name, no date, no CA is looked at. With a CA all three are, and the clock must be set.
 */
import type { Board } from "../../board.js";
import type { LineLevel } from "../../common/log-levels.js";
import type { TimerId } from "../../common/timers.js";
import type { MQTTError } from "../../mqtt/client.js";
import type { Settings } from "../../settings/settings.js";
import type { TLSDemand, TLSFacts, TLSRefusal } from "../../tls/io.js";
import type { KeptSession } from "../../tls/kept-session.js";
import { tlsRefusalText } from "./tls-refusal.js";

/** What TLS asks of the device. */
export interface EncryptionOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Of a thermometer that sleeps: what it kept of its last report. */
  readonly sleep: { readonly keptSession: KeptSession | undefined } | undefined;
  log(level: LineLevel, text: string): void;
}

const DAY_MS = 86_400_000;
/** From here on the end of the broker's certificate is said every day. */
const WARN_DAYS = 30;

/** Settings that say who the server is; they are in force at the next boot, and a wake is one. */
const SERVER = Object.freeze(["mqtt.host", "mqtt.port", "mqtt.tls", "mqtt.name", "mqtt.fingerprint"] as const);

type Progress = "none" | "handshake" | "secured";

/** The demand of TLS for each connection, and what came of it. */
export class Encryption implements TLSDemand {
  session: unknown;
  private readonly owner: EncryptionOwner;
  private progress: Progress = "none";
  private refusal: TLSRefusal | undefined;
  /** Of the connection that stands. */
  private facts: TLSFacts | undefined;
  /** The last ones: a resumed session is with the same server, and does not show its certificate again. */
  private shown: Pick<TLSFacts, "name" | "endsMs"> | undefined;
  private timer: TimerId | undefined;

  constructor(owner: EncryptionOwner) {
    this.owner = owner;
    const kept = owner.sleep?.keptSession;
    if (kept === undefined) return;
    this.session = kept.session;
    this.shown = { name: "", endsMs: kept.endsMs };
  }

  /** What the next wake may resume; undefined: nothing. A secret. */
  get toKeep(): KeptSession | undefined {
    const { session, shown, owner } = this;
    const isOther = SERVER.some((key) => owner.settings.state(key).atBoot !== undefined);
    return session instanceof ArrayBuffer && !isOther ? { session, endsMs: shown?.endsMs } : undefined;
  }

  /** Read from flash for each connection, as the two below, and not kept. */
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

  /** Dates are to be checked, and the clock is not set. */
  get lacksClock(): boolean {
    const isPinnedAlone = this.fingerprint !== "" && this.owner.settings.get("mqtt.ca") === "";
    return !isPinnedAlone && this.owner.board.clock.utcMs() === undefined;
  }

  /** What the connection that stands was secured with: version, cipher, the certificate's name and its end. */
  get text(): string | undefined {
    if (this.facts === undefined) return undefined;
    const { version, cipher, name, endsMs } = this.facts;
    const shownName = name === "" ? "" : ` "${name}"`;
    return `${version}, ${cipher}, certificate${shownName}${endsMs === undefined ? "" : ` until ${day(endsMs)}`}`;
  }

  /** Before a connection is made: @throws Error if nothing says who the server is to be, or what is set is not all there */
  require(): void {
    const { board } = this.owner;
    if (this.ca === undefined && this.fingerprint === "" && board.tls?.hasPublicCAs !== true)
      throw new Error("TLS: no CA is known here: set mqtt.ca to the broker's, or mqtt.fingerprint");
    if ((this.certificate === undefined) !== (this.key === undefined))
      throw new Error("TLS: mqtt.cert and mqtt.key belong together: set both, or none");
  }

  /** What a server is to be was changed: the next connection begins anew. */
  changed(): void {
    this.session = this.shown = undefined;
  }

  /** A new attempt begins. */
  begin(): void {
    this.progress = "none";
    this.refusal = undefined;
    this.rest();
  }

  /** No connection stands any more. */
  rest(): void {
    this.facts = undefined;
    if (this.timer !== undefined) this.owner.board.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** Why the attempt or the connection ended, if that was TLS's doing; undefined: it was not. */
  explain(error: MQTTError): string | undefined {
    if (this.refusal !== undefined) return tlsRefusalText(this.refusal, this.name);
    if (this.progress === "handshake" && error.kind === "timeout")
      return "TLS: the server accepted the connection, but does not continue the handshake: see the broker's log";
    return undefined;
  }

  // What the socket class reports

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

  /** Comes round every day as long as the connection stands. */
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

/** 2027-01-31 */
function day(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 10);
}
