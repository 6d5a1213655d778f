/*
 * The sampler in this product: made from the settings, remade when they change, and used by the prompt's `sample`. A sampler
 * that was stopped stays stopped when settings change.
 */
import type { Board, Timers } from "../board.js";
import { channels } from "../channels/channels.js";
import { type Sample, sampleText } from "../channels/sample.js";
import type { LineLevel } from "../common/log-levels.js";
import type { Answer } from "../console/host/host.js";
import { SensorError } from "../sensor/fault.js";
import { type KnownSensor, SensorBus } from "../sensor/probe.js";
import { Sampler, type SamplerOptions, type SamplerStatus } from "../sensor/sampler.js";
import { type ChannelKey, channelKey } from "../settings/channel-settings.js";
import type { Key, Values } from "../settings/schema.js";
import type { Settings } from "../settings/settings.js";

/** A request for a sample waits at most this long, in milliseconds. */
const ASKED_MS = 3_000;

/** How a device that sleeps takes its samples. */
export interface SleepRounds {
  /** Uptime at which the next sample is due, in milliseconds. */
  readonly nextSampleMs: number;
  /** The only sensor, as the last wake found it; undefined: search for all sensors. */
  readonly knownSensor: KnownSensor | undefined;
  /** A round is over, with a sample or without one. */
  onRound(): void;
}

/** What sampling needs of its owner. */
export interface SamplingOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Only if the device sleeps. */
  readonly sleep: SleepRounds | undefined;
  /** A calibrated sample, with the digits to be shown. The object is reused for the next sample. */
  onSample(sample: Sample): void;
  /** From now on, a sample is expected about every `intervalMs`; undefined: none is. */
  onPace(intervalMs: number | undefined): void;
  log(level: LineLevel, text: string): void;
}

/** Settings that exist once for each channel. */
type ChannelSetting = "offset" | "resolution" | "deadband";

const SETTINGS: readonly Key[] = Object.freeze<Key[]>(["interval", "filter", "filter.samples", "heartbeat"]);
const CHANNEL_SETTINGS: readonly ChannelSetting[] = Object.freeze<ChannelSetting[]>([
  "offset",
  "resolution",
  "deadband",
]);

const NO_DEADBANDS: readonly number[] = Object.freeze(channels.map(() => 0));

/** Whether a change of `keys` requires a new sampler. */
export function concernsSampling(keys: readonly Key[]): boolean {
  return keys.some((key) => {
    const isEachChannels = CHANNEL_SETTINGS.some((name) => key === name || key.startsWith(`${name}.`));
    return isEachChannels || SETTINGS.includes(key);
  });
}

/** Whether a sensor does not answer. The message then names the sensors that do. */
function isAbsence(error: Error): boolean {
  return error instanceof SensorError && (error.kind === "notFound" || error.kind === "noAnswer");
}

/** A waiting request for a sample out of turn. */
interface Asker {
  readonly timer: object | number;
  readonly done: (answer: Answer) => void;
}

/** The sampler, made from the settings. */
export class Sampling implements SamplerOptions {
  private readonly owner: SamplingOwner;
  private sampler: Sampler;
  private isNew = true;
  private stopped = false;
  private _pulse = 0; // of earlier samplers
  private asker: Asker | undefined;

  /** The sampler begins with `restart`. */
  constructor(owner: SamplingOwner) {
    this.owner = owner;
    this.sampler = new Sampler(this);
  }

  get status(): SamplerStatus {
    return this.sampler.status();
  }

  /** A number that changes whenever a reading was taken, held back by the deadband, or failed. */
  pulse(): number {
    const { readings, failures } = this.sampler.status();
    return this._pulse + readings + failures;
  }

  /** Begins, or begins again with the current settings. The first sample is due at once; on a device that sleeps, at its regular time. */
  restart(): void {
    if (!this.isNew) {
      this._pulse = this.pulse();
      this.sampler.close();
      this.sampler = new Sampler(this);
    }
    this.isNew = false;
    if (!this.stopped) {
      this.sampler.start(this.owner.sleep?.nextSampleMs);
      this.owner.onPace(this.intervalMs);
    }
    this.askAgain();
  }

