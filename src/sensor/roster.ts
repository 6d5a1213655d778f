/*
 * The roster: the sensors from which samples are made. It opens those that are wanted, or that answer, retries those that fail,
 * and assigns each channel to the best sensor that has it. The sampler decides when each is asked.
 */
import { channels } from "../channels/channels.js";
import { asError } from "./fault.js";
import { Place, Retry } from "./place.js";
import type { OpenSensor, SensorSource } from "./probe.js";

/** Callbacks; none may throw. */
export interface RosterOwner {
  /** A sensor failed, or none was found. `isKnown`: the same failure as before. */
  onSensorFailed(error: Error, isKnown: boolean): void;
  /** Channels come from another sensor than before, as text. */
  onSourcesChanged(text: string): void;
}

/** All sensors, and which one gives each channel. */
export class Roster {
  readonly places: Place[];
  /** The first place with an open sensor; the others follow by `next`. */
  first: Place | undefined;
  /** Some sensors are, or may be, missing. */
  isIncomplete = true;
  /** A sensor was opened, was closed, or is trusted again: channels have to be assigned again. */
  isUnassigned = false;
  private readonly owner: RosterOwner;
  private readonly sensors: SensorSource;
  private readonly intervalMs: number;
  /** The state of the search for further sensors; undefined if the wanted ones are named. */
  private readonly scout: Retry | undefined;
  private isLooking: boolean; // there may be further sensors to search for
  private readonly sources: (Place | undefined)[] = []; // by channel: its last source

  constructor(owner: RosterOwner, sensors: SensorSource, intervalMs: number) {
    this.owner = owner;
    this.sensors = sensors;
    this.intervalMs = intervalMs;
    this.places = sensors.names.map((name) => new Place(name));
    this.isLooking = this.places.length === 0;
    this.scout = this.isLooking ? new Retry() : undefined;
  }

  /** Everything postponed is due now. */
  start(): void {
    if (this.scout !== undefined) this.scout.dueSlot = 0;
    this.places.forEach((place) => {
      place.dueSlot = 0;
    });
  }

  /** Closes all, so that no later call reads an old conversion. */
  stop(): void {
    this.places.forEach((place) => place.close());
    this.first = undefined;
    this.isIncomplete = true;
    this.isUnassigned = true;
  }

  /** Why there is no sample; undefined: at least one sensor works. */
  get trouble(): Error | undefined {
    if (this.places.some(({ gives, lastError }) => gives !== 0 && lastError === undefined)) return undefined;
    return this.places.find(({ lastError }) => lastError !== undefined)?.lastError ?? this.scout?.lastError;
  }

  /** The next slot in which something should be opened. */
  get dueSlot(): number {
    const due = this.isLooking && this.scout !== undefined ? this.scout.dueSlot : Number.POSITIVE_INFINITY;
    return this.places.reduce((earliest, { dueSlot }) => Math.min(earliest, dueSlot), due);
  }

  /** Opens everything that is closed and due. */
  complete(slot: number, isExtra: boolean): void {
    if (this.isLooking) this.look(slot, isExtra);
    this.places.forEach((place) => {
      if (place.opened !== undefined || (place.dueSlot >= slot && !isExtra)) return;
      try {
        this.seat(place, this.sensors.open(place.name, this.taken(), place.address));
      } catch (error) {
        place.fault = asError(error);
      }
    });
    // After all were tried, so that a report can name those that answer.
    this.places.forEach((place) => {
      if (place.fault !== undefined) this.fail(place, place.fault, slot, isExtra);
    });
    this.isIncomplete = this.isLooking || this.places.some(isAway);
  }

  private seat(place: Place, opened: OpenSensor): void {
    place.open(opened);
    this.relink();
  }

  /** Sensors were opened or closed. */
  private relink(): void {
    let next: Place | undefined;
    for (let at = this.places.length - 1; at >= 0; at--) {
      const place = this.places[at];
      if (place.opened === undefined) continue;
      place.next = next;
      next = place;
    }
    this.first = next;
    this.isUnassigned = true;
  }

  private taken(): readonly number[] {
    const taken: number[] = [];
    this.places.forEach(({ opened }) => {
      if (opened !== undefined) taken.push(opened.address);
    });
    return taken;
  }

  /** Searches for sensors without a place: at the start, and while one is missing. */
  private look(slot: number, isExtra: boolean): void {
    const scout = this.scout;
    if (scout === undefined || (scout.dueSlot >= slot && !isExtra)) return;
    try {
      const found = this.sensors.openAll(this.taken());
      found.forEach((opened) => this.seat(this.placeFor(opened), opened));
      scout.lastError = undefined;
      this.isLooking = this.places.some(isAway);
      if (found.length > 0 || !this.isLooking) scout.succeed();
    } catch (error) {
      // A sensor with a place reports its own faults.
      if (this.places.length === 0) this.count(scout, asError(error));
    }
    if (this.isLooking && !isExtra) scout.putOff(slot, this.intervalMs);
  }

  /** The place of a found sensor: its former one, or a new one. */
  private placeFor({ driver, address }: OpenSensor): Place {
    const scout = this.scout;
    const former = this.places.find((place) => place.name === driver.name && place.address === address);
    if (former !== undefined) return former;
    const place = new Place(driver.name, address);
    this.places.push(place);
    if (scout?.lastError !== undefined) place.recoverFrom(scout.lastError);
    return place;
  }

  /** A sensor failed: it is closed, and opened again later. `slot`: the next one. */
  fail(place: Place, error: Error, slot: number, isExtra: boolean): void {
    place.close();
    place.distrust();
    place.fault = undefined;
    if (!isExtra) place.putOff(slot, this.intervalMs);
    const { next } = place;
    this.relink();
    place.next = next; // a running iteration still finds the others
    this.isIncomplete = true;
    this.isLooking = this.scout !== undefined;
    this.count(place, error);
  }

  private count(retry: Retry, error: Error): void {
    this.owner.onSensorFailed(error, !retry.note(error));
  }

  /** Assigns each channel to the best sensor that has it: a trusted one, then by accuracy, or the first of the named ones. */
  assign(): void {
    this.isUnassigned = false;
    const places = this.places;
    const sources = this.sources;
    const given = places.map(() => 0);
    let text = "";
    for (let channel = 0; channel < channels.length; channel++) {
      const best = this.bestFor(channel);
      if (best === undefined) continue;
      given[places.indexOf(best)] |= 1 << channel;
      const former = sources[channel];
      sources[channel] = best;
      if (former === undefined || former === best) continue;
      text += `${text && "; "}${channels[channel].name} now from ${best.where}, no longer from ${former.where}`;
    }
    places.forEach((place, at) => place.give(given[at]));
    if (text !== "") this.owner.onSourcesChanged(text);
  }

  private bestFor(channel: number): Place | undefined {
    let best: Place | undefined;
    let bestAccuracy = 0;
    for (let at = 0; at < this.places.length; at++) {
      const place = this.places[at];
      const one = place.measureOf(channel);
      if (one === undefined) continue;
      const accuracy = this.scout === undefined ? 0 : one.accuracy;
      const isBetter = (place.trial === 0) === (best?.trial === 0) ? accuracy < bestAccuracy : place.trial === 0;
      if (best !== undefined && !isBetter) continue;
      best = place;
      bestAccuracy = accuracy;
    }
    return best;
  }
}

function isAway({ opened }: Place): boolean {
  return opened === undefined;
}
