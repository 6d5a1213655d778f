/*
 * The table of blocks: those in use, in the order of their entries, and the spares, in the order in which they are taken. Seven
 * bytes a block. A block can leave the order at any place (a full outbox evicts the oldest block that is not in flight) and
 * becomes the last spare, so that all blocks are erased equally often. No I/O.
 */

/** RAM per block: its place, its first number, whether it is erased. */
export const BYTES_A_BLOCK =
  Uint16Array.BYTES_PER_ELEMENT + Uint32Array.BYTES_PER_ELEMENT + Uint8Array.BYTES_PER_ELEMENT;

/** Table of the partition's blocks. Places 0..live-1 are blocks in use, oldest first; then the spares. */
export class Blocks {
  readonly count: number;
  live = 0;
  /** Counts the changes of the order: places are valid as long as it is unchanged. */
  changes = 0;
  private readonly order: Uint16Array;
  private readonly first: Uint32Array;
  private readonly ready: Uint8Array;

  constructor(count: number) {
    this.count = count;
    const table = new ArrayBuffer(count * BYTES_A_BLOCK); // one for all three: fewer objects
    this.first = new Uint32Array(table, 0, count);
    this.order = new Uint16Array(table, count * 4, count);
    this.ready = new Uint8Array(table, count * 6);
  }

  get spares(): number {
    return this.count - this.live;
  }

  /** The block at `place`. */
  at(place: number): number {
    return this.order[place];
  }

  /** Number of the first entry of the block at `place`. `near`: a number within 2^31 of it, which gives the high bits. */
  firstAt(place: number, near: number): number {
    return this.firstOf(this.order[place], near);
  }

  /** As `firstAt`, by block. */
  firstOf(block: number, near: number): number {
    return near + (((this.first[block] | 0) - (near | 0)) | 0);
  }

  /** While mounting: all blocks are spare, in the order of their addresses. */
  setSpare(): void {
    for (let block = 0; block < this.count; block++) this.order[block] = block;
  }

  /** While mounting: the number of the first entry of `block`, whether it is in use or not. */
  setFirst(block: number, first: number): void {
    this.first[block] = first;
  }

  /** Place of the block in use that contains `number`, or would. */
  placeOf(number: number): number {
    let low = 0;
    let high = this.live - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.firstAt(middle, number) <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Whether `block` was erased, and is known not to have been touched since. */
  isReady(block: number): boolean {
    return this.ready[block] !== 0;
  }

  setReady(block: number): void {
    this.ready[block] = 1;
  }

  /** Something may have been programmed in `block`. */
  touch(block: number): void {
    this.ready[block] = 0;
  }

  /** While mounting: `block` is at `place`. Every block gets one place. */
  setPlace(place: number, block: number): void {
    this.order[place] = block;
  }

  /** While mounting, after the last `setPlace`: the first `live` places are of blocks in use. */
  setLive(live: number): void {
    this.changes++;
    this.live = live;
  }

  /** Moves the spare at `place` to the end of the blocks in use. */
  use(place: number, first: number): void {
    this.changes++;
    const block = this.order[place];
    this.order.copyWithin(this.live + 1, this.live, place);
    this.order[this.live++] = block;
    this.first[block] = first;
    this.ready[block] = 0;
  }

  /** Moves the block in use at `place` to the end of the spares. */
  free(place: number): void {
    this.changes++;
    const block = this.order[place];
    this.order.copyWithin(place, place + 1);
    this.order[this.count - 1] = block;
    this.live--;
    this.ready[block] = 0;
  }

  /** Moves the spare at `place` to the end of the spares, so that others are tried first. */
  postpone(place: number): void {
    this.changes++;
    const block = this.order[place];
    this.order.copyWithin(place, place + 1);
    this.order[this.count - 1] = block;
  }
}
