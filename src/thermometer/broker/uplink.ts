/*
 * The uplink: the MQTT client in this product. Sends the outbox's entries as readings; the session record decides whether the
 * session continues; presence.ts sends the messages about the device itself.
 * Owns the client. It does not poll: its owner calls it when there is something to send.
 */
import type { Journal, SampleMessage } from "../../journal/journal.js";
import {
  Client,
  type ClientOptions,
  type ClientState,
  type ClientStatus,
  type InboundMessage,
  type Message,
  type MQTTError,
  type Outcome,
  type Refusal,
  type SessionStart,
  type SettledBy,
  type Version,
  type Will,
} from "../../mqtt/client.js";
import { Broker5 } from "../../mqtt/v5/broker5.js";
import type { TCPConstructor } from "../../mqtt/wire/io.js";
import type { Entry, Outbox } from "../../outbox/outbox.js";
import { propertiesOf } from "../agreement.js";
import type { Lifetime } from "../lifetime.js";
import { PROOF_MS } from "../presence/acceptance.js";
import type { PresenceClient, PresenceOwner } from "../presence/owner.js";
import { Presence } from "../presence/presence.js";
import { RemoteCommands, type RemoteOwner } from "../remote/commands.js";
import { ClientSettings, type ClientSettingsOwner } from "./client-settings.js";
import { Encryption, type EncryptionOwner } from "./encryption.js";
import { Failure } from "./failure.js";
import { loweredLine, refusalLine, sessionLine, settledLine } from "./refusal.js";
import { SessionMark } from "./session-mark.js";
import type { SessionRecord } from "./session-record.js";
import { Takeover } from "./takeover.js";

/** What the uplink needs of the device. */
export interface UplinkOwner extends PresenceOwner, ClientSettingsOwner, RemoteOwner {
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly sessionRecord: SessionRecord | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly sleep:
    | (PresenceOwner["sleep"] &
        EncryptionOwner["sleep"] &
        ClientSettingsOwner["sleep"] & {
          readonly hasFailed: boolean;
          readonly isAllSettled: boolean;
          readonly isEarly: boolean;
        })
    | undefined;
  /** Firmware updates, where the board has them. */
  readonly updating: { connected(): void; heardPiece(message: InboundMessage): boolean } | undefined;
  /** A reading was acknowledged (`isDelivered`) or dead-lettered, or a connection was made. */
  onProgress(isDelivered: boolean): void;
}

/** After this time, bytes that were passed to the socket have left the device. In milliseconds. */
const ON_ITS_WAY_MS = 1_000;

/** Reason code of MQTT 5: another client connected with the same client id. */
const TAKEN_OVER = 0x8e;

/** The product's MQTT client, with session, readings and presence. */
export class Uplink extends ClientSettings<UplinkOwner> implements ClientOptions<Entry>, PresenceClient {
  protected readonly client: Client<Entry>;
  readonly presence: Presence;
  /** Undefined without TLS. */
  readonly encryption: Encryption | undefined;
  private readonly takeover = new Takeover();
  readonly commands: RemoteCommands;
  private readonly mark: SessionMark | undefined;
  private isUp = false;
  private isHeld = false;
  private readonly failure: Failure;
  private isWaitingForClock = false;
  private isLoweredSaid = false;
  /** A reading was delivered on this connection. */
  private hasDelivered = false;
  /** The broker's version, if this run has learned it. */
  private level: Version | undefined;
  /** Properties of each reading in MQTT 5, encoded. */
  private properties: Uint8Array | undefined;
  /** The broker may have a session that differs from the recorded one. */
  readonly wipeFirst: boolean;
  /** Number of oldest entries that may have been sent in a session that the broker still has. */
  readonly perhapsSent: number;
  readonly version5 = Broker5;

