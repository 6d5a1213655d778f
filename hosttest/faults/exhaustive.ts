/*
 * Every possible cut on a small ring: a script of calls fills the ring twice, with an empty queue, with a full one, and with a full one
 * whose oldest entries stay in flight. Power is cut at each programmed byte (none, some, all of its bits) and in each erase (every state
 * that it can leave). After each of these cuts, power is cut again in the recovery, at every seventh step, beginning with another step each
 * time. The bits of half-way cells are determined by the case's name.
 */
import { type CutBits, type FlashImage, generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { ERASE_STATES, type EraseState } from "../../boards/parts/flash/nor-flash-erase.js";
import type { Ledger } from "./ledger.js";
import { newTally } from "./life.js";
import type { Outcome } from "./random.js";
import { Rig } from "./rig.js";

/** How the ring is used. */
export const SCENARIOS = ["empty", "full, dropOldest", "full, refuse", "full, in flight"] as const;
/** "": entries of 12 and 30 bytes; "short, ": also short frames between them. */
export const ENTRIES = ["", "short, "] as const;
type Scenario = (typeof SCENARIOS)[number];

const CALLS_A_RUN = 12;
const BITS: readonly CutBits[] = ["none", "some", "all"];
const WRAPS = 2;
const UNCUT = 1_000_000_000;
/** Every seventh step of a recovery is cut, beginning with another step after each first cut: so all steps are cut in turn. */
const RECOVERY_STRIDE = 7;

export interface ExhaustOptions {
  /** Runs only this case, as printed for a violation. */
  readonly only?: string;
  /** 1: every step; n: every nth. */
  readonly stride?: number;
  /** Called often, with the figures so far. */
  onProgress?(outcome: Outcome): void;
}

interface Cut {
  readonly step: number;
  readonly bits: CutBits;
  readonly state?: EraseState;
}

/** A device without power. */
interface Moment {
  readonly image: FlashImage;
  readonly ledger: Ledger;
}

/** Goes through every case on write units of `unit` bytes. */
export function exhaust(unit: 1 | 16, options: ExhaustOptions = {}): Outcome {
  const outcome: Outcome = { writeUnit: unit, ...newTally(), violations: 0 };
  for (const entries of ENTRIES) {
    for (const scenario of SCENARIOS) new Exhaustion(scenario, entries, unit, outcome, options).run();
  }
  return outcome;
}

class Exhaustion {
  readonly #scenario: Scenario;
  readonly #entries: (typeof ENTRIES)[number];
  readonly #unit: 1 | 16;
  readonly #outcome: Outcome;
  readonly #only: string | undefined;
  readonly #onProgress: (outcome: Outcome) => void;
  readonly #stride: number;
  readonly #flash: NorFlash;
  readonly #rig: Rig;
  #random = generator(0);
  #idlesFirst = false;

  constructor(
    scenario: Scenario,
    entries: (typeof ENTRIES)[number],
    unit: 1 | 16,
    outcome: Outcome,
    options: ExhaustOptions,
  ) {
    this.#scenario = scenario;
    this.#entries = entries;
    this.#unit = unit;
    this.#outcome = outcome;
    this.#only = options.only;
    this.#onProgress = options.onProgress ?? (() => {});
    this.#stride = unit * (options.stride ?? 1);
    this.#flash = new NorFlash({
      blocks: unit === 1 ? 3 : 4,
      blockLength: unit === 1 ? 256 : 512,
      writeUnit: unit,
      random: () => this.#random(),
    });
    this.#flash.eraseCost = unit;
    this.#rig = new Rig({
      flash: this.#flash,
      whenFull: scenario === "full, refuse" ? "refuse" : "dropOldest",
      firstSequence: 65_530,
    });
    this.#rig.inFlight = scenario === "full, refuse" || scenario === "full, in flight" ? 2 : 0;
  }

  /** Makes runs of some calls, each from one boot to the next, until all blocks of the ring were used. */
  run(): void {
    let erases = 0;
    for (let run = 0; erases < WRAPS * this.#flash.blocks; run++) {
      const before = this.#moment();
      const erasedBefore = this.#erases();
      this.#rig.ledger = before.ledger.clone();
      const steps = this.#stepsOf(() => this.#calls(run));
      const after = this.#moment();
      erases += this.#erases() - erasedBefore;
      const name = `${this.#entries}${this.#scenario}/${run}`;
      if (this.#isWanted(name)) this.#cutRun(name, run, steps, before);
      this.#goTo(after);
      this.#rig.compare();
    }
    this.#outcome.erases += erases;
    this.#outcome.appended += this.#rig.ledger.appended;
    this.#outcome.dropped += this.#rig.ledger.dropped;
    this.#outcome.refused += this.#rig.refused;
    this.#outcome.returned += this.#rig.ledger.returned;
  }

  /** The script: the calls of a run. */
  #calls(run: number): void {
    const rig = this.#rig;
    for (let i = run * CALLS_A_RUN; i < (run + 1) * CALLS_A_RUN && !this.#flash.isOff; i++) {
      if (i % 23 === 7) rig.note(i);
      else if (i % 31 === 11) rig.requeue();
      else if (i % 37 === 13) rig.skip();
      else if (i % 5 === 3) rig.idle();
      else if (i % 2 === 0) rig.append(this.#lengthOf(i), i % 4 === 0 ? 1 : 2, i);
      else if (this.#scenario === "empty" || i % 11 === 1) this.#acknowledge(i);
    }
  }

  #lengthOf(i: number): number {
    if (i % 7 === 0) return 30;
    return this.#entries === "" || i % 5 === 0 ? 12 : 3;
  }

  #acknowledge(i: number): void {
    this.#rig.acknowledge(i % 3 === 0 ? 1 : 0, i % 9 === 0 ? "release" : "both");
    if (this.#scenario === "empty") this.#rig.acknowledge(1, "both");
  }

  #cutRun(name: string, run: number, steps: number, before: Moment): void {
    this.#each(name, 0, steps, this.#stride, BITS, (cut, cutName) => {
      this.#goTo(before);
      const isErase = this.#cut(cutName, cut, () => this.#calls(run));
      this.#cutRecovery(cutName, (cut.step / this.#unit) % RECOVERY_STRIDE, this.#moment());
      return isErase;
    });
  }

  /** The recovery from a cut: uncut, then cut at each of its steps. */
  #cutRecovery(name: string, start: number, after: Moment): void {
    this.#goTo(after);
    const steps = this.#stepsOf(() => this.#judge(name, () => this.#goOn()));
    this.#judge(name, () => this.#end());
    const stride = this.#stride * RECOVERY_STRIDE;
    this.#each(name, start * this.#unit, steps, stride, undefined, (cut, cutName) => {
      this.#goTo(after);
      const isErase = this.#cut(cutName, cut, () => this.#goOn());
      this.#judge(cutName, () => {
        this.#rig.boot();
        this.#goOn();
        this.#end();
      });
      return isErase;
    });
  }

  /** The work of every boot: reads everything, and continues. Some erase ahead before that. */
  #goOn(): void {
    const rig = this.#rig;
    if (this.#idlesFirst) rig.idle();
    if (!this.#flash.isOff) rig.compare();
    if (!this.#flash.isOff) rig.append(12, 2, 5);
    if (!this.#flash.isOff) rig.acknowledge(0, "both");
  }

  #end(): void {
    this.#rig.boot();
    this.#rig.compare();
  }

  /**
   * Calls `act` with the cuts from step `start` on. If `act` returns that the cut fell in an erase, it is called with every state. Without
   * `bits`, the kinds of bits take turns.
   */
  #each(
    name: string,
    start: number,
    steps: number,
    stride: number,
    bits: readonly CutBits[] | undefined,
    act: (cut: Cut, name: string) => boolean,
  ): void {
    for (let step = start; step < steps; step += stride) {
      let isErase = false;
      for (const some of bits ?? [BITS[(step / this.#unit) % 3]]) {
        isErase = this.#one(`${name}/${step} ${some}`, { step, bits: some }, act) || isErase;
      }
      if (!isErase) continue;
      for (const state of ERASE_STATES) this.#one(`${name}/${step} ${state}`, { step, bits: "some", state }, act);
    }
  }

  #one(name: string, cut: Cut, act: (cut: Cut, name: string) => boolean): boolean {
    if (!this.#isWanted(name)) return false;
    this.#random = generator(hashOf(name));
    this.#idlesFirst = (hashOf(name) & 0x100) !== 0;
    this.#onProgress(this.#outcome);
    return act(cut, name);
  }

  /** Whether `name` is the wanted case, a step on the way to it, or one that follows from it. */
  #isWanted(name: string): boolean {
    const only = this.#only;
    return only === undefined || only === name || only.startsWith(`${name}/`) || name.startsWith(`${only}/`);
  }

  /** Cuts power in `act`. Returns whether that was in an erase. */
  #cut(name: string, cut: Cut, act: () => void): boolean {
    this.#outcome.cuts++;
    this.#outcome.operations++;
    this.#flash.cutAfter(cut.step, cut.bits, cut.state);
    this.#judge(name, act);
    const { cutInErase, cutInside } = this.#flash;
    if (cutInside) this.#outcome.inside++;
    if (!this.#flash.isOff) this.#flash.powerOff();
    return cutInErase;
  }

  #stepsOf(act: () => void): number {
    this.#flash.cutAfter(UNCUT);
    act();
    return UNCUT - this.#flash.stepsUntilCut;
  }

  #moment(): Moment {
    return { image: this.#flash.save(), ledger: this.#rig.ledger.clone() };
  }

  /** Restores a moment, and boots. */
  #goTo(moment: Moment): void {
    this.#flash.restore(moment.image);
    this.#rig.ledger = moment.ledger.clone();
    this.#rig.boot();
  }

  #erases(): number {
    return this.#flash.erases.reduce((sum, erases) => sum + erases);
  }

  #judge(name: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#outcome.violations++;
      const replay = `npm run faults -- --exhaustive --write-unit ${this.#unit} --only "${name}"`;
      this.#outcome.first ??= {
        what: error instanceof Error ? `${error.message}\n${error.stack}` : String(error),
        replay,
      };
    }
  }
}

function hashOf(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x9e3779b1);
  return hash;
}
