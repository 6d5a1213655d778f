/*
 * What the device says of itself at the broker: whether it is there (`home/<room>/<id>/status`, and the will), and what Home
 * Assistant has to know of it. Takes back what stands under names that are no longer its own, and says all of it again
 * when Home Assistant has started. What the broker does not take is left out (acceptance.ts).
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
  UNHEARD,
  UNRETAINED,
} from "./acceptance.js";
import { Birth, type BirthOwner } from "./birth.js";
import { Diagnostics } from "./diagnostics.js";
import { willMs } from "./expiry.js";
import {
  type Announced,
  detailTopicsOf,
  hashOf,
  isSame,
  type Names,
  NOT_KNOWN,
  topicsOf,
  undiscovered,
} from "./names.js";
import type { PresenceClient, PresenceOwner } from "./owner.js";
import { discoveryOf, wantedNames } from "./wanted.js";

/** In SUBACK from here on: MQTT 3.1.1 knows this one alone, MQTT 5 says why. */
const REFUSED = 0x80;
const NOTHING = new Uint8Array(0); // retained, it takes back what was

/** Publishes status and discovery, and takes back what stands under old names. */
export class Presence implements AcceptanceOwner, BirthOwner {
  private readonly owner: PresenceOwner;
  private readonly client: PresenceClient;
  readonly acceptance: Acceptance;
  private readonly birth: Birth;
  readonly commands: Listening;
  /** Made for the first message. */
  private diagnostics: Diagnostics | undefined;
  /** Whatever may stand at the broker, the latest last; null: read before, and not kept; undefined: never read, as in most reports. */
  private names: readonly Names[] | null | undefined;
  /** Channels of the samples since boot, a bit each. Before the first of them, those that were announced last. */
  private channels: number;
  /** A message has to wait, and those behind it with it: Home Assistant needs them in order. */
  private isQueueing = false;
  /** All that is not wanted any more was taken back on this connection. */
  private isTakenBack = false;
  /** A sleeper's report has still to say the device's own state: once, when a reading has arrived, as it must not cost any. */
  private isReportDue: boolean;
  private staleTimer: object | number | undefined;

  constructor(owner: PresenceOwner, client: PresenceClient) {
    this.owner = owner;
    this.client = client;
    this.acceptance = new Acceptance(this, owner.sleep?.learned.presence);
    this.birth = new Birth(this, client);
    this.commands = new Listening(owner, client);
    this.isReportDue = owner.sleep?.hasPrompt === false;
    const remembered = owner.sleep?.announced.channels ?? 0;
    const announced = remembered || (this.known.at(-1)?.channels ?? 0);
    this.channels = announced & (LAST_REPORT - 1) || 1 << TEMPERATURE;
  }

  /** Whatever may stand at the broker, the latest last. */
  private get known(): readonly Names[] {
    this.names ??= this.owner.announcement.read();
    return this.names;
  }

  private set known(names: readonly Names[]) {
    this.names = names;
    this.owner.announcement.write(names);
  }

  /** Nothing may stand at the broker under any other name. */
  private isAll(names: Names): boolean {
    return this.known.length === 1 && isSame(this.known[0], names);
  }

  /** For the next report: what stands at the broker, if that is all that is to be said. */
  get announced(): Announced {
    const { owner, said } = this;
    if (this.names === undefined) return owner.sleep?.announced ?? NOT_KNOWN;
    return this.isAll(said) ? { hash: hashOf(said), channels: said.channels } : NOT_KNOWN;
  }

  get statusTopic(): string {
    return availabilityTopic(this.room, this.owner.id);
  }

  /** For the next CONNECT. A sleeper is away most of the time, which is no fault; missing readings show a failure. */
  get will(): Will | undefined {
    const extent = this.acceptance.extent;
    if (extent === SILENT || this.owner.sleep !== undefined) return undefined;
    return { topic: this.statusTopic, payload: encodeUTF8(OFFLINE), qos: 1, retain: extent < UNRETAINED };
  }

  /** Something may stand at the broker. */
  get isKnown(): boolean {
    return this.known.length > 0;
  }

