/*
 * The parts of a device that sleeps: the chip with its slow clock and RTC memory, the drift of that clock, and the true time.
 */
import { DeepSleep } from "../../../boards/common/deep-sleep.js";
import type { SleepPort, WakeCause } from "../../../src/power/io.js";
import type { VirtualTime } from "../../support/virtual-time.js";
import type { Random } from "../random.js";
import { trueUtcMs } from "../truth.js";
import { Awake, type AwakeTimes } from "./awake.js";
import { Stretch } from "./stretch.js";
import type { MemoryDamage } from "./troubles.js";

const MAX_DRIFT = 0.05;
const DAY = 86_400_000;
/** A clock that follows the day's temperature: the interval at which its rate changes, and by how much. */
const WANDER_MS = 600_000;
const MAX_SWING = 0.01;
/** From the end of deep sleep to the firmware's first line. */
const WAKE_MS = 60;

/** How the device is set up and drifts; settings as typed. */
export interface SleeperPlan {
  readonly intervalS: number;
  readonly reportMin: number;
  readonly awakeS: number;
  /** "even": the drift changes at each synchronisation, by up to 10 %. "wandering": all the time, by less. */
  readonly drift: "even" | "wandering";
}

export function drawPlan(random: Random, intervalS: number): SleeperPlan {
  const each = random.pick([1, 5, 5, 5, 15, 15]);
  return {
    intervalS: each * intervalS,
    reportMin: random.pick([each > 1 ? 0 : 60, 20, 60, 60, 60, 240]),
    awakeS: random.pick([10, 10, 30, 120]),
    drift: random.pick(["even", "even", "wandering"] as const),
  };
}

export interface SleeperOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly plan: SleeperPlan;
  /** It has gone to sleep. */
  onSleep(): void;
  /** The firmware is to be started. */
  onStart(): void;
  onTooLong(text: string): void;
}

/** Power cuts by the device's state. */
export interface CutsByState {
  asleep: number;
  waking: number;
  measuring: number;
  reporting: number;
}

/** The result, as data. */
export interface SleeperFigures {
  readonly plan: SleeperPlan;
  readonly awake: AwakeTimes;
  readonly cuts: CutsByState;
}

export class Sleeper {
  readonly awake: Awake;
  readonly cuts: CutsByState = { asleep: 0, waking: 0, measuring: 0, reporting: 0 };
  stretch: Stretch;
  state: "off" | "asleep" | "waking" | "measuring" | "reporting" = "off";
  private readonly options: SleeperOptions;
  private readonly random: Random;
  private readonly chip: DeepSleep;
  private readonly base: number;
  private readonly swing: number;
  private cause: WakeCause = "reset";
  private start: object | undefined;
  private boot: Stretch[] = [];
  private before: Stretch | undefined; // up to the last synchronisation, and when that was
  private turn = -1;
  private readonly atRadio: (() => void)[] = [];
  private readonly atSleep: (() => void)[] = [];

  constructor(options: SleeperOptions) {
    const { time, random, plan } = options;
    this.options = options;
    this.random = random.fork();
    this.base = this.drawRate();
    this.swing = this.random.unit() * MAX_SWING;
    this.chip = new DeepSleep({
      timers: time.timers,
      uptimeMs: () => time.nowMs,
      rate: this.base,
      firmware: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      onSleep: () => this.fellAsleep(),
      onWake: (cause) => this.woke(cause),
    });
    this.stretch = new Stretch(trueUtcMs(time.nowMs), this.base, "boot");
    this.awake = new Awake(plan.awakeS, (text) => options.onTooLong(text));
    if (plan.drift === "wandering") this.wander();
  }

  /** For the firmware of one life. `isOn`: it has power; calls after the end of its power do not reach the chip. */
  portFor(isOn: () => boolean): SleepPort {
    return {
      io: class extends this.chip.io {
        override writeMemory(bytes: Uint8Array, at?: number): void {
          if (isOn()) super.writeMemory(bytes, at);
        }
        override sleep(ms: number): void {
          if (isOn()) super.sleep(ms);
        }
      },
    };
  }

  get figures(): SleeperFigures {
    const { awake, cuts } = this;
    const { reportsMs, daysMs, lightStarts, wholeStarts } = awake;
    return { plan: this.options.plan, awake: { reportsMs, daysMs, lightStarts, wholeStarts }, cuts };
  }

  get isPowered(): boolean {
    return this.state !== "off";
  }

  /** The start cause, as the board reports it. */
  get resetCause(): "sleep" | "power" {
    return this.cause === "reset" ? "power" : "sleep";
  }

