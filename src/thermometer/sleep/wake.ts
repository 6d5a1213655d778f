/*
 * A short wake, as most wakes of a sleeper are: it measures, appends and sleeps again. It constructs only what that needs: the
 * only sensor, at its known address; the flash, at its known position; the base of short records. No settings, mount, console,
 * link or uplink. In any other case (another wake cause, a report due, another sensor, a full block, flash that differs from
 * the record, a value that does not fit a short record) it releases everything, and the whole thermometer runs. No sample is
 * lost by that: the entry is either durable or not appended, and in that case the whole thermometer takes the sample.
 */
import type { Board, TimerId } from "../../board.js";
import { channels } from "../../channels/channels.js";
import { Sample } from "../../channels/sample.js";
import { MAX_RECORD_LENGTH } from "../../journal/record.js";
import { Base } from "../../journal/short.js";
import { Appender } from "../../outbox/appender.js";
import type { Sleeper } from "../../power/io.js";
import { dutiesAt, SAMPLE, sampled, sampleMs, sleepMs } from "../../power/plan.js";
import { WakeRecord } from "../../power/record.js";
import { Calibration, type Resolution } from "../../sensor/calibration.js";
import { drivers, type SensorDriver } from "../../sensor/drivers.js";
import { DONE, FAILED, Place } from "../../sensor/place.js";
import { takeNews } from "./news.js";

/** What a wake needs of a board. */
export type WakeBoard = Pick<Board, "timers" | "openFlash" | "flashWriteUnit" | "sensor" | "drivers" | "observer">;

/** What a wake hands over to. */
export interface WakeOwner {
  /**
   * The whole thermometer has to run. `record`: what is known from before the sleep; undefined: nothing, as after power-on. If
   * a sample was taken, it is in the outbox, and the record has the time of the next one.
   */
  onWhole(record: WakeRecord | undefined): void;
}

/** A short wake, or the hand-over to the whole thermometer. */
export class Wake {
  private readonly board: WakeBoard;
  private readonly sleeper: Sleeper;
  private readonly owner: WakeOwner;
  private readonly record = new WakeRecord();
  private readonly base = new Base();
  private appender: Appender | undefined;
  private place: Place | undefined;
  private timer: TimerId | undefined;

  /** Begins. Ends once, in `sleeper.sleep` or in `owner.onWhole`, at once or later. */
  constructor(board: WakeBoard, sleeper: Sleeper, owner: WakeOwner) {
    this.board = board;
    this.sleeper = sleeper;
    this.owner = owner;
    if (this.remembers()) this.begin();
    else owner.onWhole(undefined);
  }

  /** Releases everything, as a power cut does. */
  close(): void {
    if (this.timer !== undefined) this.board.timers.clear(this.timer);
    this.timer = undefined;
    this.place?.close();
    this.appender?.close();
    this.appender = undefined;
  }

  /** Since power-on, sleep included, in milliseconds. */
  private uptimeMs(): number {
    return this.sleeper.slowClockMs() - this.record.originMs;
  }

  private begin(): void {
    const { record, sleeper, board } = this;
    this.timer = undefined;
    const nowMs = this.uptimeMs();
    const duties = dutiesAt(record, sleeper.cause, nowMs);
    if (duties === SAMPLE && this.open()) this.ask();
    else if (duties !== 0) this.leaveToWhole();
    // The timer was early because the slow clock has changed its speed. The difference is too short for a sleep: it waits, with
    // nothing open.
    else if (sleepMs(record, nowMs) === 0)
      this.timer = board.timers.set(() => this.begin(), record.nextSampleMs - nowMs);
    else this.sleep();
  }

  private remembers(): boolean {
    const { sleeper, record } = this;
    if (sleeper.cause === "reset") return false;
    sleeper.readMemory(record.bytes);
    return record.isIntact(sleeper.firmware);
  }

  /** Opens flash and sensor. Returns false if they differ from the record. The whole thermometer reports what is wrong. */
  private open(): boolean {
    const { board, record, base } = this;
    const { end, driver: index } = record;
    const driver = driverAt(board.drivers, index);
    if (end === 0 || driver === undefined || !base.decode(record.base)) return false;
    try {
      const appender = new Appender(
        { flash: board.openFlash(), writeUnit: board.flashWriteUnit, maxPayload: MAX_RECORD_LENGTH },
        record,
      );
      this.appender = appender;
      if (!appender.isConfirmed()) return false;
      const { address, intervalMs } = record;
      const place = new Place(driver.name, address);
      this.place = place;
      place.open({ sensor: driver.open(board.sensor, address, { intervalMs }), address, driver });
      place.give(base.mask);
      return true;
    } catch {
      return false;
    }
  }

  private readonly ask = (): void => {
    this.timer = undefined;
    const waitMs = (this.place as Place).ask();
    if (waitMs > 0) this.timer = this.board.timers.set(this.ask, waitMs);
    else if (waitMs === FAILED) this.leaveToWhole();
    else if (waitMs === DONE) this.take();
  };

  private take(): void {
    const sample = new Sample();
    if (!this.append(sample) || this.isNews(sample)) this.leaveToWhole();
    else this.sleep();
  }

  /** Whether a value has changed so much that it has to be reported at once. */
  private isNews(sample: Sample): boolean {
    return takeNews(this.record, sample, this.uptimeMs());
  }

  /** The sensor has measured: makes a sample and an entry. Returns true if it is durable. */
  private append(sample: Sample): boolean {
    const { record, base } = this;
    const place = this.place as Place;
    const appender = this.appender as Appender;
    if (place.givesMain) sample.set(place.main.channel, place.value, place.main.decimals);
    const isFlawed = place.givesOthers && place.fillOthers(sample) !== undefined;
    if (isFlawed || sample.mask !== base.mask || base.isSingle) return false;
    calibrate(sample, record);
    const nowMs = this.uptimeMs();
    const buffer = new ArrayBuffer(MAX_RECORD_LENGTH);
    const length = base.pack(sample, sample.mask, sampleMs(record, nowMs), appender.number, new DataView(buffer));
    if (length === 0 || length !== base.usualLength) return false; // the journal has to write a new base
    const sequence = appender.append(new Uint8Array(buffer, 0, length), record.qos);
    record.end = appender.end;
    if (sequence < 0) return false;
    record.number = appender.number;
    sampled(record, record, nowMs);
    this.board.observer?.reading?.(sample, sequence);
    return true;
  }

  private sleep(): void {
    const { record, sleeper } = this;
    const ms = sleepMs(record, this.uptimeMs());
    if (ms === 0) {
      this.leaveToWhole(); // which waits for the next sample without sleeping
      return;
    }
    this.close();
    record.wakes++;
    sleeper.writeMemory(record.sealAgain());
    sleeper.sleep(ms);
  }

  private leaveToWhole(): void {
    this.close();
    this.owner.onWhole(this.record);
  }
}

function driverAt(more: readonly SensorDriver[] = [], index: number): SensorDriver | undefined {
  return more[index] ?? drivers[index - more.length];
}

/** As the sampler does, but without filter and deadband, which need several samples. */
function calibrate(sample: Sample, record: WakeRecord): void {
  if (!record.isCalibrated) return;
  const offsets = channels.map((_, channel) => record.offsetOf(channel));
  const resolutions = channels.map((_, channel): Resolution => {
    const digits = record.digitsOf(channel);
    return digits < 0 ? "auto" : digits;
  });
  new Calibration({ offsets, resolutions }).apply(sample);
}