  /** What the broker refuses, as text; undefined: nothing. `retryMs`: time until it is tried again. */
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
    if (this.isSaid && !this.acceptance.isTrying) return;
    this.acceptance.connected();
    this.sayAll();
  }

  /** By a sleeper that only reports: all of it stands at the broker, retained. After power-on or its button it says it again. */
  private get isSaid(): boolean {
    const { owner, said } = this;
    if (owner.sleep?.hasPrompt !== false) return false;
    if (this.names === undefined && owner.sleep.announced.hash === hashOf(said)) return true;
    return this.isAll(said);
  }

  /** There is no connection: nothing more is said. */
  rest(): void {
    this.birth.rest();
    if (this.staleTimer !== undefined) this.timers.clear(this.staleTimer);
    this.staleTimer = undefined;
    this.acceptance.rest();
    this.diagnostics?.rest();
  }

  /** After `rest`: how the connection, or the attempt, has ended. */
  ended(by: "server" | "other"): void {
    this.acceptance.ended(by);
    if (this.acceptance.extent >= UNHEARD) this.birth.forget();
    this.commands.ended();
  }

  /** What is said of the device has changed. Not connected: it is said with the next connection. */
  update(): void {
    if (this.client.isConnected) this.sayAll();
  }

  /** A setting that Home Assistant shows has changed. */
  numbersChanged(): void {
    if (this.client.isConnected && this.takesDetails) this.details.send();
  }

  /** The samples since boot have these channels, a bit each. One that was announced in an earlier life and is not among them is gone. */
  measured(channels: number): void {
    if (channels === this.channels) return;
    this.channels = channels;
    this.update();
  }

  /** Readings are what ended the connections: whatever was left out meanwhile was left out in vain. */
  absolve(): void {
    if (this.acceptance.extent > UNDETAILED || this.acceptance.refused !== undefined) this.move();
  }

  /** Whether and where Home Assistant looks for it has changed. */
  move(): void {
    this.acceptance.reset();
    this.names &&= null; // an image that was on trial has kept less of them
    if (!this.client.isConnected) return;
    this.acceptance.connected();
    this.sayAll();
  }

  /** A message that was sent later has arrived, or is on the same way: what was said before it needs no repeating. */
  arrived(): void {
    if (this.isReportDue) {
      this.isReportDue = false;
      if (this.takesDetails) this.details.send();
    }
    if (!this.isTakenBack) return;
    this.isTakenBack = false;
    if (!this.isAll(this.said)) this.known = [this.said];
    this.names = null;
  }

  /** The last words before leaving. `hasDelivered`: a reading was acknowledged on this connection. */
  goodbye(hasDelivered: boolean): void {
    const { extent } = this.acceptance;
    if (this.owner.sleep === undefined && extent !== SILENT)
      this.client.publish(this.statusTopic, encodeUTF8(OFFLINE), { qos: 0, retain: extent < UNRETAINED });
    else if (hasDelivered && this.owner.sleep !== undefined) this.acceptance.outlived();
  }

  /** At QoS 0, as nothing is waited for. Returns whether all of it is on its way. */
  takeBackAll(): boolean {
    return topicsOf([...this.known, this.said])
      .filter((topic) => this.isTaken(topic))
      .every((topic) => this.client.publish(topic, NOTHING, { qos: 0, retain: true }));
  }

  /** A piece of a message on the topic that is subscribed to. */
  heardPiece(message: InboundMessage): void {
    this.birth.heardPiece(message);
  }

  /** The broker's answer to the subscription. */
  subscribed(filter: string, granted: number): void {
    const isCommands = this.commands.answered(filter);
    if (granted < REFUSED) return;
    const why = `${filter} not granted: ${reasonText(granted)}`;
    if (isCommands) this.owner.log("warn", `broker: ${why}; commands are not heard`);
    else this.owner.log("info", `broker: ${why}; discovery is sent with each connection alone`);
  }

  // What the birth message asks of its owner

  random(): number {
    return this.owner.board.random();
  }

  onBirth(): void {
    this.isQueueing = false;
    this.announce();
    this.sayOnline();
    this.sayDetails();
  }

  // What the acceptance asks of its owner

  get timers(): Timers {
    return this.owner.board.timers;
  }

  uptimeMs(): number {
    return this.owner.board.clock.uptimeMs();
  }

  onMore(): void {
    if (this.acceptance.extent === ALL) this.sayDetails();
    else this.sayAll();
  }

  onRefused(extent: Extent): void {
    this.owner.log("warn", `broker does not take all: ${acceptanceText(extent, this.statusTopic, this.wanted.prefix)}`);
    if (extent >= UNDISCOVERED) this.known = this.known.map(undiscovered); // it never stood there, or cannot be taken back
  }

  onTaken(): void {
    this.owner.log("info", "broker takes discovery and availability again");
  }

  private get room(): string {
    return this.owner.settings.get("room");
  }

  /** As the settings want it. */
  private get wanted(): Names {
    return wantedNames(this.owner, this.channels);
  }

  /** As far as the broker takes it. */
  private get said(): Names {
    return this.acceptance.extent < UNDISCOVERED ? this.wanted : undiscovered(this.wanted);
  }

  /** May `topic` be published to, retained? */
  private isTaken(topic: string): boolean {
    if (detailTopicsOf([...this.known, this.said]).includes(topic)) return this.takesDetails;
    const isAvailability = this.known.some(({ room, id }) => availabilityTopic(room, id) === topic);
    return this.acceptance.extent < (isAvailability || topic === this.statusTopic ? UNRETAINED : UNDISCOVERED);
  }

  private sayAll(): void {
    const { said, known } = this;
    if (!known.some((names) => isSame(names, said))) {
      // Before it is said: from now on it may stand there.
      this.known = [...known, said];
    }
    const stale = this.stale;
    this.isQueueing = false;
    const former = formerTopic(said.id, said.prefix);
    if ((said.channels >> TEMPERATURE) & 1 && stale.includes(former)) this.say(former, encodeUTF8(MIGRATE));
    this.announce();
    known.forEach(({ room, id }) => {
      if (id === said.id && room !== said.room) this.commands.leave(room);
    });
    this.isTakenBack = this.takeBackStale() && !this.awaitOldWills();
    this.sayOnline();
    this.birth.listen(this.acceptance.extent < UNHEARD ? said.prefix : "");
    this.sayDetails();
    if (this.owner.sleep !== undefined && this.acceptance.extent < UNHEARD) this.commands.follow(); // it may leave before the proof
  }

  private get takesDetails(): boolean {
    const { extent, refused } = this.acceptance;
    return extent <= UNDETAILED && refused === undefined;
  }

  /** Not before the connection has proved itself. */
  private sayDetails(): void {
    if (this.acceptance.extent !== ALL) {
      this.diagnostics?.rest();
      return;
    }
    this.commands.follow();
    this.details.begin(this.said.prefix);
  }

  private get details(): Diagnostics {
    this.diagnostics ??= new Diagnostics(this.owner, this.client);
    return this.diagnostics;
  }

  /** All topics under names that are not wanted any more. */
  private get stale(): string[] {
    const wanted = topicsOf([this.wanted]);
    return topicsOf(this.known).filter((topic) => !wanted.includes(topic));
  }

  /** Returns whether all of it is on its way. */
  private takeBackStale(): boolean {
    const { stale } = this;
    const taken = stale.filter((topic) => this.isTaken(topic));
    taken.forEach((topic) => this.say(topic, NOTHING));
    return taken.length === stale.length;
  }

  /**
   * A will may come yet of an earlier life's connection under another id; returns whether. A power cut does not end it at the broker:
   * a keep-alive and a half does (MQTT 3.1.1 §3.1.2-24), after we have taken back its topic. The old name is known until the next
   * connection then: what is taken back in the midst of this one may be lost with it.
   */
  private awaitOldWills(): boolean {
    const { settings, id } = this.owner;
    if (this.known.every((names) => names.id === id)) return false;
    const waitMs = willMs(settings) - this.uptimeMs();
    if (waitMs <= 0) return false;
    if (this.staleTimer !== undefined) this.timers.clear(this.staleTimer);
    this.staleTimer = this.timers.set(() => {
      this.staleTimer = undefined;
      this.takeBackStale();
    }, waitMs);
    return true;
  }

  /** Makes the device known to Home Assistant. */
  private announce(): void {
    const { said, known } = this;
    if (said.prefix === "") return;
    const topic = discoveryTopic(said.id, said.prefix);
    const announced = known.reduce((all, names) => all | (topicsOf([names]).includes(topic) ? names.channels : 0), 0);
    const gone = announced & ~said.channels & (BUTTONS - 1);
    if (gone !== 0) this.say(topic, discoveryOf(this.owner, said, gone)); // removed, and then left out
    this.say(topic, discoveryOf(this.owner, said));
  }

  private sayOnline(): void {
    const extent = this.acceptance.extent;
    if (extent === SILENT) return;
    if (extent < UNRETAINED) this.say(this.statusTopic, encodeUTF8(ONLINE));
    else this.client.publish(this.statusTopic, encodeUTF8(ONLINE), { qos: 0, retain: false });
  }

  /**
   * Retained. QoS 0 does, where the socket takes it: every connection begins with it. A message that waits for its
   * acknowledgement would take the blame for a reading at which the broker ends the connection.
   */
  private say(topic: string, payload: Uint8Array): void {
    if (!this.isQueueing && this.client.publish(topic, payload, { qos: 0, retain: true })) return;
    this.isQueueing = true;
    this.client.publish(topic, payload, { qos: 1, retain: true });
  }
}
