/*
 * Takes one image: writes its blocks into the slot that does not run, reads them back, and selects it. Made when there is an update, and
 * gone with it. Everything is sliced: one block, or one page of the verification, in one turn, so that samples and acknowledgements go on.
 * A chunk is a block of flash (the last one may be shorter). It is written as it streams in; one that was interrupted comes again, and
 * its block is erased first. Pure: no topics, no clock but the one it is given.
 *
 *   chunk:  0 id of the offer (4, as its digits say), 4 offset in the image (4, little-endian), 8- bytes
 */
import { toHex } from "../common/ascii.js";
import { messageOf } from "../common/message-of.js";
import { SHA256 } from "../common/sha256.js";
import type { Timers } from "../common/timers.js";
import type { SlotFlash, Slots, UpdateOptions } from "./io.js";
import { isGenuine } from "./offer.js";
import { type UpdateRecord, type UpdateStore, writeRecord } from "./record.js";

/** Bytes before the image's own in a chunk. */
export const CHUNK_HEAD = 8;
/** Without a chunk for so long, the device does not stay awake for the next one. */
export const CHUNK_PATIENCE_MS = 60_000;
/** After a boot in the midst of it: for so long. */
const RESUME_PATIENCE_MS = 30_000;
/** Bytes that are programmed, or verified, in one go. */
const PAGE = 1024;
/** The record is written anew after so many blocks: a power cut costs no more than these. */
const BLOCKS_PER_RECORD = 16;
/** What is programmed at once is whole units, where flash is encrypted. */
const UNIT = 16;
/** A chip that does not start what it has taken is not asked for ever. */
const MAX_TRIES = 3;

/** What the writing of an image asks of the device. */
export interface UpdaterOwner {
  readonly slots: Slots;
  readonly store: UpdateStore;
  readonly timers: Timers;
  readonly update: UpdateOptions;
  uptimeMs(): number;
  /** What is wrong with the sensor; "": nothing. */
  sensorTrouble(): string;
  /** There is news of `record`. */
  onProgress(): void;
  /** The other image is selected: restarts in order. */
  onSelected(): void;
}

/** Writes one image, verifies it, and switches to it. */
export class Updater {
  readonly record: UpdateRecord;
  private readonly owner: UpdaterOwner;
  private readonly flash: SlotFlash;
  private readonly blockLength: number;
  private readonly page = new Uint8Array(PAGE);
  private hash: SHA256 | undefined;
  /** Bytes written, or verified. */
  private _at: number;
  /** Bytes that earlier lives had written. */
  private readonly beganAt: number;
  /** The chunk that comes in: bytes of its head so far, and whether it is the one that is wanted. */
  private headCount = 0;
  private readonly head = new Uint8Array(CHUNK_HEAD);
  private isWanted = false;
  /** Bytes of it written; bytes that wait in the page. */
  private written = 0;
  private paged = 0;
  /** The block that was erased for the next chunk; -1: none. */
  private erased = -1;
  private lastChunkMs: number;
  private timer: object | number | undefined;

  /** Goes on where `record` says. @throws what opening the slot throws */
  constructor(owner: UpdaterOwner, record: UpdateRecord) {
    this.owner = owner;
    this.record = record;
    this.flash = owner.slots.open();
    this.blockLength = this.flash.status().blockLength;
    this._at = record.phase === "receiving" ? record.at : 0;
    this.beganAt = this._at;
    this.lastChunkMs = owner.uptimeMs() - CHUNK_PATIENCE_MS + RESUME_PATIENCE_MS;
  }

  /** Bytes written. */
  get at(): number {
    return this.record.phase === "receiving" ? this._at : this.record.offer.size;
  }

  /** The device is to stay awake. */
  get isBusy(): boolean {
    switch (this.record.phase) {
      case "receiving":
        return this.owner.uptimeMs() - this.lastChunkMs < CHUNK_PATIENCE_MS;
      case "verifying":
      case "switching":
        return true;
      default:
        return false;
    }
  }

  /** Starts, or goes on after a boot. */
  begin(): void {
    this.attempt(() => {
      const { record, owner } = this;
      if (record.phase === "receiving") {
        if (this._at === 0) {
          this.lastChunkMs = owner.uptimeMs();
          writeRecord(owner.store, record);
          owner.slots.forget();
        }
        this.soon(this.eraseAhead);
      } else this.verify();
    });
  }

  /** The same image is announced again. */
  adopt(id: string): void {
    this.record.offer = { ...this.record.offer, id };
    this.record.quiet = 0;
    this.lastChunkMs = this.owner.uptimeMs();
    this.attempt(() => this.keep());
  }

