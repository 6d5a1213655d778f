/*
 * Which entries the server may have without our knowing: those that were in flight when a connection ended, until they are
 * answered or the session is lost. They are sent with DUP 1, and are possible doubles if the session is lost. A list, and not
 * the highest number, because entries are sent out of order while some are held back. In RAM: a window of them for each
 * connection that ended, until they are answered. Pure.
 * Source: MQTT 3.1.1 and 5, §3.3.1.1, §4.3, §4.4.
 */

const NONE: readonly number[] = Object.freeze([]);

/** Entries that were sent on earlier connections of this session and not answered. Numbers are the store's. */
export class Sent {
  /** One above the highest: entries from here on were not sent before. */
  end = 0;
  /** Not sent again on this connection yet. */
  private due = NONE;
  /** Sent again on this connection; perhaps answered meanwhile. */
  private again = NONE;
  /** Counted as possible doubles, and not known to be settled: each counts once, however often it is sent. */
  private counted = NONE;

  /** Whether it is sent again, or was on this connection. */
  has(sequence: number): boolean {
    return this.due.includes(sequence) || this.again.includes(sequence);
  }

  /** Whether there are any. */
  get isAny(): boolean {
    return this.due.length > 0 || this.again.length > 0;
  }

  /** Whether an entry with this packet id waits to be sent again. */
  isDue(id: number): boolean {
    return this.due.some((sequence) => 1 + (sequence % 61_440) === id);
  }

  /** It may have been sent before the reboot. */
  add(sequence: number): void {
    if (!this.has(sequence)) this.due = this.due.concat(sequence);
    this.end = Math.max(this.end, sequence + 1);
  }

  /** It is in flight again. */
  sentAgain(sequence: number): void {
    this.due = without(this.due, sequence);
    this.again = this.again.concat(sequence);
  }

  /** It is refused by a reason code, so that the next PUBLISH is a new one (MQTT 5 §4.4), or settled without an answer. */
  forget(sequence: number): void {
    this.due = without(this.due, sequence);
    this.again = without(this.again, sequence);
  }

  /** The connection has ended with these in flight. */
  close(inFlight: readonly number[]): void {
    this.again = NONE;
    for (let n = 0; n < inFlight.length; n++) this.add(inFlight[n]);
  }

  /** The session is lost: the server has none. */
  lose(): void {
    this.due = this.again = NONE;
    this.end = 0;
  }

  /** Whether it is counted as a possible double already. */
  isCounted(sequence: number): boolean {
    return this.counted.includes(sequence);
  }

  /** These are counted as possible doubles now. */
  count(doubles: readonly number[]): void {
    this.counted = this.counted.concat(doubles);
  }

  /** Entries below this number are settled. Of the others, `sentAgain`, `forget` and `lose` remove what is settled. */
  settledBelow(oldest: number): void {
    this.counted = this.counted.filter((sequence) => sequence >= oldest);
  }
}

function without(list: readonly number[], sequence: number): readonly number[] {
  return list.includes(sequence) ? list.filter((each) => each !== sequence) : list;
}
