/*
 * The cost of the journal's `render` for readings as in a house: ten seconds apart, each a hundredth of a degree warmer or colder than the
 * one before.
 */
import { TEMPERATURE } from "../../../src/channels/channels.js";
import { Sample } from "../../../src/channels/sample.js";
import { Journal, type JournalEntry, type JournalStore } from "../../../src/journal/journal.js";
import type { PayloadFormat } from "../../../src/journal/render.js";
import { Sticky } from "../../../src/journal/sticky.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../../src/mqtt/wire/utf8.js";
import { allocated, type Cost, spent } from "./meter.js";

const INTERVAL_MS = 10_000;
const FIRST_SEQUENCE = 123_400_000;

/** A store of the last record, without notes. */
class LastRecord implements JournalStore {
  readonly entry = { sequence: FIRST_SEQUENCE, payload: new Uint8Array(16), payloadLength: 0 };
  get nextSequence(): number {
    return this.entry.sequence + 1;
  }
  append(payload: Uint8Array): number {
    this.entry.payload.set(payload);
    this.entry.payloadLength = payload.length;
    return ++this.entry.sequence;
  }
  note(): void {}
  readNote(): undefined {}
  noteAt(): undefined {}
  findNoteAfter(): boolean {
    return false;
  }
}

/** The mean cost of rendering a reading. */
export function renderCost(format: PayloadFormat, turns: number): Cost {
  const store = new LastRecord();
  let uptimeMs = 60_000;
  const clock = { uptimeMs: () => uptimeMs, utcMs: () => 1_781_687_520_000 + uptimeMs };
  const topicOf = (): Uint8Array => encodeTopicName("home/livingroom/temperature");
  const journal = new Journal({
    store,
    notes: new Sticky(store),
    clock,
    boot: 1,
    room: encodeUTF8("livingroom"),
    format,
    isEach: false,
    intervalMs: INTERVAL_MS,
    topicOf,
  });
  const entry: JournalEntry = store.entry;
  const sample = new Sample();
  let length = 0;
  const render = (): void => {
    length += journal.render(entry)?.payloadLength ?? 0;
  };
  let computrons = 0;
  let chunkBytes = 0;
  let slots = 0;
  for (let turn = 0; turn < turns; turn++) {
    uptimeMs += INTERVAL_MS;
    sample.set(TEMPERATURE, 21.44 + ((turn % 20) - 10) / 100, 2);
    journal.append(sample, 1);
    const memory = allocated(() => {
      computrons += spent(render);
    });
    slots += memory.slots;
    chunkBytes += memory.chunkBytes;
  }
  if (length === 0) throw new Error("nothing rendered");
  return { computrons: computrons / turns, slots: slots / turns, chunkBytes: chunkBytes / turns };
}
