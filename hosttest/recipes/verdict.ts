/*
 * The verdict on a recipe: compares the points in the database with the expected ones, by room and number.
 */

/** A message, at its first arrival. */
export interface Expected {
  readonly room: string;
  readonly seq: number;
  readonly value: number;
  /** Its `ts`, milliseconds since 1970; undefined: it had none, and its point has the time of arrival. */
  readonly tsMs: number | undefined;
  /** Arrival at an independent subscriber, milliseconds since 1970. */
  readonly arrivedMs: number;
}

export interface Point {
  readonly room: string;
  readonly seq: number;
  readonly value: number;
  /** Milliseconds since 1970, perhaps with a fraction. */
  readonly timeMs: number;
}

/** Each list: ROOM/SEQ. */
export interface Verdict {
  readonly expected: number;
  readonly points: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Not at `ts`, or, without one, not within a while of the arrival. */
  readonly misdated: readonly string[];
  /** Another value than the message's, or a point of no message. */
  readonly wrong: readonly string[];
}

/**
 * A recipe takes a message at another time than the observer: it connects again up to 10 s later, and has a backlog to read. A
 * time of measurement is exact.
 */
export const MAX_ARRIVAL_MS = 30_000;

const nameOf = ({ room, seq }: { readonly room: string; readonly seq: number }): string => `${room}/${seq}`;

export function judge(expected: readonly Expected[], points: readonly Point[]): Verdict {
  const messages = new Map(expected.map((one) => [nameOf(one), one]));
  const found = new Map<string, number>();
  const misdated: string[] = [];
  const wrong: string[] = [];
  for (const point of points) {
    const name = nameOf(point);
    found.set(name, (found.get(name) ?? 0) + 1);
    const message = messages.get(name);
    if (message?.value !== point.value) wrong.push(name);
    else if (!isDated(message, point.timeMs)) misdated.push(name);
  }
  return {
    expected: messages.size,
    points: points.length,
    lost: [...messages.keys()].filter((name) => !found.has(name)),
    doubled: [...found].filter(([, times]) => times > 1).map(([name]) => name),
    misdated,
    wrong,
  };
}

/** Kinds of message that a recipe has to handle and that did not occur: without them the verdict proves too little. */
export function uncovered(expected: readonly Expected[]): string[] {
  const kinds: Record<string, (one: Expected) => boolean> = {
    "a ts of whole seconds": ({ tsMs }) => tsMs !== undefined && tsMs % 1000 === 0,
    "a ts with milliseconds": ({ tsMs }) => tsMs !== undefined && tsMs % 1000 !== 0,
    "no ts": ({ tsMs }) => tsMs === undefined,
  };
  return Object.keys(kinds).filter((kind) => !expected.some(kinds[kind]));
}

function isDated({ tsMs, arrivedMs }: Expected, timeMs: number): boolean {
  return tsMs === undefined ? Math.abs(timeMs - arrivedMs) <= MAX_ARRIVAL_MS : timeMs === tsMs;
}

export function isKept({ lost, doubled, misdated, wrong }: Verdict): boolean {
  return lost.length + doubled.length + misdated.length + wrong.length === 0;
}