  /** The firmware starts. */
  started(): void {
    const { nowMs } = this.options.time;
    this.state = "measuring";
    this.awake.begin(nowMs);
    this.awake.isPrompt = this.cause === "button";
    if (this.cause === "reset") this.bootBegins();
  }

  radioOn(): void {
    if (this.state !== "measuring") return;
    this.state = "reporting";
    this.awake.radioOn(this.options.time.nowMs);
    for (const action of this.atRadio.splice(0)) action();
  }

  /** The wall clock is set. `sentEnd`: one above the highest number sent. */
  synchronised(sentEnd: number, isRight: boolean): void {
    const utcMs = trueUtcMs(this.options.time.nowMs);
    this.stretch.synchronise(utcMs, sentEnd, isRight);
    this.before = this.stretch;
    this.turn = this.options.time.turns;
    // A time that no drift explains dates all waiting samples again, even those dated by two correct synchronisations.
    if (!isRight) for (const stretch of this.boot) stretch.clockRight = false;
    if (this.options.plan.drift === "even") this.chip.rate = this.drawRate();
    this.stretch = new Stretch(utcMs, this.chip.rate, "synchronised", isRight);
    this.boot.push(this.stretch);
  }

  /** The power has failed. */
  powerOff(): void {
    const { state } = this;
    if (state !== "off") this.cuts[state]++;
    if (this.turn === this.options.time.turns) this.before?.doubt();
    this.over("cut");
    this.chip.powerOff();
    this.cause = "reset";
    this.state = "off";
  }

  /** A reset that is not a wake-up. */
  reset(): void {
    this.over("cut");
    this.chip.reset();
    this.cause = "reset";
    this.state = "off";
  }

  press(): void {
    if (this.state === "asleep") this.chip.press();
  }

  /** Calls `action` `delayMs` after the radio is switched on in the next start. */
  afterRadio(delayMs: number, action: () => void): void {
    this.atRadio.push(() => this.options.time.timers.set(action, delayMs));
  }

  /** RTC memory loses its content: at once if the device sleeps, else when it falls asleep. */
  damage(how: MemoryDamage): void {
    if (this.state === "asleep") this.damageNow(how);
    else this.atSleep.push(() => this.damageNow(how));
  }

  private damageNow(how: MemoryDamage): void {
    const { memory } = this.chip;
    const { random } = this;
    switch (how) {
      case "lost":
        memory.fill(0);
        break;
      case "noise":
        for (let at = 0; at < memory.length; at++) memory[at] = random.whole(0, 255);
        break;
      case "bit":
        memory[random.whole(0, 255)] ^= 1 << random.whole(0, 7);
        break;
      case "word": {
        const at = 4 * random.whole(0, 63);
        for (let i = 0; i < 4; i++) memory[at + i] = random.whole(0, 255);
        break;
      }
      case "otherFirmware":
        this.chip.firmware = Uint8Array.from({ length: 8 }, () => random.whole(0, 255));
        break;
      default:
        throw new TypeError(`damage: ${how satisfies never}`);
    }
  }

  /** The next boot, by the count in flash, begins here: its uptime is unrelated to the previous one. */
  bootBegins(): void {
    this.stretch = new Stretch(trueUtcMs(this.options.time.nowMs), this.chip.rate, "boot");
    this.boot = [this.stretch];
    this.awake.bootBegins();
  }

  private over(how: "asleep" | "cut"): void {
    const { time } = this.options;
    if (this.start !== undefined) time.timers.clear(this.start);
    this.start = undefined;
    if (this.state === "measuring" || this.state === "reporting") this.awake.end(time.nowMs, how);
  }

  private fellAsleep(): void {
    this.over("asleep");
    this.state = "asleep";
    this.options.onSleep();
    for (const action of this.atSleep.splice(0)) action();
  }

  private woke(cause: WakeCause): void {
    this.cause = cause;
    this.state = "waking";
    this.start = this.options.time.timers.set(() => {
      this.start = undefined;
      this.options.onStart();
    }, WAKE_MS);
  }

  private drawRate(): number {
    return 1 + MAX_DRIFT * (2 * this.random.unit() - 1);
  }

  private readonly wander = (): void => {
    const { time } = this.options;
    const rate = this.base + this.swing * Math.sin((2 * Math.PI * time.nowMs) / DAY);
    this.chip.rate = Math.min(1 + MAX_DRIFT, Math.max(1 - MAX_DRIFT, rate));
    this.stretch.runAt(this.chip.rate);
    time.timers.set(this.wander, WANDER_MS);
  };
}