  /** A piece of a message with a chunk. */
  piece(payload: Uint8Array, offsetBytes: number, totalBytes: number, isLast: boolean): void {
    if (this.record.phase !== "receiving") return;
    if (offsetBytes === 0) this.headCount = 0;
    const had = this.headCount;
    let from = 0;
    while (this.headCount < CHUNK_HEAD && from < payload.length) this.head[this.headCount++] = payload[from++];
    if (this.headCount < CHUNK_HEAD) return;
    this.attempt(() => {
      if (had < CHUNK_HEAD) this.open(totalBytes - CHUNK_HEAD);
      if (!this.isWanted) {
        if (isLast) this.owner.onProgress(); // says what is wanted
        return;
      }
      this.take(payload, from);
      if (isLast) this.endChunk();
    });
  }

  /** Before a sleep: what is written is not asked for again. */
  pause(): void {
    const { record } = this;
    if (record.phase !== "receiving") return;
    record.quiet = this._at > this.beganAt ? 0 : record.quiet + 1;
    this.attempt(() => this.keep());
  }

  /** Ends without success. */
  fail(why: string): void {
    const { record, owner } = this;
    this.close();
    record.phase = "failed";
    record.why = why;
    try {
      writeRecord(owner.store, record);
    } catch {
      // The next boot goes on with what is there, and fails, or does not.
    }
    owner.onProgress();
  }

  /** Lets go of flash and timer. */
  close(): void {
    if (this.timer !== undefined) this.owner.timers.clear(this.timer);
    this.timer = undefined;
    this.flash.close();
  }

  /** The chunk's head is there. */
  private open(length: number): void {
    const { head, record, blockLength } = this;
    const { id, size } = record.offer;
    const at = new DataView(head.buffer).getUint32(4, true);
    this.isWanted = toHex(head.subarray(0, 4)) === id && at === this._at && length === Math.min(blockLength, size - at);
    if (!this.isWanted) return;
    this.lastChunkMs = this.owner.uptimeMs();
    this.written = this.paged = 0;
    if (this.erased * blockLength !== at) this.flash.eraseBlock(at / blockLength);
    this.erased = -1;
  }

  private take(payload: Uint8Array, from: number): void {
    const { page } = this;
    while (from < payload.length) {
      const count = Math.min(PAGE - this.paged, payload.length - from);
      page.set(payload.subarray(from, from + count), this.paged);
      this.paged += count;
      from += count;
      if (this.paged === PAGE) this.program();
    }
  }

  private program(): void {
    const { page, paged } = this;
    const end = Math.ceil(paged / UNIT) * UNIT;
    page.fill(0xff, paged, end);
    this.flash.write(page.subarray(0, end), this._at + this.written);
    this.written += paged;
    this.paged = 0;
  }

  private endChunk(): void {
    const { record, blockLength } = this;
    if (this.paged > 0) this.program();
    this.isWanted = false;
    this._at += this.written;
    if (this._at === record.offer.size) {
      record.phase = "verifying";
      this.keep();
      this.verify();
      return;
    }
    if ((this._at / blockLength) % BLOCKS_PER_RECORD === 0) this.keep();
    this.soon(this.eraseAhead);
    this.owner.onProgress();
  }

  private readonly eraseAhead = (): void => {
    const block = this._at / this.blockLength;
    // Not one that a chunk is being written to.
    if (this.isWanted || this.erased === block) return;
    this.flash.eraseBlock(block);
    this.erased = block;
  };

  private keep(): void {
    this.record.at = this._at;
    writeRecord(this.owner.store, this.record);
  }

  /** From the first byte. */
  private verify(): void {
    this.record.phase = "verifying";
    this._at = 0;
    this.hash = new SHA256();
    this.owner.onProgress();
    this.soon(this.verifyPage);
  }

  private readonly verifyPage = (): void => {
    const { record, page, flash } = this;
    const hash = this.hash as SHA256;
    const count = Math.min(PAGE, record.offer.size - this._at);
    if (count > 0) {
      // Whole units are read, where flash is encrypted.
      flash.read(page.subarray(0, Math.ceil(count / UNIT) * UNIT), this._at);
      hash.write(page.subarray(0, count));
      this._at += count;
      this.soon(this.verifyPage);
      return;
    }
    this.hash = undefined;
    if (toHex(hash.digest()) !== record.offer.sha256) this.fail("what was written is not what was announced");
    else if (!isGenuine(record.offer, this.owner.update)) this.fail("wrong signature");
    else this.select();
  };

  private select(): void {
    const { record, owner } = this;
    if (++record.tries > MAX_TRIES) {
      this.fail("the chip does not start it");
      return;
    }
    record.phase = "switching";
    record.sensor = owner.sensorTrouble();
    writeRecord(owner.store, record);
    owner.slots.select();
    this.close();
    owner.onProgress();
    owner.onSelected();
  }

  private soon(work: () => void): void {
    const { timers } = this.owner;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer = timers.set(() => {
      this.timer = undefined;
      this.attempt(work);
    }, 0);
  }

  /** What flash and store throw ends the update, and nothing else. */
  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(messageOf(error));
    }
  }
}
