/*
 * The numbers of one room's samples: which were seen, which are missing. No I/O.
 * A number that is not above the last one was missing, or is from before the first one seen, or is a double, or belongs to a new count
 * (`factory-reset`, another device): then the sample is newer than all before it.
 */

export type Arrival = "next" | "filled" | "earlier" | "double" | "restarted";

interface Range {
  readonly from: number;
  readonly to: number;
}

export class Sequence {
  /** Numbers between the first and the last one seen that did not arrive. */
  missing = 0;
  doubles = 0;
  restarts = 0;
  /** Numbers that were sent while there was no connection: other subscribers may have received them. */
  unseen = 0;
  private holes: Range[] = [];
  /** The highest number of the current count; undefined: none yet. */
  newest: number | undefined;
  private first = 0;
  private newestMs = Number.NEGATIVE_INFINITY;
  private wasAway = false;

  /** The connection was lost: a gap before the next number is not counted as missing. */
  interrupt(): void {
    this.wasAway = true;
  }

  /** `tsMs`: time of measurement; undefined: not known. */
  take(seq: number, tsMs: number | undefined): Arrival {
    const arrival = this.place(seq, tsMs);
    if (tsMs !== undefined && (arrival === "restarted" || tsMs > this.newestMs)) this.newestMs = tsMs;
    return arrival;
  }

  private place(seq: number, tsMs: number | undefined): Arrival {
    const last = this.newest;
    if (last === undefined) this.first = seq;
    if (last === undefined || seq > last) {
      this.advance(last ?? seq - 1, seq);
      return "next";
    }
    if (this.fill(seq)) return "filled";
    const isOlder = tsMs !== undefined && tsMs <= this.newestMs;
    if (seq < this.first && isOlder) {
      this.skip(seq + 1, this.first - 1);
      this.first = seq;
      return "earlier";
    }
    if (seq >= this.first && (isOlder || tsMs === undefined)) {
      this.doubles += 1;
      return "double";
    }
    this.restarts += 1;
    this.holes = [];
    this.missing = 0;
    this.wasAway = false;
    this.first = this.newest = seq;
    return "restarted";
  }

  private advance(last: number, seq: number): void {
    this.newest = seq;
    if (this.wasAway) this.unseen += seq - last - 1;
    else this.skip(last + 1, seq - 1);
    this.wasAway = false;
  }

  private skip(from: number, to: number): void {
    if (from > to) return;
    this.missing += to - from + 1;
    this.holes.push({ from, to });
  }

  private fill(seq: number): boolean {
    const index = this.holes.findIndex(({ from, to }) => from <= seq && seq <= to);
    if (index < 0) return false;
    const { from, to } = this.holes[index];
    const rest = [
      { from, to: seq - 1 },
      { from: seq + 1, to },
    ];
    this.holes.splice(index, 1, ...rest.filter((hole) => hole.from <= hole.to));
    this.missing -= 1;
    return true;
  }
}
