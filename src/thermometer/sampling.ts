/*
 * The sampler as this product uses it: made from the settings, made anew when they change, and asked at the prompt.
 * A sampler that was stopped stays so, whatever the settings become.
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

/** Who asks for a reading waits no longer than this. */
const ASKED_MS = 3_000;

/** What a thermometer that sleeps has to do with its samples. */
export interface SleepRounds {
  /** Uptime at which the next one is due. */
  readonly nextSampleMs: number;
  /** The only sensor, as the wake before knew it; undefined: all are looked for. */
  readonly knownSensor: KnownSensor | undefined;
  /** A round is over: there was a sample, or none could be had. */
  onRound(): void;
}

/** What sampling needs of its owner. */
export interface SamplingOwner {
  readonly board: Board;
  readonly settings: Settings;
  /** Of a thermometer that sleeps. */
  readonly sleep: SleepRounds | undefined;
  /** A calibrated sample, with the digits to be shown. One object, filled anew each time. */
  onSample(sample: Sample): void;
  /** Readings are expected about every so many milliseconds from now on; undefined: none are. */
  onPace(intervalMs: number | undefined): void;
  log(level: LineLevel, text: string): void;
}

/** The settings that every channel has one of. */
type ChannelSetting = "offset" | "resolution" | "deadband";

const SETTINGS: readonly Key[] = Object.freeze<Key[]>(["interval", "filter", "filter.samples", "heartbeat"]);
const CHANNEL_SETTINGS: readonly ChannelSetting[] = Object.freeze<ChannelSetting[]>([
  "offset",
  "resolution",
  "deadband",
]);

const NO_DEADBANDS: readonly number[] = Object.freeze(channels.map(() => 0));

/** Whether a sampler that was made before `keys` were changed is to be made anew. */
export function concernsSampling(keys: readonly Key[]): boolean {
  return keys.some((key) => {
    const isEachChannels = CHANNEL_SETTINGS.some((name) => key === name || key.startsWith(`${name}.`));
    return isEachChannels || SETTINGS.includes(key);
  });
}

/** Whether the fault is that a sensor does not answer: then it matters whether others do. */
function isAbsence(error: Error): boolean {
  return error instanceof SensorError && (error.kind === "notFound" || error.kind === "noAnswer");
}

/** Who waits for a reading out of turn. */
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
  private _pulse = 0; // of the samplers before this one
  private asker: Asker | undefined;

  /** Begins with `restart`. */
  constructor(owner: SamplingOwner) {
    this.owner = owner;
    this.sampler = new Sampler(this);
  }

  get status(): SamplerStatus {
    return this.sampler.status();
  }

  /** Another number whenever a reading was taken, kept back or failed. */
  pulse(): number {
    const { readings, failures } = this.sampler.status();
    return this._pulse + readings + failures;
  }

  /** Begins, or begins anew with the settings as they are now; the first reading is due at once, of a sleeper at its place of the grid. */
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

  /** No readings but those asked for. */
  stop(): void {
    this.stopped = true;
    this.sampler.stop();
    this.owner.onPace(undefined);
    this.askAgain();
  }

  /** One reading out of turn, sent like the others; `done` hears the temperature, or why there is none. */
  sampleNow(done: (answer: Answer) => void): void {
    this.answer({ failed: "asked again" });
    // A fault that is known already is not reported again: who waits must hear of it all the same.
    const timer = this.owner.board.timers.set(() => {
      const trouble = this.sampler.status().lastError?.message;
      this.answer({ failed: trouble ?? "the sensor does not answer" });
    }, ASKED_MS);
    this.asker = { timer, done };
    this.sampler.sampleNow();
  }

  /** A sampler that was stopped or replaced forgets what it was asked for. */
  private askAgain(): void {
    if (this.asker !== undefined) this.sampler.sampleNow();
  }

  /** At once and for good. No request is answered any more. */
  close(): void {
    this.sampler.close();
    if (this.asker !== undefined) this.owner.board.timers.clear(this.asker.timer);
    this.asker = undefined;
  }

  // What the sampler asks of its owner. Settings are read when it is made: `restart` makes another.

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

  /** Of a sleeper's samples, a filter or a deadband sees one at a time. */
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

  /** Who asked hears of it before it is kept: commands from afar record then which number it will have. */
  onSample(sample: Sample): void {
    if (this.asker !== undefined) this.answer({ lines: [sampleText(sample)] });
    this.owner.onSample(sample);
  }

  onFailure(error: Error): void {
    const answering = this.status.sensors.filter(({ opened }) => opened !== undefined).map(({ where }) => where);
    // Who asked for a reading gets what the others give.
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

  /** What a setting is for each channel, in the table's order. */
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
