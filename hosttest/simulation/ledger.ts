/*
 * The ledger of one device: compares the readings that it has written to flash with those that an observer at the broker has seen.
 * An append that returned must be seen; one that was cut in the middle may be. At QoS 2 no reading is seen twice, unless the
 * broker forgot its session while the message was in flight: those are tracked by number.
 * It knows the true time, room and value of each reading.
 */
import type { Outcome } from "../../src/board.js";
import type { Forwarded } from "./broker/message.js";

export interface Violation {
  readonly kind:
    | "lost"
    | "doubled"
    | "reused"
    | "disordered"
    | "wrongRoom"
    | "wrongTime"
    | "wrongValue"
    | "unknown"
    | "breach"
    | "stuck"
    | "wear"
    | "crowd"
    | "watchdog"
    | "awake"
    | "crash";
  readonly device: number;
  readonly atMs: number;
  readonly text: string;
}

/** What was true when a reading was taken. */
export interface Truth {
  readonly utcMs: number;
  readonly room: string;
  readonly channel: "temperature" | "humidity";
  /** The temperature as read by the firmware, °C; the true humidity, percent. */
  readonly value: number;
  /** Humidity of a sample with both, percent. */
  readonly humidity?: number;
  readonly qos: 1 | 2;
  readonly clock: TrueClock;
}

/** The basis of its time. `clockRight`: no server gave a wrong time. */
export interface TrueClock {
  readonly clockRight: boolean;
  /** Tolerance of its time; negative: it must have none. Absent: that of a crystal. */
  toleranceMs?(sequence: number, utcMs: number): number;
  /** Two synchronisations date it, and the drift between them was constant. */
  isExact?(sequence: number): boolean;
}

const NOT_AUTHORIZED = 0x87;
/** The least number of refusals after which the device may settle an entry that stops others. */
const MIN_FORBIDDEN = 3;
const MIN_POSTPONED = 13;
const MAX_LEAD = 176;
const MAX_HELD = 32;
const PAYLOAD_INVALID = 0x99;
const PERCENT_TOLERANCE = 0.06; // half of the last digit, and the change during the measurement
const TIME_TOLERANCE_MS = 2_500; // whole seconds, and the errors of crystal and NTP

export class Ledger {
  readonly device: number;
  /** Numbers whose append returned, and that the device has not settled. */
  readonly open = new Map<number, Truth>();
  /** Numbers seen at the broker and not yet settled: a lost session can double them. */
  readonly #pending = new Set<number>();
  readonly #seen = new Map<number, Truth | undefined>(); // the latest only: older ones are forgotten in order
  readonly #excused = new Set<number>();
  readonly #report: (violation: Omit<Violation, "device" | "atMs">) => void;
  /** Refused readings before which others were sent: they may arrive later than these. */
  readonly #overtaken = new Set<number>();
  #last = -1; // highest number seen
  #highest = -1; // that an append returned
  #missing = 0;
  appended = 0;
  arrived = 0;
  doubled = 0;
  possibleDoubles = 0;
  lostByBroker = 0;
  /** Correct dead letters: the broker refused them permanently, or they would have stopped the others (src/mqtt/v5/held.ts). */
  deadLetters = 0;
  /** Of samples that two synchronisations date: how many, and how far the worst of them was off. */
  readonly exact = { count: 0, worstMs: 0 };
  readonly #gone = new Set<number>(); // lost by the broker, as it reports itself
  readonly #refused = new Set<number>(); // by the broker, permanently
  readonly #forbidden = new Map<number, number>(); // as not authorised: how often
  readonly #postponed = new Map<number, number>(); // how often
  /** Of QoS 2, but first seen at QoS 1, and therefore with the promise of QoS 1. */
  readonly #lowered = new Set<number>();

  readonly #mayLower: boolean;

  /** `mayLower`: the broker may support at most QoS 1. */
  constructor(device: number, mayLower: boolean, report: (violation: Omit<Violation, "device" | "atMs">) => void) {
    this.device = device;
    this.#mayLower = mayLower;
    this.#report = report;
  }

  /** `append` returned: no earlier number, which is durable, may be used again. */
  append(sequence: number, truth: Truth): void {
    if (sequence <= this.#highest) {
      this.#report({ kind: "reused", text: `${sequence} is given to another reading, ${this.#highest} was before` });
    }
    this.#highest = Math.max(this.#highest, sequence);
    this.appended++;
    this.open.set(sequence, truth);
  }

