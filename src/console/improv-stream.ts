/*
 * Improv beside the prompt: sorts the bytes that come in, and knows when to stop waiting for the rest of a frame.
 * A capital I is held back for a moment, because a frame begins with it; nothing else at the prompt is ever late.
 */
import type { ConsoleHost, ImprovPort } from "./host.js";
import { Improv } from "./improv.js";
import { FrameReader } from "./improv-frames.js";
import type { TimerId, Timers } from "./serial.js";

/** Silence after which held bytes were typed: longer than a USB bridge splits a packet, shorter than anybody notices. */
const HEADER_MS = 60;
/** Silence after which half a frame is given up, and a damaged one is over. */
const FRAME_MS = 500;

export interface ImprovStreamOptions {
  readonly port: ImprovPort;
  readonly scan: ConsoleHost["scan"];
  readonly timers: Timers;
  /** A byte that is not Improv's. */
  onByte(byte: number): void;
  /** More has come and was not fed yet: the port is not silent. */
  bytesWait(): boolean;
  /** Takes a whole frame to be sent. */
  send(frame: Uint8Array): void;
  /** Runs what a timer has to do, and looks after the prompt then. */
  turn(action: () => void): void;
}

export class ImprovStream {
  private readonly timers: Timers;
  private readonly turn: (action: () => void) => void;
  private readonly bytesWait: () => boolean;
  private readonly improv: Improv;
  private readonly reader: FrameReader;
  private timer: TimerId | undefined;
  private bytes = 0; // since the timer was set

  constructor({ port, scan, timers, onByte, bytesWait, send, turn }: ImprovStreamOptions) {
    this.timers = timers;
    this.turn = turn;
    this.bytesWait = bytesWait;
    this.improv = new Improv({ port, scan, timers, send });
    this.reader = new FrameReader({
      onByte,
      onFrame: (type, data, length) => this.improv.receive(type, data, length),
      onDamage: () => this.improv.receiveDamage(),
    });
  }

  feed(byte: number): void {
    this.bytes += 1;
    this.reader.feed(byte);
    if (this.timer === undefined) this.watch();
  }

  close(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
    this.improv.close();
  }

  private watch(): void {
    const { awaits } = this.reader;
    if (awaits === "nothing") return;
    this.bytes = 0;
    this.timer = this.timers.set(() => this.turn(() => this.late()), awaits === "header" ? HEADER_MS : FRAME_MS);
  }

  /** One timer for the whole of a frame, not one a byte: it is late only if no byte came since it was set. */
  private late(): void {
    this.timer = undefined;
    if (this.bytes === 0 && !this.bytesWait()) this.reader.expire();
    else this.watch();
  }
}
