/*
 * A block being built: records are written behind its head, and its open header, which the log programs last, makes it valid.
 * Programs only. If a record does not read back correctly, building ends.
 */

import { CLEAN_BYTES, HEAD_BYTES, OPEN_BYTES } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { NOWHERE, TAGS } from "./cursor.js";

/** A block being built. */
export class Target {
  readonly seed: number;
  readonly blockEnd: number;
  end: number;
  /** Number of the next entry. */
  number: number;
  readonly notes = new Uint32Array(TAGS);
  /** Entries left out because their state byte marks them as done. */
  settledInPlace = 0;
  /** Entries of the source that were lost to damage. */
  damaged = 0;
  private readonly medium: Medium;
  /** Format version. */
  readonly version: number;

  constructor(medium: Medium, block: number, seed: number, first: number, version: number) {
    this.medium = medium;
    this.version = version;
    this.seed = seed;
    this.number = first;
    this.end = block * medium.blockLength + HEAD_BYTES;
    this.blockEnd = (block + 1) * medium.blockLength;
  }

  /** Its head may be right, and only the check have failed: the next mount must not take the block for the newest. */
  discard(): void {
    const { medium, blockEnd } = this;
    const at = blockEnd - medium.blockLength + CLEAN_BYTES;
    if (medium.unit === 1) medium.programZeros(at, at + OPEN_BYTES);
    else medium.erase(blockEnd / medium.blockLength - 1);
  }

  /** Programs the record in the medium's buffer. Returns its address, or NOWHERE if it does not read back. `state`: of the entry. */
  put(kind: number, length: number, state: number): number {
    const medium = this.medium;
    const address = this.end;
    medium.prepare(kind, length, this.seed, this.version);
    const size = medium.size;
    if (address + size > this.blockEnd) return NOWHERE;
    medium.words[0] = (medium.words[0] & ~0xff) | state;
    this.end = address + size;
    return medium.put(address, this.number) ? address : NOWHERE;
  }
}
