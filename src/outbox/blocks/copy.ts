/*
 * Writes what precedes a block's open header: notes, counters and marks and, if the newest block is copied, its unsettled
 * entries, each after the notes that were in force when it was appended. Reads the source and programs the target; the log
 * itself changes only when the target is opened.
 */

import { isDone, isHeadless, isReleased, NOTE, QUEUED_STATE, RELEASED_BITS, SKIP, STATE } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { type Carrier, isLate, putCarried } from "./carried.js";
import { type Cursor, NOWHERE, TAGS } from "./cursor.js";
import type { Target } from "./target.js";

/** Counters that survive a reboot: written to the head of a block if any is not 0. */
export interface Counters {
  /** Entries evicted because the outbox was full. */
  dropped: number;
  /** Readings that got a number and were not stored. */
  refused: number;
  /** Entries lost to damage. */
  damaged: number;
  /** Entries not settled, as far as known. */
  entries: number;
  /** Numbers of entries that were evicted behind some that were kept: they are not damaged. */
  holeFrom: number;
  holeEnd: number;
}

/** What is needed of the log to copy from it. */
export interface Source extends Carrier {
  readonly counters: Counters;
  readonly newestBlock: number;
  readonly seed: number;
  readonly end: number;
  readonly number: number;
  readonly notes: Uint32Array;
}

const COUNTER_WORDS = 6;
const SKIP_BYTES = 8;

/** Copies the notes at `addresses` that `target` does not have yet; 0: no note. */
export function copyNotes(log: Source, addresses: Uint32Array, target: Target): boolean {
  const medium = log.medium;
  for (let tag = 0; tag < TAGS; tag++) {
    const address = addresses[tag];
    if (address === 0) continue;
    if (!loadNote(medium, address, log.seed, log.newest.first)) continue; // damaged meanwhile: nothing to copy
    const at = target.put(NOTE, medium.length, QUEUED_STATE);
    if (at === NOWHERE) return false;
    target.notes[tag] = at;
  }
  return true;
}

/**
 * Reads the note at `address` of the block with that `seed` and `first` number into the record buffer; what does not match is read
 * once more. False: it is damaged.
 */
export function loadNote(medium: Medium, address: number, seed: number, first: number): boolean {
  for (let tries = 2; tries > 0; tries--) {
    if (medium.load(address, NOWHERE, seed) && medium.kind === NOTE && isNear(medium.number, first)) return true;
    medium.demand();
  }
  return false;
}

/** Whether a record's check was made with a number of the block whose first is `first`. Damaged records have any of 2^32 numbers. */
export function isNear(number: number, first: number): boolean {
  return (number - (first | 0)) >>> 0 < 0x10_0000;
}

/** Writes counters and marks, unless they have the values that a reader would assume. */
export function putState(log: Source, target: Target): boolean {
  const { medium, counters, marks } = log;
  const marked = marks.storedWords;
  const assumed = Math.max(0, target.number - marks.tail);
  const hole = counters.holeEnd > marks.tail;
  if (
    marked === 0 &&
    !hole &&
    counters.entries === assumed &&
    counters.dropped + counters.refused + counters.damaged === 0
  ) {
    return true;
  }
  const words = medium.words;
  words[1] = counters.dropped;
  words[2] = counters.refused;
  words[3] = counters.damaged;
  words[4] = counters.entries;
  words[5] = hole ? counters.holeFrom : 0;
  words[6] = hole ? counters.holeEnd : 0;
  marks.store(words, COUNTER_WORDS + 1);
  const length = (COUNTER_WORDS + marked) << 2;
  medium.pad(length);
  return target.put(STATE, length, QUEUED_STATE) !== NOWHERE;
}

/** Reads what `putState` wrote, from the record buffer. `first`: number of the block's first entry. */
export function takeState(log: Source, first: number): void {
  const { medium, counters, marks } = log;
  const words = medium.words;
  counters.dropped = words[1] >>> 0;
  counters.refused = words[2] >>> 0;
  counters.damaged = words[3] >>> 0;
  counters.entries = words[4] >>> 0;
  counters.holeFrom = first + ((words[5] - (first | 0)) | 0);
  counters.holeEnd = words[5] === words[6] ? 0 : first + ((words[6] - (first | 0)) | 0);
  // Their place depends on the header's tail. Without it, the marks of the block before are as good.
  if (!isHeadless(log.newest)) marks.restore(words, COUNTER_WORDS + 1, (medium.length >> 2) - COUNTER_WORDS);
}

/**
 * Fills the buffer with a SKIP record that uses up `count` numbers, of which `refused` were readings that were not stored.
 * Returns its length.
 */
export function fillSkip(medium: Medium, count: number, refused: number): number {
  medium.words[1] = count;
  medium.words[2] = refused;
  medium.pad(SKIP_BYTES);
  return SKIP_BYTES;
}

