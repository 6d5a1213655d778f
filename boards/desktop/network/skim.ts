/*
 * A TCP stream from a broker with messages of any length (MQTT allows 256 MB): those too long to be shown are
 * skipped as they arrive, and never held in memory. Only for a subscriber at QoS 0, which need not acknowledge them.
 * Source: MQTT 3.1.1, section 2.2 (fixed header) and 3.3 (PUBLISH).
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Dial } from "./dial.js";

/** The longest packet that is passed on, in bytes after the fixed header. */
export const MAX_SHOWN_BYTES = 65_536;
/** Bytes kept of the topic of a skipped message. */
const MAX_TOPIC_BYTES = 1_024;
const PUBLISH = 3;
const MAX_LENGTH_BYTES = 4;

/** Called for a skipped PUBLISH. `bytes`: its remaining length, topic included. */
export type OnSkipped = (topic: string, bytes: number) => void;

/** Filters a byte stream from a broker, in pieces: removes PUBLISH packets that are too long. */
export class Skimmer {
  readonly #onSkipped: OnSkipped;
  #header: number[] = []; // of the packet that begins
  #rest = 0; // bytes of the packet that are still to come
  #bytes = 0; // all of it
  #topic: number[] | undefined; // of a skipped packet: its bytes so far, length first

  constructor(onSkipped: OnSkipped) {
    this.#onSkipped = onSkipped;
  }

  /** The parts of `chunk` to pass on, in order. */
  take(chunk: Uint8Array): Uint8Array[] {
    const passed: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#rest === 0) {
        const header = this.#headerEnds(chunk[at++]);
        if (header !== undefined) passed.push(header);
        continue;
      }
      const piece = chunk.subarray(at, at + this.#rest);
      at += piece.length;
      this.#rest -= piece.length;
      if (this.#topic === undefined) passed.push(piece);
      else this.#passOver(piece, this.#topic);
    }
    return passed;
  }

  /** Takes a byte of a fixed header. Returns the header when its packet must be passed on. */
  #headerEnds(byte: number): Uint8Array | undefined {
    this.#header.push(byte);
    const header = this.#header;
    const lengthBytes = header.length - 1;
    if (lengthBytes === 0) return undefined;
    const goesOn = (byte & 0x80) !== 0;
    if (goesOn && lengthBytes < MAX_LENGTH_BYTES) return undefined;
    this.#header = [];
    this.#rest = header.slice(1).reduce((sum, seven, at) => sum + (seven & 0x7f) * 128 ** at, 0);
    if (goesOn) this.#rest = Number.POSITIVE_INFINITY; // an invalid length: the reader should see it
    const isTooLong = !goesOn && header[0] >> 4 === PUBLISH && this.#rest > MAX_SHOWN_BYTES;
    this.#topic = isTooLong ? [] : undefined;
    this.#bytes = this.#rest;
    return isTooLong ? undefined : Uint8Array.from(header);
  }

  #passOver(piece: Uint8Array, topic: number[]): void {
    for (const byte of piece.subarray(0, 2 + MAX_TOPIC_BYTES - topic.length)) topic.push(byte);
    if (this.#rest > 0) return;
    const length = (topic[0] << 8) | topic[1];
    this.#onSkipped(Buffer.from(topic.slice(2, 2 + length)).toString("utf8"), this.#bytes);
  }
}

/** A connection whose reader gets the filtered stream. */
export function skimmed(dial: Dial, onSkipped: OnSkipped): Duplex {
  return new SkimmedSocket(dial, new Skimmer(onSkipped));
}

class SkimmedSocket extends Duplex {
  readonly #socket: Socket;

  #isOpen = false;
  /** Writes that wait until the connection is open. */
  #waiting: (() => void) | undefined;

  constructor({ socket, whenOpen }: Dial, skimmer: Skimmer) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    whenOpen(() => {
      this.#isOpen = true;
      this.#waiting?.();
    });
    socket.on("data", (chunk) => {
      for (const piece of skimmer.take(chunk)) if (!this.push(piece)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    const write = (): void => void this.#socket.write(chunk, done);
    if (this.#isOpen) write();
    else this.#waiting = write;
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
