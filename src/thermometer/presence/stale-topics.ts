/*
 * Removes the retained messages under former names of the device (room, id, discovery prefix): Home Assistant would show the old
 * device as offline for ever. Presence makes this object only if there are former names, because most devices never have any.
 */
import type { TimerId } from "../../common/timers.js";
import { willMs } from "./expiry.js";
import { type Names, topicsOf } from "./names.js";
import type { PresenceOwner } from "./owner.js";

/** What the removal of former names needs of presence. */
export interface StaleTopicsOwner {
  /** All names under which the broker may retain something, the latest last. */
  readonly known: readonly Names[];
  /** The names from the settings. */
  readonly wanted: Names;
  /** Whether the broker accepts a retained message on `topic`. */
  accepts(topic: string): boolean;
  /** Publishes an empty retained message. */
  remove(topic: string): void;
}

/** Removes retained messages under former names. */
export class StaleTopics {
  private readonly owner: StaleTopicsOwner;
  private readonly device: PresenceOwner;
  private timer: TimerId | undefined;

  constructor(owner: StaleTopicsOwner, device: PresenceOwner) {
    this.owner = owner;
    this.device = device;
  }

  /** All retained topics under names that are no longer wanted. */
  get topics(): string[] {
    const { known, wanted } = this.owner;
    const current = topicsOf([wanted]);
    return topicsOf(known).filter((topic) => !current.includes(topic));
  }

  /** Removes them. Returns true if nothing can be retained there again once these messages have arrived: then the names can be forgotten. */
  remove(): boolean {
    return this.removeAccepted() && !this.awaitOldWills();
  }

  /** There is no connection. */
  rest(): void {
    if (this.timer !== undefined) this.device.board.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** Returns whether the broker accepts the removal of every topic. */
  private removeAccepted(): boolean {
    const { owner, topics } = this;
    const accepted = topics.filter((topic) => owner.accepts(topic));
    accepted.forEach((topic) => owner.remove(topic));
    return accepted.length === topics.length;
  }

  /**
   * A connection under a former id, cut by a power failure, lives on at the broker for one and a half keep-alives (MQTT 3.1.1
   * §3.1.2-24). Then the broker publishes its will, on a topic that was removed by then. Such topics are removed a second time after
   * that. Returns whether this is necessary; the former names are then kept until the next connection, because this one may be lost
   * before the second removal.
   */
  private awaitOldWills(): boolean {
    const { settings, id, board } = this.device;
    if (this.owner.known.every((names) => names.id === id)) return false;
    const waitMs = willMs(settings) - board.clock.uptimeMs();
    if (waitMs <= 0) return false;
    this.rest();
    this.timer = board.timers.set(() => {
      this.timer = undefined;
      this.removeAccepted();
    }, waitMs);
    return true;
  }
}
