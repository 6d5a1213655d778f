/*
 * The content of the outbox's flash, block by block, read from its bytes as at a boot: with the outbox's formats, but without
 * the outbox. Blocks that were written are read again on request.
 */
import { Cursor, type Entered } from "../../../../src/outbox/blocks/cursor.js";
import { mediumFor } from "../../../../src/outbox/flash/geometry.js";
import { type BlockHeader, CLEAN_BYTES, isClean, isDone, isReleased } from "../../../../src/outbox/flash/layout.js";
import type { Medium } from "../../../../src/outbox/flash/medium.js";
import { BLOCK_LENGTH, type Partition } from "../../flash/flash-file.js";
import type { BlockState, BlockView, FlashTotals } from "../protocol.js";

const MAX_PAYLOAD = 1_024;
const ERASED = 0xff;

interface Look extends BlockView {
  readonly sequence: number; // of the block; 0: not in use
  readonly tail: number;
  readonly retired: number;
}

export class FlashMap {
  readonly totals: FlashTotals;
  /** A block was written. */
  onChanged: () => void = () => {};
  readonly #partition: Partition;
  readonly #medium: Medium;
  readonly #dirty = new Set<number>();
  readonly #looks: Look[] = [];
  readonly #sent: string[] = []; // as last returned

  constructor(partition: Partition) {
    this.#partition = partition;
    const { size, blocks } = partition.status();
    this.totals = { blocks, blockLength: BLOCK_LENGTH, programmedBytes: 0, programs: 0, erases: 0, inFlight: [] };
    const bytes = partition.peek();
    const flash = {
      read: (buffer: Uint8Array, offset: number) => {
        buffer.set(bytes.subarray(offset, offset + buffer.length));
        return buffer.length;
      },
      write: refuse,
      eraseBlock: refuse,
      status: () => ({ size, blockLength: BLOCK_LENGTH, blocks }),
      close: () => {},
    };
    this.#medium = mediumFor(flash, 1, MAX_PAYLOAD);
    for (let block = 0; block < blocks; block++) this.#dirty.add(block);
    partition.watcher = {
      programmed: (offset, length) => {
        this.totals.programs++;
        this.totals.programmedBytes += length;
        this.#touched(Math.floor(offset / BLOCK_LENGTH));
      },
      erased: (first, end) => {
        for (let block = first; block < end; block++) {
          this.totals.erases++;
          this.#touched(block);
        }
      },
    };
  }

  /** The present state of all blocks. */
  all(): readonly BlockView[] {
    this.changes();
    const newest = this.#newest();
    return this.#looks.map((look) => viewOf(look, newest));
  }

  /** Blocks that have changed since the last call. */
  changes(): readonly BlockView[] {
    for (const block of this.#dirty) this.#looks[block] = this.#look(block);
    this.#dirty.clear();
    const newest = this.#newest();
    const changed: BlockView[] = [];
    for (const look of this.#looks) {
      const view = viewOf(look, newest);
      const text = JSON.stringify(view);
      if (this.#sent[look.block] === text) continue;
      this.#sent[look.block] = text;
      changed.push(view);
    }
    return changed;
  }

  /** Numbers of the entries that are not settled. */
  queued(): Set<number> {
    this.changes();
    const found = new Set<number>();
    const newest = this.#newest();
    for (const look of this.#looks) {
      if (look.sequence === 0 || stateOf(look, newest) === "spent") continue;
      const tail = Math.max(look.tail, newest?.tail ?? 0);
      this.#walk(look.block, (number, state, isEntry) => {
        if (isEntry && number >= tail && !isDone(state)) found.add(number);
      });
    }
    return found;
  }

  #touched(block: number): void {
    this.#dirty.add(block);
    this.onChanged();
  }

  #newest(): Look | undefined {
    return this.#looks.reduce<Look | undefined>(
      (newest, look) => (look.sequence > (newest?.sequence ?? 0) ? look : newest),
      undefined,
    );
  }

  #look(block: number): Look {
    const header = emptyHeader();
    const cursor = new Cursor(this.#medium);
    if (!cursor.enter(block, headedBy(header))) return this.#unused(block);
    const counts = { o: 0, r: 0, d: 0, n: 0 };
    let records = "";
    let first: number | undefined;
    let last: number | undefined;
    const usedBytes = this.#walk(block, (number, state, isEntry) => {
      const kind = !isEntry ? "n" : isDone(state) || number < header.tail ? "d" : isReleased(state) ? "r" : "o";
      counts[kind]++;
      records += kind;
      if (!isEntry) return;
      first ??= number;
      last = number;
    });
    const { sequence, tail, erases, retired } = header;
    const { o: queued, r: released, d: done, n: others } = counts;
    const state = "full";
    return {
      block,
      state,
      erases,
      queued,
      released,
      done,
      others,
      usedBytes,
      first,
      last,
      records,
      sequence,
      tail,
      retired,
    };
  }

  /** Erased, or not a valid block: after an erase or an opening that was cut. */
  #unused(block: number): Look {
    this.#medium.readHead(block);
    const hasClean = isClean(this.#medium.head, 0);
    const start = block * BLOCK_LENGTH;
    const bytes = this.#partition.peek().subarray(start + (hasClean ? CLEAN_BYTES : 0), start + BLOCK_LENGTH);
    const state = bytes.every((byte) => byte === ERASED) ? "clean" : "torn";
    const erases = hasClean ? this.#medium.head[1] : 0;
    const none = {
      queued: 0,
      released: 0,
      done: 0,
      others: 0,
      usedBytes: 0,
      records: "",
      sequence: 0,
      tail: 0,
      retired: 0,
    };
    return { block, state, erases, ...none };
  }

  /** Visits the records of a block in use; returns the bytes up to the end of the last one. */
  #walk(block: number, visit: (number: number, state: number, isEntry: boolean) => void): number {
    const cursor = new Cursor(this.#medium);
    if (!cursor.enter(block, headedBy(emptyHeader()))) return 0;
    const end = (block + 1) * BLOCK_LENGTH;
    while (cursor.next(end, Number.POSITIVE_INFINITY)) visit(cursor.number, cursor.state, cursor.isEntry);
    return cursor.after - block * BLOCK_LENGTH;
  }
}

function viewOf(look: Look, newest: Look | undefined): BlockView {
  const { sequence: _sequence, tail: _tail, retired: _retired, ...view } = look;
  return { ...view, state: stateOf(look, newest) };
}

/** State of a block in use, by the newest block's note about earlier ones. */
function stateOf(look: Look, newest: Look | undefined): BlockState {
  if (look.sequence === 0 || newest === undefined) return look.state;
  if (look === newest) return "open";
  const waits = look.queued + look.released > 0 && (look.last ?? -1) >= newest.tail && look.block !== newest.retired;
  return waits ? "full" : "spent";
}

function refuse(): never {
  throw new Error("only looked at");
}

function emptyHeader(): BlockHeader {
  return { version: 0, sequence: 0, from: 0, first: 0, tail: 0, voidBelow: 0, retired: 0, erases: 0 };
}

/** For `Cursor.enter`: no block's header is known but by its head. */
function headedBy(header: BlockHeader): Entered {
  return { header, newest: header, newestBlock: -1 };
}
