/*
 * Publishes the device's availability (`home/<room>/<id>/status`, and the will) and Home Assistant's discovery messages, and publishes them again
 * when Home Assistant has started. Removes what is retained under former names (stale-topics.ts). Leaves out what is not accepted (acceptance.ts).
 */
import type { Timers } from "../../board.js";
import { TEMPERATURE } from "../../channels/channels.js";
import {
  availabilityTopic,
  BUTTONS,
  discoveryTopic,
  formerTopic,
  LAST_REPORT,
  MIGRATE,
  OFFLINE,
  ONLINE,
} from "../../homeassistant/discovery.js";
import type { InboundMessage, Will } from "../../mqtt/client.js";
import { reasonText } from "../../mqtt/v5/reasons.js";
import { encodeUTF8 } from "../../mqtt/wire/utf8.js";
import { Listening } from "../remote/listening.js";
import {
  Acceptance,
  type AcceptanceOwner,
  ALL,
  acceptanceText,
  type Extent,
  SILENT,
  UNDETAILED,
  UNDISCOVERED,
  UNRETAINED,
  UNSUBSCRIBED,
} from "./acceptance.js";
import { Birth, type BirthOwner } from "./birth.js";
import { Diagnostics } from "./diagnostics.js";
import {
  type Announced,
  detailTopicsOf,
  hashOf,
  isSame,
  MARKS,
  type Names,
  NOT_KNOWN,
  topicsOf,
  undiscovered,
} from "./names.js";
import type { PresenceClient, PresenceOwner } from "./owner.js";
import { Report, type ReportOwner } from "./report.js";
import { StaleTopics, type StaleTopicsOwner } from "./stale-topics.js";
import { discoveryOf, wantedNames } from "./wanted.js";

/** Reason codes in SUBACK from here on are refusals. MQTT 3.1.1 has only this one, MQTT 5 has one for each reason. */
const REFUSED = 0x80;
const NOTHING = new Uint8Array(0); // retained, it removes the message on its topic

/** Publishes availability and discovery. */
export class Presence implements AcceptanceOwner, BirthOwner, ReportOwner, StaleTopicsOwner {
  private readonly owner: PresenceOwner;
  readonly client: PresenceClient;
  readonly acceptance: Acceptance;
  private readonly birth: Birth;
  readonly commands: Listening;
  /** Made for the first message. */
  private diagnostics: Diagnostics | undefined;
  /**
   * All names under which the broker may retain something, the latest last. null: read before, but not kept in RAM; undefined:
   * never read, as in most reports of a sleeper.
   */
  private names: readonly Names[] | null | undefined;
  /** Channels of the samples since boot, one bit each. Before the first sample, those announced last. */
  private channels: number;
  /** A message waits for the socket, and all later ones wait behind it: Home Assistant needs them in order. */
  private isQueueing = false;
  /** On this connection the removal of everything under former names was sent. */
  private isRemoved = false;
  /** Of a sleeper. */
  readonly report: Report | undefined;
  private _stale: StaleTopics | undefined;

  constructor(owner: PresenceOwner, client: PresenceClient) {
    this.owner = owner;
    this.client = client;
    this.acceptance = new Acceptance(this, owner.sleep?.learned.presence);
    this.birth = new Birth(this, client);
    this.commands = new Listening(owner, client);
    const kept = owner.sleep?.announced;
    this.report = kept && new Report(this, owner.sleep.hasPrompt, kept.hash);
    const announced = kept?.channels || (this.known.at(-1)?.channels ?? 0);
    this.channels = announced & (LAST_REPORT - 1) || 1 << TEMPERATURE;
  }

  /** All names under which the broker may retain something, the latest last. */
  get known(): readonly Names[] {
    this.names ??= this.owner.announcement.read();
    return this.names;
  }

  private set known(names: readonly Names[]) {
    this.names = names;
    this.owner.announcement.write(names);
  }

  /** The broker can retain messages under these names only. */
  private isAll(names: Names): boolean {
    return this.known.length === 1 && isSame(this.known[0], names);
  }

  /** What the broker retains, for the next report to compare; NOT_KNOWN if that is not certain. */
  get announced(): Announced {
    const hash = this.report?.kept;
    return hash ? { hash, channels: this.accepted.channels } : NOT_KNOWN;
  }

  /** A sleeper waits while its entities are being announced. */
  get isAnnouncing(): boolean {
    return this.report?.isAnnouncing === true;
  }

  get statusTopic(): string {
    return availabilityTopic(this.owner.settings.get("room"), this.owner.id);
  }

  /** For the next CONNECT. A device that sleeps has no will: it is away most of the time, and missing readings show a failure. */
  get will(): Will | undefined {
    const extent = this.acceptance.extent;
    if (extent === SILENT || this.owner.sleep !== undefined) return undefined;
    return { topic: this.statusTopic, payload: encodeUTF8(OFFLINE), qos: 1, retain: extent < UNRETAINED };
  }

