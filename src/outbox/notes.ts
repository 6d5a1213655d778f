/*
 * Notes: small values under eight tags that many entries share. The latest of each tag is repeated at the head of every
 * block, so that an entry's notes lie in its own block and go with it. Reads allocate a copy: they are rare.
 */
import { isNear } from "./copy.js";
import { Cursor, NOWHERE, TAGS } from "./cursor.js";
import { NOTE, PAYLOAD_AT } from "./layout.js";
import type { Log } from "./log.js";
import type { Walk } from "./walk.js";

export const LONGEST_NOTE = 96;

export class NotePad {
  private readonly log: Log;
  private readonly walk: Walk;

  constructor(log: Log, walk: Walk) {
    this.log = log;
    this.walk = walk;
  }

  /** @throws RangeError for a tag or a value that cannot be stored */
  check(tag: number, value: Uint8Array): void {
    if (!(tag >= 0 && tag < TAGS && tag === Math.floor(tag)))
      throw new RangeError(`tag ${tag}: expected 0..${TAGS - 1}`);
    if (value.byteLength > LONGEST_NOTE) {
      throw new RangeError(`note of ${value.byteLength} bytes: expected at most ${LONGEST_NOTE}`);
    }
  }

  /** Fills the record buffer. */
  fill(tag: number, value: Uint8Array): void {
    const { medium } = this.log;
    medium.pad(1 + value.byteLength);
    medium.bytes[PAYLOAD_AT] = tag;
    medium.bytes.set(value, PAYLOAD_AT + 1);
  }

  /** See Outbox.readNote. */
  latest(tag: number): Uint8Array | undefined {
    const { notes, seed, newest } = this.log;
    return this.read(notes[tag], seed, newest.first);
  }

  /** See Outbox.noteAt. */
  at(sequence: number, tag: number): Uint8Array | undefined {
    const { newestBlock, notes, medium, seed, newest } = this.log;
    const address = this.walk.addressOf(sequence);
    if (address === NOWHERE) return undefined;
    const block = Math.floor(address / medium.blockLength);
    const note = notes[tag];
    if (block === newestBlock && note !== 0 && note < address) return this.read(note, seed, newest.first);
    const cursor = this.cursorAt(block, address);
    return this.read(cursor.notes[tag], cursor.seed, this.log.header.first);
  }

  /** See Outbox.findNoteAfter. */
  findAfter(sequence: number, tag: number, visit: (value: Uint8Array) => boolean): boolean {
    const { blocks, medium, end } = this.log;
    const cursor = new Cursor(medium);
    for (let place = blocks.placeOf(sequence); place < blocks.live; place++) {
      if (!cursor.enter(blocks.at(place), this.log.header)) continue;
      const isLast = place === blocks.live - 1;
      const limit = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, sequence);
      while (cursor.next(isLast ? end : (blocks.at(place) + 1) * medium.blockLength, limit)) {
        if (cursor.kind !== NOTE || cursor.nextNumber <= sequence || medium.bytes[PAYLOAD_AT] !== tag) continue;
        if (visit(medium.bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + cursor.length))) return true;
      }
    }
    return false;
  }

  /** A cursor that has come to `address`, from its block's head. */
  private cursorAt(block: number, address: number): Cursor {
    const cursor = new Cursor(this.log.medium);
    cursor.enter(block, this.log.header);
    while (cursor.block !== NOWHERE && cursor.next(address, Number.POSITIVE_INFINITY));
    return cursor;
  }

  private read(address: number, seed: number, first: number): Uint8Array | undefined {
    const { medium } = this.log;
    if (address === 0 || !medium.load(address, NOWHERE, seed)) return undefined;
    if (medium.kind !== NOTE || !isNear(medium.number, first)) return undefined;
    return medium.bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + medium.length);
  }
}