/** Copies the unsettled entries of the newest block. */
export function copyBlock(log: Source, target: Target): boolean {
  const walker = log.walker;
  const survey = surveyed(log, walker);
  target.settledInPlace = survey.settledInPlace;
  target.damaged = survey.damaged;
  if (!copyNotes(log, survey.notes, target) || !putCarried(log, target) || !putCopiedState(log, target, survey)) {
    return false;
  }
  const written = survey.notes;
  walker.start(log.newestBlock, log.newest.sequence, log.newest.first);
  while (walker.next(log.end, Number.POSITIVE_INFINITY)) {
    if (isLive(log, walker)) {
      if (!copyEntry(log, walker, target, written)) return false;
    } else if (isLate(log) && !copyNewNotes(log, walker.notes, target, written)) return false;
  }
  if (!copyNewNotes(log, log.notes, target, written)) return false;
  return skipTo(log, target, log.number);
}

interface Survey {
  /** The notes in force at the first unsettled entry, or before the first entry that is copied; the latest if there is none. */
  readonly notes: Uint32Array;
  settledInPlace: number;
  damaged: number;
}

/** Walks through the newest block to find how a copy starts. */
function surveyed(log: Source, walker: Cursor): Survey {
  const survey = { notes: new Uint32Array(TAGS), settledInPlace: 0, damaged: 0 };
  const inForce = new Uint32Array(TAGS);
  let live = 0;
  walker.start(log.newestBlock, log.newest.sequence, log.newest.first);
  while (walker.next(log.end, Number.POSITIVE_INFINITY)) {
    if (live === 0 && isLate(log)) {
      live++;
      survey.notes.set(inForce);
    }
    if (walker.kind === NOTE) inForce.set(walker.notes);
    if (walker.number >= log.marks.tail) survey.damaged += walker.lost;
    if (!walker.isEntry || log.marks.isSettled(walker.number)) continue;
    if (log.medium.unit === 1 && isDone(walker.state)) survey.settledInPlace++;
    else if (live++ === 0) survey.notes.set(walker.notes);
  }
  if (live === 0) survey.notes.set(log.notes);
  return survey;
}

/** Writes the counters as they will be when the copy is the newest block. */
function putCopiedState(log: Source, target: Target, survey: Survey): boolean {
  const counters = log.counters;
  // A reader adds the block's entries to this when it finds them.
  const copied = liveEntries(log); // before the counters change: it may throw
  counters.entries -= survey.settledInPlace;
  counters.damaged += survey.damaged;
  counters.entries -= copied;
  const done = putState(log, target);
  counters.entries += copied + survey.settledInPlace;
  counters.damaged -= survey.damaged;
  return done;
}

function liveEntries(log: Source): number {
  const walker = log.walker;
  let live = 0;
  walker.start(log.newestBlock, log.newest.sequence, log.newest.first);
  while (walker.next(log.end, Number.POSITIVE_INFINITY)) if (isLive(log, walker)) live++;
  return live;
}

function isLive(log: Source, walker: Cursor): boolean {
  if (!walker.isEntry || walker.number >= log.number || log.marks.isSettled(walker.number)) return false;
  return log.medium.unit === 16 || !isDone(walker.state);
}

function copyEntry(log: Source, walker: Cursor, target: Target, written: Uint32Array): boolean {
  const { medium, marks } = log;
  if (!copyNewNotes(log, walker.notes, target, written) || !skipTo(log, target, walker.number)) return false;
  if (!reload(log, walker) && !reload(log, walker)) return false;
  const released = medium.unit === 1 && isReleased(walker.state) && walker.number >= marks.voidBelow;
  if (target.put(walker.kind, walker.length, released ? QUEUED_STATE & ~RELEASED_BITS : QUEUED_STATE) === NOWHERE) {
    return false;
  }
  target.number++;
  return true;
}

/** Reads the walker's entry again; false: it reads otherwise than before, and its copy would have a check that matches. */
function reload({ medium, end, seed }: Source, { address, number }: Cursor): boolean {
  if (medium.load(address, end, seed) && medium.number === (number | 0)) return true;
  medium.demand();
  return false;
}

/** Copies those of `addresses` that differ from `written`, and stores them there. */
function copyNewNotes(log: Source, addresses: Uint32Array, target: Target, written: Uint32Array): boolean {
  const medium = log.medium;
  for (let tag = 0; tag < TAGS; tag++) {
    const address = addresses[tag];
    if (address === written[tag]) continue;
    written[tag] = address;
    if (address === 0 || !loadNote(medium, address, log.seed, log.newest.first)) continue;
    const at = target.put(NOTE, medium.length, QUEUED_STATE);
    if (at === NOWHERE) return false;
    target.notes[tag] = at;
  }
  return true;
}

/** Uses up the numbers before `number`, whose entries are settled or lost. */
function skipTo(log: Source, target: Target, number: number): boolean {
  const count = number - target.number;
  if (count === 0) return true;
  if (target.put(SKIP, fillSkip(log.medium, count, 0), QUEUED_STATE) === NOWHERE) return false;
  target.number = number;
  return true;
}
