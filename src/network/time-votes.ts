/*
 * Which time to believe: each server has one vote, its latest answer. Pure: no I/O, no clock.
 * All times are "milliseconds since 1970 at uptime 0", which stays the same while the clock runs.
 */

/** How far two answers may lie apart and still agree, milliseconds: each is right within two seconds at worst. */
export const AGREE_MS = 2_000;
/** A crystal's error: milliseconds of drift a millisecond. */
const DRIFT = 1 / 10_000;
/** How far a first answer may lie ahead of the latest time that is known of before more servers have to confirm it. */
const PLAUSIBLE_MS = 2 * 365 * 86_400_000;

/** What is known before anybody is asked. */
export interface Known {
  /** What the clock was set to in this boot, and how long ago. */
  readonly bootMs?: number;
  readonly ageMs: number;
  /** A time that is over, milliseconds since 1970: when this firmware was made, or the latest that flash knows of. */
  readonly pastMs: number;
}

/**
 * How many answers must agree on `bootMs`. One for a clock that has merely drifted, two to set it or to move it further; three where
 * the answer says that it is earlier than a time that is over, or years later.
 */
export function votesNeeded(bootMs: number, uptimeMs: number, known: Known): number {
  if (known.bootMs !== undefined && Math.abs(bootMs - known.bootMs) <= AGREE_MS + known.ageMs * DRIFT) return 1;
  const utcMs = bootMs + uptimeMs;
  return utcMs >= known.pastMs && utcMs < known.pastMs + PLAUSIBLE_MS ? 2 : 3;
}

export class TimeVotes {
  private readonly votes: ({ readonly bootMs: number; readonly times: number } | undefined)[] = [];

  /** `server` has answered. Where it had already said the same, its vote counts once more: others may not be there to ask. */
  add(server: number, bootMs: number): void {
    const before = this.votes[server];
    const isSame = before !== undefined && agree(before.bootMs, bootMs);
    this.votes[server] = { bootMs, times: isSame ? before.times + 1 : 1 };
  }

  /** Whether `needed` answers agree on `bootMs`, of more servers than say otherwise. */
  carry(bootMs: number, needed: number): boolean {
    let answers = 0;
    let surplus = 0;
    for (const vote of this.votes) {
      if (vote === undefined) continue;
      const isFor = agree(vote.bootMs, bootMs);
      if (isFor) answers += vote.times;
      surplus += isFor ? 1 : -1;
    }
    return answers >= needed && surplus > 0;
  }

  /** Whether any two servers contradict each other. */
  get disagree(): boolean {
    const heard = this.votes.filter((vote) => vote !== undefined);
    return heard.some(({ bootMs }) => !agree(bootMs, heard[0].bootMs));
  }

  clear(): void {
    this.votes.length = 0;
  }
}

function agree(a: number, b: number): boolean {
  return Math.abs(a - b) <= AGREE_MS;
}
