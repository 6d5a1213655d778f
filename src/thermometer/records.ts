/* The notes that the device stores in its outbox beside the entries: the journal's, the session record and the lifetime counters. */
import type { Board } from "../board.js";
import { type ClockState, CRYSTAL, SLOW_CLOCK } from "../journal/dating.js";
import type { WritableFormats } from "../journal/formats.js";
import { Journal, type JournalStore, type SamplePolicy } from "../journal/journal.js";
import { Sticky } from "../journal/sticky.js";
import { encodeUTF8 } from "../mqtt/wire/utf8.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Settings } from "../settings/settings.js";
import { SessionRecord } from "./broker/session-record.js";
import { Lifetime } from "./lifetime.js";
import { sampleTopic } from "./topics.js";

/** What the records need of their owner. */
export interface RecordsOwner {
  readonly board: Board;
  readonly settings: Settings;
  readonly formats: WritableFormats;
  /** Only if the device sleeps. `past`: the boot that continues; undefined: a new boot begins. */
  readonly sleep: { readonly past: Past | undefined } | undefined;
}

/** Journal, session record and lifetime counters, over one outbox. */
export interface Records {
  readonly journal: Journal;
  readonly sessionRecord: SessionRecord;
  readonly lifetime: Lifetime;
}

/** A boot that continues after a sleep. */
export interface Past {
  /** Its number. */
  readonly boot: number;
  /** Uptime of its last sample, in milliseconds. */
  readonly lastMs: number;
  readonly clock: ClockState;
  /** The base of its short records, as a note; empty: the latest in flash. */
  readonly base: Uint8Array;
}

/** Begins a boot and counts it, or continues one that flash knows. */
export function openRecords(owner: RecordsOwner, outbox: Outbox): Records {
  const notes = new Sticky(outbox);
  const past = owner.sleep?.past;
  const lifetime = new Lifetime(outbox, notes, past?.boot, outbox.goesOn);
  const { boots } = lifetime;
  return {
    lifetime,
    sessionRecord: new SessionRecord(outbox, notes),
    journal: openJournal(owner, outbox, notes, boots, past?.boot === boots ? past : undefined),
  };
}

/** A journal that renders messages but stores nothing, for a device without usable flash. */
export function openUnkept(owner: RecordsOwner): Journal {
  return openJournal(owner, NO_STORE, new Sticky(NO_STORE), 0);
}

function openJournal(
  { board, settings, sleep, formats }: RecordsOwner,
  store: JournalStore,
  notes: Sticky,
  boot: number,
  past?: Past,
): Journal {
  return new Journal({
    store,
    notes,
    clock: board.clock,
    boot,
    formats,
    lastMs: past?.lastMs,
    clockState: past?.clock,
    base: past?.base,
    oscillator: sleep === undefined ? CRYSTAL : SLOW_CLOCK,
    room: encodeUTF8(settings.get("room")),
    topicOf: sampleTopic,
    ...samplePolicy(settings),
  });
}

/** How samples are stored and sent from now on. */
export function samplePolicy(settings: Settings): SamplePolicy {
  return {
    format: settings.get("payload"),
    isEach: settings.get("topics") === "each",
    intervalMs: settings.get("interval") * 1000,
  };
}

/** Stores nothing. */
const NO_STORE = Object.freeze<JournalStore>({
  append: () => -1,
  nextSequence: 0,
  note: () => {},
  readNote: () => undefined,
  noteAt: () => undefined,
  findNoteAfter: () => false,
});