  /** From now on, only samples that somebody asks for. */
  stop(): void {
    this.stopped = true;
    this.sampler.stop();
    this.owner.onPace(undefined);
    this.askAgain();
  }

  /** Takes one sample out of turn and sends it like the others. `done` gets the temperature, or the reason why there is none. */
  sampleNow(done: (answer: Answer) => void): void {
    this.answer({ failed: "asked again" });
    // A known fault is not reported again: the answer then comes from this timer.
    const timer = this.owner.board.timers.set(() => {
      const trouble = this.sampler.status().lastError?.message;
      this.answer({ failed: trouble ?? "the sensor does not answer" });
    }, ASKED_MS);
    this.asker = { timer, done };
    this.sampler.sampleNow();
  }

  /** Repeats a pending request: a sampler that was stopped or replaced has forgotten it. */
  private askAgain(): void {
    if (this.asker !== undefined) this.sampler.sampleNow();
  }

  /** Stops at once and for good. A pending request gets no answer. */
  close(): void {
    this.sampler.close();
    if (this.asker !== undefined) this.owner.board.timers.clear(this.asker.timer);
    this.asker = undefined;
  }

  // Options of the sampler. It reads the settings once: `restart` makes another sampler.

  get timers(): Timers {
    return this.owner.board.timers;
  }

  get clock(): Board["clock"] {
    return this.owner.board.clock;
  }

  get intervalMs(): number {
    return this.owner.settings.get("interval") * 1000;
  }

  get offsets(): readonly number[] {
    return this.eachChannels("offset");
  }

  get resolutions(): readonly Values["resolution"][] {
    return this.eachChannels("resolution");
  }

  /** Off on a device that sleeps: it would begin a new filter at each sample. */
  get filter(): Values["filter"] {
    return this.owner.sleep === undefined ? this.owner.settings.get("filter") : "off";
  }

  get filterSamples(): number {
    return this.owner.settings.get("filter.samples");
  }

  get deadbands(): readonly number[] {
    return this.owner.sleep === undefined ? this.eachChannels("deadband") : NO_DEADBANDS;
  }

  get heartbeatMs(): number {
    return this.owner.settings.get("heartbeat") * 1000;
  }

  get sensors(): SensorBus {
    const { board, settings, sleep } = this.owner;
    const options = { more: board.drivers, intervalMs: this.intervalMs, known: sleep?.knownSensor };
    return new SensorBus(board.sensor, settings.get("sensor"), options);
  }

  /** Answers before the sample is stored: a remote command then records the number that the sample will get. */
  onSample(sample: Sample): void {
    if (this.asker !== undefined) this.answer({ lines: [sampleText(sample)] });
    this.owner.onSample(sample);
  }

  onFailure(error: Error): void {
    const answering = this.status.sensors.filter(({ opened }) => opened !== undefined).map(({ where }) => where);
    // A request for a sample is answered with what the other sensors measure.
    if (answering.length === 0) this.answer({ failed: error.message });
    const others = isAbsence(error) && answering.length > 0 ? `; ${answering.join(", ")}: answering` : "";
    this.owner.log("error", `sensor: ${error.message}${others}`);
  }

  onRound(): void {
    this.owner.sleep?.onRound();
  }

  onRecovered(what: string): void {
    this.owner.log("info", `sensor: ${what} works again`);
  }

  onSource(text: string): void {
    this.owner.log("warn", `sensor: ${text}`);
  }

  /** A setting's value for each channel, in the order of the table. */
  private eachChannels<N extends ChannelSetting>(name: N): Values[ChannelKey<N>][] {
    return channels.map((_, channel) => this.owner.settings.get(channelKey(name, channel)));
  }

  private answer(answer: Answer): void {
    const asker = this.asker;
    if (asker === undefined) return;
    this.asker = undefined;
    this.owner.board.timers.clear(asker.timer);
    asker.done(answer);
  }
}