  /** @throws Error with one line if the settings need something that this board does not have (TLS) */
  constructor(owner: UplinkOwner) {
    super(owner);
    const { sessionRecord, settings } = owner;
    this.presence = new Presence(owner, this);
    this.commands = new RemoteCommands(owner, this);
    if (settings.get("mqtt.tls")) this.encryption = new Encryption(owner);
    this.failure = new Failure(this.encryption);
    if (this.tcp === undefined) throw new Error(`mqtt.tls: ${owner.board.name} has no TLS; set mqtt.tls off`);
    this.wipeFirst = sessionRecord?.is(this.id, this.host, this.port) !== true;
    this.perhapsSent = owner.sleep?.isAllSettled ? 0 : (sessionRecord?.perhapsSent ?? 0);
    this.properties = propertiesOf(settings);
    if (this.user === undefined && settings.get("mqtt.password") !== "") {
      owner.log("warn", "mqtt.password is not sent: set mqtt.user, too");
    }
    this.client = new Client<Entry>(this);
    const filter = owner.sleep ? undefined : this.sessionFilter;
    if (filter) this.mark = new SessionMark(this.client, filter);
  }

  get status(): ClientStatus {
    const status = this.client.status();
    const lastError = this.failure.explain(status.lastError);
    return lastError === status.lastError ? status : { ...status, lastError };
  }

  /** What it waits for before it connects; undefined: nothing. */
  get waitsFor(): string | undefined {
    return this.isWaitingForClock ? "waits for the time, which TLS needs to check certificates: check ntp" : undefined;
  }

  /** A likely cause why the broker ends one connection after the other; undefined: none is known. */
  get guess(): string | undefined {
    const isSaid = this.status.lastError?.code === TAKEN_OVER;
    if (!isSaid && !this.takeover.isLikely) return undefined;
    // Both devices share a session, and the broker mistakes a reading of one for a repetition of the other's.
    const loss =
      this.owner.settings.get("mqtt.qos") === 2 ? " (at QoS 2 the broker loses readings of both until then)" : "";
    return `${isSaid ? "" : "perhaps "}another device has the client id "${this.id}": set id${loss}`;
  }

  /** Connects. With TLS that checks dates, it first waits for the clock. */
  start(): void {
    this.isWaitingForClock = this.encryption?.lacksClock === true;
    if (!this.isWaitingForClock) this.client.start();
    else this.owner.log("warn", `broker ${this.host}:${this.port}: ${this.waitsFor}`);
  }

  /** The wall clock was set. */
  clockSet(): void {
    if (this.isWaitingForClock) this.start();
  }

  /** There is a new entry in the outbox. */
  wake(): void {
    this.client.wake();
  }

  /** The channels of the samples since boot, one bit each. */
  measured(channels: number): void {
    this.presence.measured(channels);
  }

  linkUp(): void {
    this.isUp = true;
    if (!this.isHeld) this.client.linkUp();
  }

  linkDown(): void {
    this.isUp = false;
    this.client.linkDown();
  }

  /** Sends nothing until `release`. */
  hold(): void {
    this.isHeld = true;
    this.client.linkDown();
  }

  release(): void {
    this.isHeld = false;
    if (this.isUp) this.client.linkUp();
  }

  /** The format of readings has changed, and with it their content type. */
  formatChanged(): void {
    const { settings } = this.owner;
    this.properties = propertiesOf(settings);
    // Within a connection, properties of a topic hold for all its messages: a new connection is needed.
    if (settings.get("mqtt.contenttype")) this.client.stop(() => this.client.start());
  }

  /** The next connection wipes the broker's session before anything else. */
  wipe(): void {
    this.client.wipe();
  }

  /** Sends a QoS 0 sample. Returns false if it was dropped, because there is no connection or the socket is full. */
  sendNow(message: SampleMessage): boolean {
    message.properties = this.properties;
    const isSent = this.client.publishNow(message);
    if (isSent) this.presence.arrived();
    return isSent;
  }

