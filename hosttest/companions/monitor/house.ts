/*
 * The state of a house's rooms, from the messages so far. No I/O and no clock: messages and the time are arguments.
 */
import type { Message, SampleMessage } from "../message.js";
import { type Arrival, Sequence } from "./sequence.js";

/** Values that a trend line can show. */
const TREND = 120;

export interface Point {
  /** When it was measured; without `ts`, when it arrived. Milliseconds since 1970. */
  readonly atMs: number;
  readonly value: number;
  readonly isLate: boolean;
}

export interface Latest {
  readonly values: Readonly<Record<string, number>>;
  readonly atMs: number;
  readonly isLate: boolean;
}

export interface Room {
  readonly name: string;
  readonly sequence: Sequence;
  /** The latest sample of each of its topics, by its own time: with `topics` = `each` there are several. */
  readonly latest: Map<string, Latest>;
  /** Of one channel, by their own time, oldest first. */
  readonly trend: Point[];
  samples: number;
  late: number;
  /** Status by device id, as published by the device, or by the broker as its will. */
  readonly devices: Map<string, string>;
}

/** The result of a message, for a line in a log. */
export interface Taken {
  readonly room: Room;
  readonly sample: SampleMessage;
  /** Its `ts`; without one, its arrival. Milliseconds since 1970. */
  readonly atMs: number;
  readonly isLate: boolean;
  readonly arrival: Arrival | undefined;
}

export class House {
  private readonly rooms = new Map<string, Room>();
  private readonly lateMs: number;
  private readonly channel: string;

  /** `lateMs`: a sample that arrives so long after it was measured is late. `channel`: what the trend lines show. */
  constructor(lateMs: number, channel = "temperature") {
    this.lateMs = lateMs;
    this.channel = channel;
  }

  /** By name. */
  get all(): Room[] {
    return [...this.rooms.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  interrupt(): void {
    for (const { sequence } of this.rooms.values()) sequence.interrupt();
  }

  /** `nowMs`: milliseconds since 1970. @returns undefined if the message is not a sample */
  take(message: Message, nowMs: number): Taken | undefined {
    const room = this.roomOf(message);
    switch (message.kind) {
      case "status":
        if (message.status === "") room.devices.delete(message.id);
        else room.devices.set(message.id, message.status);
        return undefined;
      case "sample":
        return this.takeSample(room, message, nowMs);
      default:
        throw new TypeError(`${message satisfies never}`);
    }
  }

  private takeSample(room: Room, sample: SampleMessage, nowMs: number): Taken {
    const { values, tsMs, seq, topicChannel } = sample;
    const arrival = seq === undefined ? undefined : room.sequence.take(seq, tsMs);
    const atMs = tsMs ?? nowMs;
    const isLate = nowMs - atMs > this.lateMs;
    const taken = { room, sample, atMs, isLate, arrival };
    if (arrival === "double") return taken;
    room.samples += 1;
    if (isLate) room.late += 1;
    const latest = room.latest.get(topicChannel);
    if (latest === undefined || atMs >= latest.atMs) room.latest.set(topicChannel, { values, atMs, isLate });
    const value = values[this.channel];
    if (value !== undefined) insert(room.trend, { atMs, value, isLate });
    return taken;
  }

  private roomOf(message: Message): Room {
    const found = this.rooms.get(message.room);
    if (found !== undefined) return found;
    const room: Room = {
      name: message.room,
      sequence: new Sequence(),
      latest: new Map(),
      trend: [],
      samples: 0,
      late: 0,
      devices: new Map(),
    };
    this.rooms.set(message.room, room);
    return room;
  }
}

/** The newest values of all its topics, and when the newest was measured; undefined: no sample yet. */
export function newestOf(room: Room): Latest | undefined {
  const all = [...room.latest.values()];
  if (all.length === 0) return undefined;
  const newest = all.reduce((a, b) => (b.atMs > a.atMs ? b : a));
  return { ...newest, values: Object.assign({}, ...all.map(({ values }) => values)) };
}

function insert(trend: Point[], point: Point): void {
  let at = trend.length;
  while (at > 0 && trend[at - 1].atMs > point.atMs) at -= 1;
  trend.splice(at, 0, point);
  if (trend.length > TREND) trend.shift();
}
