/*
 * Measures how long a sleeper is awake, and its radio on: checks a limit for each start, and collects the distribution.
 */
const SECOND = 1000;
const DAY = 86_400 * SECOND;
/** Limits are by the slow clock; the true time may be longer by this factor. */
const SLOW = 1.06;
/** Limit for a start that measures and, if due, reports: 20 s of radio, and then a sample that is due soon. */
const MAX_WORK_MS = 24 * SECOND;

export interface AwakeTimes {
  /** Radio time of each report by the timer, milliseconds. */
  readonly reportsMs: number[];
  /** Time awake of each device and day, milliseconds. */
  readonly daysMs: number[];
  /** Starts by the timer that took a sample and did not report: short ones, and those that started the whole thermometer. */
  readonly lightStarts: number;
  readonly wholeStarts: number;
}

/**
 * Allowed number of full starts: a block is full, or a value is too far from the sample that short records refer to. And one for each boot:
 * short records refer to a sample of the same boot, and a device that loses its memory as often as it samples has none.
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
  /** A person may be present: the start is after power-on, or the button. */
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

  /** Error text if too many starts were full ones; undefined: all is well. */
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
