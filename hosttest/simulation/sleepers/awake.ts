/*
 * How long a sleeper is awake, and its radio on: of each start the limit, of all of them the distribution.
 */
const SECOND = 1000;
const DAY = 86_400 * SECOND;
/** By the slow clock; true time is up to so much more. */
const SLOW = 1.06;
/** Longer than a start takes that measures and, if it is due, reports: 20 s of radio, then a sample that is near. */
const MAX_WORK_MS = 24 * SECOND;

export interface AwakeTimes {
  /** Of each report by the timer, milliseconds of radio. */
  readonly reportsMs: number[];
  /** Of each day of a device, milliseconds. */
  readonly daysMs: number[];
}

export class Awake implements AwakeTimes {
  readonly reportsMs: number[] = [];
  readonly daysMs: number[] = [];
  private readonly promptMs: number;
  private readonly onTooLong: (text: string) => void;
  /** Somebody may be there: the start is after power-on, or the button. */
  isPrompt = false;
  private dayMs = 0;
  private day = 0;
  private sinceMs = 0;
  private radioMs = -1;

  /** `promptS`: as the setting `awake`. */
  constructor(promptS: number, onTooLong: (text: string) => void) {
    this.promptMs = promptS * SECOND;
    this.onTooLong = onTooLong;
  }

  begin(nowMs: number): void {
    this.sinceMs = nowMs;
    this.radioMs = -1;
  }

  radioOn(nowMs: number): void {
    if (this.radioMs < 0) this.radioMs = nowMs;
  }

  /** It sleeps, or its power is gone. */
  end(nowMs: number, how: "asleep" | "cut"): void {
    const awakeMs = nowMs - this.sinceMs;
    const day = Math.floor(nowMs / DAY);
    for (; this.day < day; this.day++) {
      this.daysMs.push(this.dayMs);
      this.dayMs = 0;
    }
    this.dayMs += awakeMs;
    const { isPrompt } = this;
    const limitMs = (MAX_WORK_MS + (isPrompt ? this.promptMs : 0)) * SLOW;
    if (awakeMs > limitMs) this.onTooLong(`awake for ${awakeMs} ms, at most ${Math.round(limitMs)}`);
    if (how === "asleep" && !isPrompt && this.radioMs >= 0) this.reportsMs.push(nowMs - this.radioMs);
  }
}
