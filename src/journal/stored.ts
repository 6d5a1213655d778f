/*
 * A sample that was read from flash, the same for all kinds of records. Its users have one object each, and decode every
 * record into it.
 */
import { channels } from "../channels/channels.js";
import { toMilli } from "../channels/rounding.js";
import type { Sample } from "../channels/sample.js";

/** Digits after the second's point in a time that is shown. */
export type SecondDigits = 0 | 3;

/** One sample as it was decoded. Times in milliseconds. */
export class StoredSample {
  /** The base with the properties that its samples share: boot, room, digits, channels; undefined: the record refers to no base. */
  base: object | undefined;
  /** What decides its topic and its clock: boot (16 bits), room (8), and, if `isSingle`, the channel (3). */
  origin = 0;
  /** Milliseconds from that boot to the sample. */
  uptimeMs = 0;
  /** 3 (milliseconds) if another sample is taken close to it, otherwise 0 (whole seconds). */
  secondDigits: SecondDigits = 0;
  /** True: one channel of a sample, under its own topic (`topics` = `each`). */
  isSingle = false;
  /** Bit n is set: channel n of the table has a value. */
  mask = 0;
  /** By channel: thousandths of its unit, a whole multiple of the last digit shown. */
  readonly milli: number[] = channels.map(() => 0);
  /** By channel: digits after the point to be shown, 0 to 3. */
  readonly decimals: number[] = channels.map(() => 0);

  /** Number of the boot it was taken in, modulo 65,536. */
  get boot(): number {
    return this.origin & 0xffff;
  }

  /** Number of the room it was taken in, modulo 256. */
  get room(): number {
    return (this.origin >> 16) & 0xff;
  }

  /** Boot and room together. */
  get originOfAll(): number {
    return this.origin & 0xff_ffff;
  }

  /** For a sample with all its channels. A single channel is added to `origin` by the caller. */
  setOrigin(boot: number, room: number): void {
    this.origin = boot | (room << 16);
  }

  /** Takes over the channels in `mask` of a sample that does not come out of flash. */
  take({ values, decimals }: Sample, mask: number): void {
    this.base = undefined;
    this.mask = mask;
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const channel = firstChannel(rest);
      this.decimals[channel] = decimals[channel];
      this.milli[channel] = toMilli(values[channel], decimals[channel]);
    }
  }
}

/** Place in the table of the first channel in a mask that is not 0. */
export function firstChannel(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}
