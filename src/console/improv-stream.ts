/*
 * Improv beside the prompt: sorts the bytes that come in, and knows when to stop waiting for the rest of a frame.
 * A capital I is held back for a moment, because a frame begins with it; nothing else at the prompt is ever late.
 */
import type { ImprovPort } from "./host.js";
import { Improv, type ImprovOwner } from "./improv.js";
import { type FrameEvents, FrameReader } from "./improv-frames.js";
import type { TimerId } from "./serial.js";

/** Silence after which held bytes were typed: longer than a USB bridge splits a packet, shorter than anybody notices. */
const HEADER_MS = 60;
/** Silence after which half a frame is given up, and a damaged one is over. */
const FRAME_MS = 500;

/** Whose stream it is. */
export interface ImprovStreamOwner extends ImprovOwner {
  /** A byte that is not Improv's. */
  onByte(byte: number): void;
  /** More has come and was not fed yet: the port is not silent. */
  bytesWait(): boolean;
  /** Runs what a timer has to do, and looks after the prompt then. */
  turn(action: () => void): void;
}

export class ImprovStream implements FrameEvents {
  private readonly owner: ImprovStreamOwner;
  private readonly port: ImprovPort;
  private readonly reader = new FrameReader(this);
  private _improv: Improv | undefined; // since the first frame
  private timer: TimerId | undefined;
  private bytes = 0; // since the timer was set

  constructor(owner: ImprovStreamOwner, port: ImprovPort) {
    this.owner = owner;
    this.port = port;
  }

  feed(byte: number): void {
    this.bytes += 1;
    this.reader.feed(byte);
    if (this.timer === undefined) this.watch();
  }

  close(): void {
    if (this.timer !== undefined) this.owner.timers.clear(this.timer);
    this.timer = undefined;
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

  private watch(): void {
    const { awaits } = this.reader;
    if (awaits === "nothing") return;
    this.bytes = 0;
    const late = (): void => this.owner.turn(() => this.late());
    this.timer = this.owner.timers.set(late, awaits === "header" ? HEADER_MS : FRAME_MS);
  }

  /** One timer for the whole of a frame, not one a byte: it is late only if no byte came since it was set. */
  private late(): void {
    this.timer = undefined;
    if (this.bytes === 0 && !this.owner.bytesWait()) this.reader.expire();
    else this.watch();
  }
}