  /** Removes everything that the broker retains of the device, and disconnects. `whenDone` is called when this has had time to arrive. */
  forget(whenDone: () => void): void {
    if (this.presence.known.length === 0) {
      this.client.stop(whenDone);
      return;
    }
    const lastError = this.status.lastError;
    if (this.presence.removeAll()) {
      this.client.stop(() => {
        if (this.status.lastError !== lastError) this.leaveRetained();
        this.owner.board.timers.set(whenDone, ON_ITS_WAY_MS);
      });
      return;
    }
    this.leaveRetained();
    this.client.close(); // without DISCONNECT: if there was a connection, the will at least reports that the device is gone
    whenDone();
  }

  /** Sends DISCONNECT; `whenDone` is called once the connection is closed. */
  stop(whenDone?: () => void): void {
    this.presence.leaving(this.hasDelivered);
    this.commands.settle();
    this.client.stop(whenDone);
  }

  /** Closes the connection at once, without DISCONNECT: the broker publishes the will. */
  close(): void {
    this.commands.close();
    this.client.close();
  }

  /** What this run has learned about messages that the broker refuses, for the report after a sleep. Call it after `close`. */
  get toKeep(): { readonly presence: readonly number[]; readonly readings: readonly number[] } {
    return { presence: this.presence.acceptance.learned, readings: this.client.learned };
  }

  /** Connected; nothing but readings waits for an answer, no command is being executed, and no entity is being announced. */
  get isIdle(): boolean {
    return this.client.isIdle && !this.commands.isBusy && !this.presence.isAnnouncing;
  }

  // For commands

  get hasAnswered(): boolean {
    return this.client.hasAnswered;
  }

  get isProven(): boolean {
    return this.takeover.provenMs >= PROOF_MS;
  }

  publishNow(message: Message): boolean {
    return this.client.publishNow(message);
  }

  // For presence

  /** Drops the subscription without UNSUBSCRIBE. */
  forgetFilter(filter: string): void {
    this.client.forget(filter);
  }

  // Options and callbacks of the client

  /** Read for each connection. @throws Error if settings for TLS are missing */
  get socket(): { readonly io: TCPConstructor; readonly demand?: Encryption } {
    const tcp = this.tcp as { readonly io: TCPConstructor }; // checked in the constructor
    this.encryption?.require();
    return this.encryption === undefined ? tcp : { ...tcp, demand: this.encryption };
  }

  /**
   * Read at the first attempt. By then the clock is set, if it can be, which is needed to judge the record's age. After a
   * failed report nothing is assumed: a report is too short to try the assumed version and then the other one.
   */
  get knownVersion(): Version | undefined {
    const { sessionRecord, board, sleep } = this.owner;
    return this.wipeFirst || sleep?.hasFailed ? undefined : sessionRecord?.level(board.clock.utcMs());
  }

  /** A sleeper powers its radio off, so it must wait until DISCONNECT is sent. */
  get waitsForEnd(): boolean {
    return this.owner.sleep !== undefined;
  }

  get will(): Will | undefined {
    return this.presence.will;
  }

  render(entry: Entry): SampleMessage | undefined {
    const message = this.owner.journal?.render(entry);
    if (message) message.properties = this.properties;
    return message;
  }

  onVersion(version: Version): void {
    this.level = version;
  }

  onSession(session: SessionStart): void {
    const { owner, id, host, port } = this;
    const { possibleDoubles, present, reach } = session;
    owner.lifetime?.countPossibleDoubles(possibleDoubles);
    if (session.again) return;
    this.commands.connected(present);
    this.presence.report?.greeted(present, owner.sleep);
    owner.sessionRecord?.record(id, host, port, reach, this.level, owner.board.clock.utcMs(), !present);
    const { version, state } = this.client.status();
    owner.log("info", sessionLine(`${host}:${port}`, version, session, state === "connected"));
  }

