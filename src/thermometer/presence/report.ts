/*
 * What a report of a sleeper publishes besides readings: the diagnostics, once, and the messages of the entities until the broker has
 * them all. After power-on the prompt's time may be over, or the broker may be away, before they are sent.
 */
import type { PresenceSleep } from "./names.js";

/** Of `Announced.hash`: the messages of the entities were sent, too. */
export const HAS_ENTITIES = 1;

/** Remembers what a sleeper still has to publish. */
export class Report {
  private readonly sleep: PresenceSleep;
  /** Diagnostics are still to be sent in this report: after a reading was acknowledged, so that no reading is lost by it. */
  isDue: boolean;
  /** The broker may not have all entities: they have changed, or were not all sent. */
  areEntitiesDue: boolean;

  constructor(sleep: PresenceSleep) {
    this.sleep = sleep;
    this.isDue = !sleep.hasPrompt;
    this.areEntitiesDue = !(sleep.announced.hash & HAS_ENTITIES);
  }

  /**
   * The device is about to disconnect. One long report is enough: entities that it had no time for wait for the next power-on, because
   * the cells would pay for each attempt. `isAnnouncing`: they are being sent.
   */
  leaving(isAnnouncing: boolean): void {
    if (!this.sleep.hasPrompt && isAnnouncing) this.areEntitiesDue = false;
  }
}