  /** What the broker does not accept, as text; undefined: it accepts all. `retryMs`: time until it is tried again, in milliseconds. */
  get trouble(): { readonly text: string; readonly retryMs: number } | undefined {
    const { refused, retryInMs } = this.acceptance;
    return refused === undefined
      ? undefined
      : { text: acceptanceText(refused, this.statusTopic, this.wanted.prefix), retryMs: retryInMs };
  }

  connecting(): void {
    this.rest();
    this.acceptance.connecting();
  }

  connected(): void {
    this.acceptance.reached();
    const { acceptance, report } = this;
    const isPublished = this.isPublished && !acceptance.isTrying;
    if (!isPublished || acceptance.isDoubtful) acceptance.connected();
    if (!isPublished) this.publishAll();
    report?.connected();
  }

  /**
   * A report of a sleeper has nothing to publish: the broker retains all of it already. After power-on or a press of the button
   * it is published again.
   */
  private get isPublished(): boolean {
    return this.report?.hasPrompt === false && (this.report.hash | MARKS) === this.acceptedHash;
  }

  private get acceptedHash(): number {
    return hashOf(this.accepted, this.owner.sleep?.network.key ?? 0);
  }

  /** There is no connection: nothing more is published. */
  rest(): void {
    this.birth.rest();
    this._stale?.rest();
    this.acceptance.rest();
    this.diagnostics?.rest();
  }

  /** After `rest`: how the connection, or the attempt, has ended. `wasTried`: CONNECT may have been sent. */
  ended(by: "server" | "other", wasTried: boolean): void {
    if (wasTried) this.report?.ended();
    this.acceptance.ended(by);
    if (this.acceptance.extent >= UNSUBSCRIBED) this.birth.forget();
    this.commands.ended();
  }

  /** Something that is published about the device has changed. Without a connection it is published with the next one. */
  update(): void {
    if (this.client.isConnected) this.publishAll();
    else this.report?.restart();
  }

  /** A setting that Home Assistant shows has changed. */
  numbersChanged(): void {
    if (this.client.isConnected && this.acceptsDetails) this.details.send(false);
  }

  /** The channels of the samples since boot, one bit each. A channel that was announced before the reboot and is missing now is removed. */
  measured(channels: number): void {
    if (channels === this.channels) return;
    this.channels = channels;
    this.update();
  }

  /** A reading was what ended the connections, so nothing had to be left out: everything is published again. */
  retryAll(): void {
    if (this.acceptance.extent > UNDETAILED || this.acceptance.refused !== undefined) this.move();
  }

  /** Discovery was switched on or off, or its prefix has changed. */
  move(): void {
    this.acceptance.reset();
    this.names &&= null; // an image on trial has stored a shortened form of them
    if (!this.client.isConnected) return;
    this.acceptance.connected();
    this.publishAll();
  }

  /** A later message was acknowledged, so all earlier ones have arrived (or, at QoS 0, are on their way on the same connection). */
  arrived(): void {
    this.report?.arrived();
    this.settle();
  }

  /** What `publishAll` has sent has arrived. */
  private settle(): void {
    if (!this.isRemoved) return;
    this.isRemoved = false;
    if (!this.isAll(this.accepted)) this.known = [this.accepted];
    this.names = null;
    if (this.report !== undefined) this.report.hash = this.acceptedHash;
  }

  /** The device is about to disconnect. `hasDelivered`: a reading was acknowledged on this connection. */
  leaving(hasDelivered: boolean): void {
    const { extent } = this.acceptance;
    if (this.owner.sleep === undefined && extent !== SILENT)
      this.client.publish(this.statusTopic, encodeUTF8(OFFLINE), { qos: 0, retain: extent < UNRETAINED });
    else if (hasDelivered && this.owner.sleep !== undefined) this.acceptance.outlived();
    this.report?.leaving();
    // Without a reading, the acknowledgement of a subscription or of the diagnostics shows that all has arrived.
    if (this.report !== undefined && this.client.isConnected && this.client.hasAnswered) this.settle();
  }

  /** Removes everything that is retained, at QoS 0, because there is no time to wait. Returns whether the socket accepted all of it. */
  removeAll(): boolean {
    return topicsOf([...this.known, this.accepted])
      .filter((topic) => this.accepts(topic))
      .every((topic) => this.client.publish(topic, NOTHING, { qos: 0, retain: true }));
  }

  /** A part of a message on the birth topic. */
  heardPiece(message: InboundMessage): void {
    this.birth.heardPiece(message);
  }

  /** The broker has answered a subscription. */
  subscribed(filter: string, granted: number): void {
    const isCommands = this.commands.answered(filter);
    if (granted < REFUSED) return;
    const why = `${filter} not granted: ${reasonText(granted)}`;
    if (isCommands) this.owner.log("warn", `broker: ${why}; commands are not received`);
    else this.owner.log("info", `broker: ${why}; discovery is sent only when connecting`);
  }

  // Callbacks of the birth message

  random(): number {
    return this.owner.board.random();
  }

  onBirth(): void {
    this.isQueueing = false;
    this.announce();
    this.publishOnline();
    this.sendDetails();
  }

