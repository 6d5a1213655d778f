/*
 * The rooms: the number of the current room, and the topic of a stored sample. Flash has the names, as notes; a record has only
 * the number. The last topic looked up is kept.
 */
import { TEMPERATURE } from "../channels/channels.js";
import { encodeRoom, nextNote, ROOM, sameNote } from "./notes.js";
import type { Sticky } from "./sticky.js";
import { firstChannel, type StoredSample } from "./stored.js";

/** What is needed of the outbox. */
export interface RoomStore {
  /** The latest value. */
  readNote(tag: number): Uint8Array | undefined;
  /** The value in force when the entry was appended. */
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /** Whether `isPast` returns true for a later value; see ClockNotes. */
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean;
}

/** The topic of a channel (its index in the table) in a room (its name as UTF-8), as UTF-8. */
export type TopicOf = (room: Uint8Array, channel: number) => Uint8Array;

const NONE = -1;

/** Number and topic of a room, from the notes in flash. */
export class Rooms {
  /** Number of the current room, modulo 256. */
  readonly number: number;
  private readonly name: Uint8Array;
  private readonly boot: number;
  private readonly store: RoomStore;
  private readonly topicOf: TopicOf;
  private readonly topics: (Uint8Array | undefined)[] = []; // by channel, in the current room
  // Boot (modulo 65,536) and room (modulo 256) identify a room only together.
  private past = NONE;
  private pastName: Uint8Array | undefined;
  private pastTopics: (Uint8Array | undefined)[] | undefined; // by channel, in that room

  /** Notes the room if it differs from the last one. */
  constructor(store: RoomStore, notes: Sticky, boot: number, name: Uint8Array, topicOf: TopicOf) {
    this.store = store;
    this.boot = boot;
    this.name = name;
    this.topicOf = topicOf;
    this.number = this.enter(notes);
  }

  /** The topic of a stored sample; undefined: its room is no longer known. */
  topicFor(stored: StoredSample, sequence: number): Uint8Array | undefined {
    const channel = topicChannel(stored.mask, stored.isSingle);
    if (stored.boot !== this.boot || stored.room !== this.number) return this.topicOfPast(stored, channel, sequence);
    return this.topicNow(channel);
  }

  /** The topic of a sample that is taken now. */
  topicNow(channel: number): Uint8Array {
    let topic = this.topics[channel];
    if (topic === undefined) this.topics[channel] = topic = this.topicOf(this.name, channel);
    return topic;
  }

  private topicOfPast(stored: StoredSample, channel: number, sequence: number): Uint8Array | undefined {
    const { room, originOfAll } = stored;
    if (originOfAll !== this.past) this.findPast(originOfAll, room, sequence);
    const pastName = this.pastName;
    if (pastName === undefined) return undefined;
    this.pastTopics ??= [];
    let topic = this.pastTopics[channel];
    // Mostly the room is the same as now.
    topic ??= sameNote(pastName, this.name) ? this.topicNow(channel) : this.topicOf(pastName, channel);
    this.pastTopics[channel] = topic;
    return topic;
  }

  private findPast(origin: number, room: number, sequence: number): void {
    let note = this.store.noteAt(sequence, ROOM);
    // The note is damaged: the next block repeats it at its head.
    if (note === undefined || note[0] !== room) note = nextNote(this.store, sequence, ROOM);
    this.pastName = note !== undefined && note[0] === room ? note.subarray(1) : undefined;
    this.past = this.pastName === undefined ? NONE : origin;
    this.pastTopics = undefined;
  }

  /**
   * The number of the room: unchanged if the room is the last one noted. Otherwise the boot's number, as a boot has one room: it
   * differs from the number of a room whose note is damaged. The last room's number is never used for another one.
   */
  private enter(notes: Sticky): number {
    const last = this.store.readNote(ROOM);
    const isKnown = last !== undefined && last.length > 0;
    if (isKnown && sameNote(last.subarray(1), this.name)) return last[0];
    let number = this.boot & 0xff;
    if (isKnown && last[0] === number) number = (number + 1) & 0xff;
    notes.writeVital(ROOM, encodeRoom(number, this.name));
    return number;
  }
}

/** The channel that names the topic: for a sample the temperature, even if it has none; for a single channel itself. */
export function topicChannel(mask: number, isSingle: boolean): number {
  return isSingle ? firstChannel(mask) : TEMPERATURE;
}
