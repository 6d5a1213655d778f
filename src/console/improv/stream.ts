/*
 * Improv beside the prompt: sorts incoming bytes, and ends the wait for the rest of a frame. A capital I is held back for a
 * moment, because a frame begins with it; nothing else at the prompt is delayed.
 */
import type { ImprovPort } from "../host/host.js";
import { type Listener, Silence, type SilenceOwner } from "../port/silence.js";
import { type FrameEvents, FrameReader } from "./frames.js";
import { Improv, type ImprovOwner } from "./improv.js";

/** Milliseconds of silence after which held bytes count as typed: longer than a USB bridge's pauses within a packet, too short to be noticed. */
const HEADER_MS = 60;
/** Silence that ends half a frame, or a damaged one. */
const FRAME_MS = 500;

/** What the stream needs of its owner. */
export interface ImprovStreamOwner extends ImprovOwner, SilenceOwner {
  /** A byte that does not belong to Improv. */
  onByte(byte: number): void;
}

/** Sorts bytes between the prompt and Improv. */
export class ImprovStream implements FrameEvents, Listener {
  private readonly owner: ImprovStreamOwner;
  private readonly port: ImprovPort;
  private readonly reader = new FrameReader(this);
  private _improv: Improv | undefined; // since the first frame
  private readonly silence: Silence;

  constructor(owner: ImprovStreamOwner, port: ImprovPort) {
    this.owner = owner;
    this.port = port;
    this.silence = new Silence(owner, this);
  }

  feed(byte: number): void {
    this.reader.feed(byte);
    this.silence.broken();
  }

  get patienceMs(): number {
    const awaits = this.reader.awaits;
    switch (awaits) {
      case "nothing":
        return 0;
      case "header":
        return HEADER_MS;
      case "frame":
        return FRAME_MS;
      default:
        throw new TypeError(`awaits: ${awaits satisfies never}`);
    }
  }

  expire(): void {
    this.reader.expire();
  }

  close(): void {
    this.silence.close();
    this._improv?.close();
  }

  onByte(byte: number): void {
    this.owner.onByte(byte);
  }

  onFrame(type: number, data: Uint8Array, length: number): void {
    this.improv.receive(type, data, length);
  }

  onDamage(): void {
    this.improv.receiveDamage();
  }

  private get improv(): Improv {
    this._improv ??= new Improv(this.owner, this.port);
    return this._improv;
  }
}