  // Callbacks of the acceptance

  get timers(): Timers {
    return this.owner.board.timers;
  }

  uptimeMs(): number {
    return this.owner.board.clock.uptimeMs();
  }

  onMore(): void {
    if (this.acceptance.extent === ALL) this.sendDetails();
    else this.publishAll();
  }

  onRefused(extent: Extent): void {
    this.owner.log("warn", `broker refuses some: ${acceptanceText(extent, this.statusTopic, this.wanted.prefix)}`);
    if (extent >= UNDISCOVERED) this.known = this.known.map(undiscovered); // nothing is retained there, or it cannot be removed
  }

  onAccepted(): void {
    this.owner.log("info", "broker accepts discovery and availability again");
  }

  // Callbacks of StaleTopics

  /** Whether a retained message on `topic` is accepted. */
  accepts(topic: string): boolean {
    if (detailTopicsOf([...this.known, this.accepted]).includes(topic)) return this.acceptsDetails;
    const isAvailability = this.known.some(({ room, id }) => availabilityTopic(room, id) === topic);
    return this.acceptance.extent < (isAvailability || topic === this.statusTopic ? UNRETAINED : UNDISCOVERED);
  }

  remove(topic: string): void {
    this.publish(topic, NOTHING);
  }

  get details(): Diagnostics {
    this.diagnostics ??= new Diagnostics(this.owner, this.client);
    return this.diagnostics;
  }

  get prefix(): string {
    return this.accepted.prefix;
  }

  get waiting(): number {
    return this.owner.outbox?.entries ?? 0;
  }

  /** The names from the settings. */
  get wanted(): Names {
    return wantedNames(this.owner, this.channels);
  }

  /** The part of them that the broker accepts. */
  private get accepted(): Names {
    return this.acceptance.extent < UNDISCOVERED ? this.wanted : undiscovered(this.wanted);
  }

  private publishAll(): void {
    const { accepted, known } = this;
    if (!known.some((names) => isSame(names, accepted))) {
      // Recorded first: the broker may have the messages even if the connection ends now.
      this.known = [...known, accepted];
    }
    const isAll = this.isAll(accepted);
    this.isQueueing = false;
    this.diagnostics?.rest();
    this.diagnostics = undefined;
    this.report?.restart();
    const former = formerTopic(accepted.id, accepted.prefix);
    if (!isAll && (accepted.channels >> TEMPERATURE) & 1 && this.stale.topics.includes(former))
      this.publish(former, encodeUTF8(MIGRATE));
    this.announce();
    known.forEach(({ room, id }) => {
      if (id === accepted.id && room !== accepted.room) this.commands.leave(room);
    });
    this.isRemoved = isAll || this.stale.remove();
    this.publishOnline();
    this.birth.listen(this.acceptance.extent < UNSUBSCRIBED ? accepted.prefix : "");
    this.sendDetails();
    if (this.owner.sleep !== undefined && this.acceptance.extent < UNSUBSCRIBED) this.commands.follow(); // a report may be too short for the proof
  }

  private get acceptsDetails(): boolean {
    const { extent, refused } = this.acceptance;
    return extent <= UNDETAILED && refused === undefined;
  }

  /** Only after the connection has proved itself. */
  private sendDetails(): void {
    if (this.acceptance.extent !== ALL) return;
    this.commands.follow();
    this.details.begin(this.prefix, this.report?.hasEntities === false);
  }

  private get stale(): StaleTopics {
    this._stale ??= new StaleTopics(this, this.owner);
    return this._stale;
  }

  /** Publishes the discovery message. */
  private announce(): void {
    const { accepted, known } = this;
    if (accepted.prefix === "") return;
    const topic = discoveryTopic(accepted.id, accepted.prefix);
    const announced = known.reduce((all, names) => all | (topicsOf([names]).includes(topic) ? names.channels : 0), 0);
    const gone = announced & ~accepted.channels & (BUTTONS - 1);
    if (gone !== 0) this.publish(topic, discoveryOf(this.owner, accepted, gone)); // a removed channel must be sent as removed once, before it is left out
    this.publish(topic, discoveryOf(this.owner, accepted));
  }

  private publishOnline(): void {
    const extent = this.acceptance.extent;
    if (extent === SILENT) return;
    if (extent < UNRETAINED) this.publish(this.statusTopic, encodeUTF8(ONLINE));
    else this.client.publish(this.statusTopic, encodeUTF8(ONLINE), { qos: 0, retain: false });
  }

  /**
   * Publishes a retained message, at QoS 0 as long as the socket accepts it. Every connection begins with these messages: at QoS 1,
   * a close by the broker would be attributed to the one that waits for its acknowledgement, not to the reading that caused it.
   */
  private publish(topic: string, payload: Uint8Array): void {
    if (!this.isQueueing && this.client.publish(topic, payload, { qos: 0, retain: true })) return;
    this.isQueueing = true;
    this.client.publish(topic, payload, { qos: 1, retain: true });
  }
}
