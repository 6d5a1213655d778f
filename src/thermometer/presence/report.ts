/*
 * What a report of a sleeper publishes besides readings: the diagnostics, once, and the messages of the entities until the broker has
 * them all. Reports send these because after power-on the device may sleep, or the broker may be away, before they are sent.
 */
import { type Acceptance, ALL } from "./acceptance.js";
import type { Diagnostics } from "./diagnostics.js";
import { ENTITIES, LOST, marked } from "./names.js";

/** While more readings wait, the entities wait, too: on a slow link they would take the readings' time. */
const BACKLOG = 100;

/** What a report needs of the presence. */
export interface ReportOwner {
  readonly acceptance: Acceptance;
  readonly details: Diagnostics;
  /** Discovery prefix; empty: no discovery. */
  readonly prefix: string;
  /** `hasAnswered`: everything that was sent besides readings is acknowledged. */
  readonly client: { readonly hasAnswered: boolean; readonly isConnecting: boolean };
  /** Readings in the outbox. */
  readonly waiting: number;
}

/** Publishes a sleeper's diagnostics and entities, and remembers what is still to be published. */
export class Report {
  private readonly owner: ReportOwner;
  /** A person may be at the prompt: this start is not a report. */
  readonly hasPrompt: boolean;
  /** The hash of the names that the broker retains, with any marks; 0: not certain. */
  hash: number;
  /** Number of reports that could not announce all entities; ENTITIES: the broker has them, or no report tries any more. */
  private tries: number;
  /** The diagnostics of this report are still to be sent. */
  private isDue: boolean;
  /** Since the last announcement the broker has lost the session once, or may have. */
  private isLost: boolean;
  private isGreeted = false;

  constructor(owner: ReportOwner, hasPrompt: boolean, hash: number) {
    this.owner = owner;
    this.hasPrompt = hasPrompt;
    this.hash = hash;
    this.tries = hash & ENTITIES;
    this.isLost = (hash & LOST) !== 0;
    this.isDue = !hasPrompt;
  }

  /** The broker has all entities. */
  get hasEntities(): boolean {
    return this.tries >= ENTITIES || (this.owner.details.isAnnounced && this.owner.client.hasAnswered);
  }

  /** Entities are being announced: the report waits for that. */
  get isAnnouncing(): boolean {
    if (this.isDue) return false;
    const { isRunning, isAnnounced } = this.owner.details;
    return isRunning && !isAnnounced;
  }

  /** Everything is published again. */
  restart(): void {
    this.tries = this.hash = 0;
    this.isLost = false;
  }

  /**
   * An attempt to connect in which CONNECT may have been sent has ended, or is ended now. Without CONNACK, the broker may have begun a new session all the same, without
   * subscriptions, and the next CONNACK does not show that.
   */
  ended(): void {
    if (!this.isGreeted) this.isLost = true;
  }

  /**
   * CONNACK has come. `isPresent`: the broker has kept the session. If the broker has lost a session, but keeps the next one over a
   * sleep, it may have lost the retained messages, too: they are sent again. A broker that never keeps a session does not get them again.
   * `start`: the session that a report finds early, soon after another one, is no proof that the broker keeps it over a usual sleep.
   */
  greeted(isPresent: boolean, start: { readonly isEarly: boolean } | undefined): void {
    if (this.isGreeted) return; // a later connection finds the session of the first one
    this.isGreeted = true;
    if (!isPresent) this.isLost = true;
    else if (this.isLost && !start?.isEarly) this.hash = 0;
  }

  /** A connection begins. Without a sensor, or at QoS 0, no reading waits for an acknowledgement. */
  connected(): void {
    if (this.isDue && this.owner.waiting === 0) this.send();
  }

  /** A reading was acknowledged: nothing that is sent from now on can cost it. */
  arrived(): void {
    if (this.isDue) this.send();
  }

  private send(): void {
    const { acceptance, details, prefix, waiting } = this.owner;
    const { hasEntities } = this;
    this.isDue = false;
    if (!acceptance.beginDetails()) return;
    if (hasEntities || waiting > BACKLOG) this.isDue = !details.send(acceptance.areDetailsDoubtful);
    else details.begin(prefix, true);
  }

  /**
   * The device is about to disconnect. A few long reports are enough: then the entities wait for the next power-on, because the
   * cells would pay for each attempt.
   */
  leaving(): void {
    const { acceptance, client, details } = this.owner;
    if (client.isConnecting) this.ended();
    const isPartial = details.isRunning && !details.isAnnounced; // the broker may refuse those that were not sent
    if (!isPartial && client.hasAnswered && acceptance.extent === ALL) acceptance.detailed();
    if (!this.hasPrompt && details.isRunning && !this.hasEntities) this.tries++;
  }

  /** `hash` with its marks, for the next report. */
  get kept(): number {
    return marked(this.hash, (this.hasEntities ? ENTITIES : this.tries) | (this.isLost ? LOST : 0));
  }
}