  onState(state: ClientState): void {
    this.owner.log("debug", `mqtt ${state}`);
    switch (state) {
      case "connected":
        this.failure.connected();
        this.owner.sleep?.network.connected();
        this.takeover.connected(this.uptimeMs());
        this.presence.connected();
        this.owner.updating?.connected();
        this.owner.onProgress(false);
        return;
      case "connecting":
        this.hasDelivered = false;
        this.encryption?.begin();
        this.presence.connecting();
        return;
      case "waiting":
      case "stopped":
        this.encryption?.rest();
        this.presence.rest(); // how it ended comes with onError, if the owner did not end it
        return;
      default:
        throw new TypeError(`state: ${JSON.stringify(state satisfies never)}`);
    }
  }

  onMessage(message: InboundMessage, id: number): void {
    if (message.topic === this.presence.commands.topic) this.commands.take(message, id);
    else if (this.owner.updating?.heardPiece(message) !== true) this.presence.heardPiece(message);
  }

  onSubscribed(filter: string, granted: number): void {
    if (filter === this.sessionFilter) this.mark?.answered();
    else this.presence.subscribed(filter, granted);
    this.takeover.acknowledged(this.uptimeMs());
    this.commands.settle();
  }

  onSettled(sequence: number, outcome: Outcome, by?: SettledBy, code?: number): void {
    const owner = this.owner;
    this.hasDelivered ||= outcome === "delivered";
    this.presence.arrived();
    this.takeover.acknowledged(this.uptimeMs());
    this.mark?.proven(this.takeover.provenMs);
    if (outcome === "deadLetter") owner.lifetime?.countDeadLetter();
    if (outcome === "deadLetter") owner.log("error", settledLine(sequence, by, code));
    else if (by !== undefined) owner.log("warn", settledLine(sequence, by));
    owner.board.observer?.settled?.(sequence, outcome);
    owner.onProgress(outcome === "delivered");
  }

  onRefusal(refusal: Refusal | undefined): void {
    // A reading ended the connections, so the messages left out meanwhile were not the cause.
    if (refusal?.by === "closing" && refusal.scope === "some") this.presence.retryAll();
    this.owner.log(refusal ? "error" : "info", `broker ${this.host}:${this.port}: ${refusalLine(refusal)}`);
  }

  onLowered(_sequence: number, why: "acknowledged" | "refused", isPossibleDouble: boolean): void {
    const owner = this.owner;
    if (isPossibleDouble) owner.lifetime?.countPossibleDoubles(1);
    if (this.isLoweredSaid) return;
    this.isLoweredSaid = true;
    owner.log("warn", `broker ${this.host}:${this.port}: ${loweredLine(why)}`);
  }

  onReach(entries: number): void {
    this.owner.sessionRecord?.record(this.id, this.host, this.port, entries);
  }

  onError(error: MQTTError): void {
    const { text, isNews, by } = this.failure.happened(error);
    this.owner.sleep?.network.failed();
    this.mark?.ended();
    const { refusal } = this.status;
    // Other readings, and all other messages, were accepted on such connections.
    const isReading = refusal?.by === "closing" && (refusal.scope === "some" || this.hasDelivered);
    this.presence.ended(isReading ? "other" : by, error.kind !== "resolve" && error.kind !== "unreachable");
    // If the broker refuses a reading, that explains the end.
    const hasCause = this.status.refusal !== undefined;
    if (this.takeover.ended(hasCause ? "other" : by, this.uptimeMs()))
      this.owner.log("warn", `broker ends one connection after the other: ${this.guess}`);
    const cause = error.code === TAKEN_OVER ? `; ${this.guess}` : "";
    this.owner.log(isNews ? "warn" : "debug", `broker ${this.host}:${this.port}: ${text}${cause}`);
  }

  private leaveRetained(): void {
    this.owner.log("warn", `broker not reached: ${this.presence.statusTopic} stays retained there`);
  }
}
