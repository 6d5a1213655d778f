/*
 * The trial of a new image: within ten minutes it has read its sensor (or finds the fault that was there before), joined the link, and been
 * acknowledged by the broker. Then it is confirmed; else the image before it starts again, and finds here why.
 */
import { messageOf } from "../common/message-of.js";
import type { TimerId, Timers } from "../common/timers.js";
import type { Slots } from "./io.js";
import { type UpdateRecord, type UpdateStore, writeRecord } from "./record.js";

/** How long a trial may take: ten minutes, in milliseconds. */
export const TRIAL_MS = 600_000;
const LOOK_MS = 1_000;

/** What is asked about a second on trial; "": it works. */
export interface Proofs {
  /** What is wrong with the sensor, in words; "no reading yet" before the first one. */
  sensorTrouble(): string;
  linkTrouble(): string;
  brokerTrouble(): string;
}

/** What a trial asks of the device. */
export interface TrialOwner extends Proofs {
  readonly slots: Slots;
  readonly store: UpdateStore;
  readonly timers: Timers;
  uptimeMs(): number;
  /** It is over: confirmed, or `record.why` says why there is no way back. */
  onConfirmed(): void;
  /** The other image is selected: restarts in order. */
  onRolledBack(why: string): void;
}

/** The trial of the image that runs. */
export class ImageTrial {
  /** Undefined: this image has come by another way than an announcement. */
  readonly record: UpdateRecord | undefined;
  private readonly owner: TrialOwner;
  private timer: TimerId | undefined;

  constructor(owner: TrialOwner, record: UpdateRecord | undefined) {
    this.owner = owner;
    this.record = record;
    this.enter("trial");
    this.wait();
  }

  /** What is missing yet; "": nothing. */
  get missing(): string {
    const { owner, record } = this;
    const sensor = owner.sensorTrouble();
    const troubles = [sensor === record?.sensor ? "" : sensor, owner.linkTrouble(), owner.brokerTrouble()];
    return troubles.filter((trouble) => trouble !== "").join("; ");
  }

  close(): void {
    if (this.timer !== undefined) this.owner.timers.clear(this.timer);
    this.timer = undefined;
  }

  private wait(): void {
    this.timer = this.owner.timers.set(this.look, LOOK_MS);
  }

  private readonly look = (): void => {
    this.timer = undefined;
    const { owner, missing } = this;
    if (missing === "") this.confirm();
    else if (owner.uptimeMs() < TRIAL_MS) this.wait();
    else this.goBack(`not within ${TRIAL_MS / 60_000} minutes: ${missing}`);
  };

  private confirm(): void {
    const { owner } = this;
    try {
      owner.slots.confirm();
    } catch {
      this.wait(); // the chip did not take it: nothing has changed
      return;
    }
    this.enter("confirmed");
    owner.onConfirmed();
  }

  private goBack(why: string): void {
    const { owner, record } = this;
    if (record !== undefined) record.why = why;
    this.enter("trial"); // the old image enters how it ended
    try {
      owner.slots.rollBack();
    } catch (error) {
      if (record !== undefined) record.why = `${why}; no way back: ${messageOf(error)}`;
      this.confirm();
      return;
    }
    owner.onRolledBack(why);
  }

  /** A store that fails costs the reason, not the trial. */
  private enter(phase: "trial" | "confirmed"): void {
    const { record, owner } = this;
    if (record === undefined) return;
    record.phase = phase;
    try {
      writeRecord(owner.store, record);
    } catch {}
  }
}
