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
  /** Starts by the timer that took a sample and did not report: those that only did so, and those that took the whole thermometer. */
  readonly lightStarts: number;
  readonly wholeStarts: number;
}

/**
 * So many may be whole: a block is full, or the room has left what short records deviate from. And one for each boot: short records
 * deviate from a sample of the same boot, and a device that loses its memory as often as it samples has none.
 */
const MAX_WHOLE = { atLeast: 50, share: 1 / 3, ofBoot: 1 };

export class Awake implements AwakeTimes {
  readonly reportsMs: number[] = [];
  readonly daysMs: number[] = [];
  lightStarts = 0;
  wholeStarts = 0;
  private boots = 0;
  private readonly promptMs: number;
  private readonly onTooLong: (text: string) => void;
  /** Somebody may be there: the start is after power-on, or the button. */
  isPrompt = false;
  private dayMs = 0;
  private day = 0;
  private sinceMs = 0;
  private radioMs = -1;
  private sampledBy: "wake" | "thermometer" | undefined;

  /** `promptS`: as the setting `awake`. */
  constructor(promptS: number, onTooLong: (text: string) => void) {
    this.promptMs = promptS * SECOND;
    this.onTooLong = onTooLong;
  }

  begin(nowMs: number): void {
    this.sinceMs = nowMs;
    this.radioMs = -1;
    this.sampledBy = undefined;
  }

  /** Power came, or memory was lost. */
  bootBegins(): void {
    this.isPrompt = true;
    this.boots++;
  }

  radioOn(nowMs: number): void {
    if (this.radioMs < 0) this.radioMs = nowMs;
  }

  /** A sample is in flash. */
  sampled(by: "wake" | "thermometer"): void {
    this.sampledBy = by;
  }

  /** What is wrong with how many starts were whole; undefined: nothing. */
  get waste(): string | undefined {
    const { lightStarts, wholeStarts, boots } = this;
    const { atLeast, share, ofBoot } = MAX_WHOLE;
    const all = lightStarts + wholeStarts;
    return wholeStarts > atLeast + all * share + boots * ofBoot
      ? `${wholeStarts} of ${all} starts for a sample were of the whole thermometer, in ${boots} boots`
      : undefined;
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
    if (how === "cut" || isPrompt) return;
    if (this.radioMs >= 0) this.reportsMs.push(nowMs - this.radioMs);
    else if (this.sampledBy === "wake") this.lightStarts++;
    else if (this.sampledBy === "thermometer") this.wholeStarts++;
  }
}
