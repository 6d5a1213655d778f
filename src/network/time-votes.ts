/*
 * Which time to accept: each address has one vote, its latest answer. Several names may lead to one server, which must not
 * confirm itself, and one name to several. Pure: no I/O, no clock. All times are "milliseconds since 1970 at uptime 0", which
 * stays the same while the clock runs.
 */

/** How far two answers may differ and still agree, in milliseconds. */
export const AGREE_MS = 2_000;
/** A crystal's error: milliseconds of drift a millisecond. */
const DRIFT = 1 / 10_000;
/** How far a first answer may be ahead of the latest known time before more servers have to confirm it. */
const PLAUSIBLE_MS = 2 * 365 * 86_400_000;

/** A repeated answer from an address counts once more only if it comes this much later: by then its name may lead to another server. */
const REPEAT_MS = 10_000;
/** Addresses remembered: the names of a pool lead to new ones again and again. */
const MAX_VOTES = 8;

/** What is known before a server is asked. */
export interface Known {
  /** What the clock was set to in this boot, and how long ago. */
  readonly bootMs?: number;
  readonly ageMs: number;
  /** A time that is past, in milliseconds since 1970: when this firmware was made, or the latest that flash knows. */
  readonly pastMs: number;
}

/**
 * Number of answers that must agree on `bootMs`. One for a clock that has only drifted, two to set it or to move it further;
 * three if the answer is earlier than a time that is past, or years later.
 */
export function votesNeeded(bootMs: number, uptimeMs: number, known: Known): number {
  if (known.bootMs !== undefined && Math.abs(bootMs - known.bootMs) <= AGREE_MS + known.ageMs * DRIFT) return 1;
  const utcMs = bootMs + uptimeMs;
  return utcMs >= known.pastMs && utcMs < known.pastMs + PLAUSIBLE_MS ? 2 : 3;
}

/** When the clock of a boot, which continues after a sleep, was set, and to what. Both 0: it was not set yet. */
export interface LastSet {
  /** Milliseconds since 1970. */
  readonly syncUtcMs: number;
  /** In uptime, which continues in sleep. */
  readonly syncUptimeMs: number;
}

/**
 * More than the clock drifts in sleep: milliseconds of drift a millisecond. The same as SLOW_CLOCK.maxDrift in journal/dating.ts, so
 * that what is accepted here as drift is dated as drift there.
 */
export const SLEEP_DRIFT = 1 / 10;

/** Whether a clock that was set before a sleep can have drifted to `bootMs`. */
export function isWithinDrift(bootMs: number, uptimeMs: number, { syncUtcMs, syncUptimeMs }: LastSet): boolean {
  return Math.abs(bootMs + syncUptimeMs - syncUtcMs) <= AGREE_MS + (uptimeMs - syncUptimeMs) * SLEEP_DRIFT;
}

/** Answers that agree, and were too few to set the clock before a sleep. */
export interface EarlierAnswers {
  /** The latest one, in milliseconds since 1970, and the uptime at which it came. */
  readonly utcMs: number;
  readonly uptimeMs: number;
  readonly count: number;
}

/** How many of the answers from before a sleep agree with one that comes at this uptime. It may be the same server's. */
function countAgreeing(bootMs: number, nowMs: number, { utcMs, uptimeMs, count }: EarlierAnswers): number {
  const isLater = nowMs - uptimeMs >= REPEAT_MS;
  return isLater && isWithinDrift(bootMs, nowMs, { syncUtcMs: utcMs, syncUptimeMs: uptimeMs }) ? count : 0;
}

interface Vote {
  readonly address: string;
  readonly bootMs: number;
  /** Number of such answers. */
  times: number;
  /** In uptime: when the last counted one came. */
  countedMs: number;
}

/** The latest answer of each address, and which of them agree. */
export class TimeVotes {
  private votes: Vote[] = [];

  /**
   * A server has answered, at this uptime. If it gave the same answer before, its vote may count once more, because there may
   * be no other server to ask.
   */
  add(address: string, bootMs: number, uptimeMs: number): void {
    const before = this.votes.find((vote) => vote.address === address);
    const now: Vote = { address, bootMs, times: 1, countedMs: uptimeMs };
    if (before !== undefined && agree(before.bootMs, bootMs)) {
      const isCounted = uptimeMs - before.countedMs >= REPEAT_MS;
      now.times = isCounted ? before.times + 1 : before.times;
      now.countedMs = isCounted ? uptimeMs : before.countedMs;
    }
    this.votes = [...this.votes.filter((vote) => vote !== before), now].slice(-MAX_VOTES);
  }

  /** Whether `needed` answers agree on `bootMs`, from more addresses than contradict it. `earlier`: from before a sleep. */
  carry(bootMs: number, needed: number, nowMs: number, earlier?: EarlierAnswers): boolean {
    let answers = earlier === undefined ? 0 : countAgreeing(bootMs, nowMs, earlier);
    let surplus = 0;
    this.votes.forEach((vote) => {
      const isFor = agree(vote.bootMs, bootMs);
      if (isFor) answers += vote.times;
      surplus += isFor ? 1 : -1;
    });
    return answers >= needed && surplus > 0;
  }

  /** Whether an address contradicts the first one. */
  get disagree(): boolean {
    return this.votes.some(({ bootMs }) => !agree(bootMs, this.votes[0].bootMs));
  }

  /** The latest answer, if no address contradicts the first one. */
  get unanimous(): number | undefined {
    return this.disagree ? undefined : this.votes.at(-1)?.bootMs;
  }

  /** The answers for the time after a sleep, `earlier` among them; undefined: there is none, or they contradict each other. */
  toKeep(earlier: EarlierAnswers | undefined): EarlierAnswers | undefined {
    const latest = this.votes.at(-1);
    if (latest === undefined) return earlier;
    if (this.disagree) return undefined;
    const { bootMs, countedMs } = latest;
    const before = earlier === undefined ? 0 : countAgreeing(bootMs, countedMs, earlier);
    const count = this.votes.reduce((sum, { times }) => sum + times, before);
    return { utcMs: bootMs + countedMs, uptimeMs: countedMs, count };
  }

  clear(): void {
    this.votes = [];
  }
}

function agree(a: number, b: number): boolean {
  return Math.abs(a - b) <= AGREE_MS;
}