  /** The device reported it as settled. */
  settle(sequence: number, outcome: Outcome): void {
    const truth = this.open.get(sequence);
    if (outcome === "deadLetter") {
      if (this.#refused.delete(sequence) || this.#stopsOthers(sequence)) this.deadLetters++;
      else this.#report({ kind: "lost", text: `reading ${sequence} was dead-lettered` });
    } else if (truth !== undefined && !this.#seen.has(sequence)) {
      if (this.#gone.delete(sequence)) this.lostByBroker++;
      else this.#report({ kind: "lost", text: `reading ${sequence} was settled, and the observer has not seen it` });
    }
    this.open.delete(sequence);
    this.#pending.delete(sequence);
  }

  /** The broker lost this device's session. */
  sessionLost(): void {
    for (const sequence of this.#pending) this.#excused.add(sequence);
  }

  /** The broker had accepted it, and has lost it. */
  brokerLost(sequence: number): void {
    this.#gone.add(sequence);
  }

  /**
   * The broker refused it by a reason code, permanently (0x99) or temporarily. Others may be sent before it, even if it was permanent: the
   * answer may be lost with its connection, and the broker may accept the reading when it is sent again.
   */
  refuse(sequence: number, reason: number): void {
    if (reason === PAYLOAD_INVALID) this.#refused.add(sequence);
    if (reason === NOT_AUTHORIZED) this.#forbidden.set(sequence, (this.#forbidden.get(sequence) ?? 0) + 1);
    else this.#postponed.set(sequence, (this.#postponed.get(sequence) ?? 0) + 1);
    this.#overtaken.add(sequence);
  }

  /** The observer has seen a message of this device. `isRefused`: the broker closed whenever the first one was sent, so that others are sent first. */
  forward({ topic, payload, qos }: Forwarded, isRefused: boolean): void {
    const message = JSON.parse(payload) as Message;
    const { seq } = message;
    this.arrived++;
    if (this.#seen.has(seq) || seq <= this.#last - SEEN_KEPT) {
      this.#again(seq, qos);
      return;
    }
    if (isRefused) for (let n = Math.max(this.#last + 1, seq - SEEN_KEPT); n < seq; n++) this.#overtaken.add(n);
    if (seq < this.#last && !this.#overtaken.has(seq))
      this.#report({ kind: "disordered", text: `${seq} came after ${this.#last}` });
    this.#last = Math.max(this.#last, seq);
    const truth = this.open.get(seq);
    this.#remember(seq, truth);
    this.#pending.add(seq);
    if (truth !== undefined) this.#compare(message, truth, topic, qos);
  }

  /** At the end: numbers that were written and never seen. `excusedCount`: how many the device reports as dropped. */
  finish(excusedCount: number): void {
    const unseen = [...this.open.keys()].filter(
      (sequence) => !this.#seen.has(sequence) && !this.#isLostByBroker(sequence),
    );
    const [first] = unseen;
    this.#missing = unseen.length;
    if (this.#missing <= excusedCount) return;
    const text = `${this.#missing} readings were never seen, the device says it dropped ${excusedCount}; first: ${first}`;
    this.#report({ kind: "lost", text });
  }

  get missing(): number {
    return this.#missing;
  }

  /** The broker refused it permanently or lost it, and the power failed before its device could report it. */
  #isLostByBroker(sequence: number): boolean {
    if (this.#refused.has(sequence)) this.deadLetters++;
    else if (this.#gone.has(sequence)) this.lostByBroker++;
    else return false;
    return true;
  }

  /**
   * It was refused several times, and either the others are so far ahead that the store returns no more entries, or as many are refused as
   * the device remembers.
   */
  #stopsOthers(sequence: number): boolean {
    const isOften =
      (this.#forbidden.get(sequence) ?? 0) >= MIN_FORBIDDEN || (this.#postponed.get(sequence) ?? 0) >= MIN_POSTPONED;
    if (!isOften || this.#last < sequence) return false;
    const waiting = [...this.#forbidden.keys(), ...this.#postponed.keys()].filter((each) => this.open.has(each));
    return this.#last - sequence >= MAX_LEAD || new Set(waiting).size >= MAX_HELD;
  }

  #again(seq: number, qos: number): void {
    if (qos !== 2) return;
    if (this.#excused.delete(seq) || this.#lowered.delete(seq)) {
      this.possibleDoubles++;
      return;
    }
    this.doubled++;
    this.#report({ kind: "doubled", text: `${seq} came twice at QoS 2` });
  }

  #compare({ seq, value, humidity, ts }: Message, truth: Truth, topic: string, qos: number): void {
    const { channel } = truth;
    const expected = `home/${truth.room}/${channel}`;
    if (topic !== expected) this.#report({ kind: "wrongRoom", text: `${seq} went to ${topic}, not ${expected}` });
    if (this.#mayLower && qos === 1 && truth.qos === 2) this.#lowered.add(seq);
    else if (qos !== truth.qos)
      this.#report({ kind: "wrongValue", text: `${seq} went at QoS ${qos}, not ${truth.qos}` });
    if (Math.abs(value - truth.value) > (channel === "humidity" ? PERCENT_TOLERANCE : 0.0051)) {
      this.#report({ kind: "wrongValue", text: `${seq} says ${channel} ${value}, was ${truth.value}` });
    }
    if (humidity === undefined ? truth.humidity !== undefined : !isNear(humidity, truth.humidity)) {
      this.#report({ kind: "wrongValue", text: `${seq} says humidity ${humidity} %, was ${truth.humidity}` });
    }
    if (ts !== undefined && truth.clock.clockRight) this.#compareTime(seq, ts, truth);
  }

  #compareTime(seq: number, ts: string, { clock, utcMs }: Truth): void {
    const errorMs = Math.abs(Date.parse(ts) - utcMs);
    const toleranceMs = clock.toleranceMs?.(seq, utcMs) ?? TIME_TOLERANCE_MS;
    if (errorMs > toleranceMs) {
      const text = `${seq} says ${ts}, was ${new Date(utcMs).toISOString()}: at most ${Math.round(toleranceMs)} ms off`;
      this.#report({ kind: "wrongTime", text });
    } else if (clock.isExact?.(seq)) {
      this.exact.count++;
      this.exact.worstMs = Math.max(this.exact.worstMs, errorMs);
    }
  }

  #remember(seq: number, truth: Truth | undefined): void {
    this.#seen.set(seq, truth);
    if (this.#seen.size <= SEEN_KEPT * 2) return;
    for (const old of this.#seen.keys()) {
      if (this.#seen.size <= SEEN_KEPT || this.open.has(old)) break;
      this.#seen.delete(old);
    }
  }
}

interface Message {
  readonly value: number;
  readonly humidity?: number;
  readonly ts?: string;
  readonly seq: number;
}

function isNear(percent: number, truly = Number.NaN): boolean {
  return Math.abs(percent - truly) <= PERCENT_TOLERANCE;
}

/** A number this far below the highest one seen was settled long ago: if it arrives again, it is a double. */
const SEEN_KEPT = 10_000;
