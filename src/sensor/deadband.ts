/*
 * The deadband: a sample is passed on if one of its channels has left the band around the value last passed on, or after the
 * silence of a heartbeat. Differences are measured from that value, so a slow drift is passed on, too. A channel without a band
 * does not count, unless it appears or disappears; if no channel of the sample has a band, it passes. Pure: no clock, no
 * allocation; the caller supplies the time.
 */
import { channels } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";

/** Decides which samples are passed on. */
export class Deadband {
  private readonly bands: readonly number[];
  private readonly heartbeatMs: number;
  /** The channels and values last passed on. */
  private mask = 0;
  private readonly last: number[] = channels.map(() => Number.NaN);
  private lastMs = 0;

  /**
   * @param bands by channel, in its unit: half the width of the band; 0 or absent: none
   * @param heartbeatMs longest time without a sample that passes, in milliseconds; 0: no limit
   * @throws RangeError
   */
  constructor(bands: readonly number[], heartbeatMs: number) {
    bands.forEach((band, channel) => {
      if (!(band >= 0)) throw new RangeError(`deadband ${band}: expected 0 or more ${channels[channel].unit}`);
    });
    if (!(heartbeatMs >= 0)) throw new RangeError(`heartbeat ${heartbeatMs}: expected 0 or more ms`);
    this.bands = bands;
    this.heartbeatMs = heartbeatMs;
  }

  /** Whether a sample taken at `nowMs` (by any steady clock) is to be passed on. */
  passes(sample: Sample, nowMs: number): boolean {
    const isSilent = this.heartbeatMs === 0 || nowMs - this.lastMs < this.heartbeatMs;
    if (isSilent && this.isWithin(sample)) return false;
    this.note(sample, nowMs);
    return true;
  }

  /** The sample was passed on regardless of the deadband. */
  note({ mask, values }: Sample, nowMs: number): void {
    this.mask = mask;
    for (let channel = 0; channel < values.length; channel++) this.last[channel] = values[channel];
    this.lastMs = nowMs;
  }

  private isWithin({ mask, values }: Sample): boolean {
    const bands = this.bands;
    const last = this.last;
    if (mask !== this.mask) return false;
    let hasBand = false;
    for (let channel = 0; channel < bands.length; channel++) {
      const band = bands[channel];
      if (band === 0 || (mask & (1 << channel)) === 0) continue;
      if (Math.abs(values[channel] - last[channel]) >= band) return false;
      hasBand = true;
    }
    return hasBand;
  }
}
