/*
 * The thermometer: connects the folders. A sample comes from the sampler, is written to the outbox (QoS 1 and 2) and is sent by
 * the uplink, which settles it. No sample waits for the link, the clock or the prompt. One object is one run between two
 * resets; `close` is the power cut. Safe mode has only the prompt, the link and updates, and leaves the readings in flash
 * untouched.
 */
import type { Board } from "./board.js";
import type { Sample } from "./channels/sample.js";
import type { LineLevel } from "./common/log-levels.js";
import { messageOf } from "./common/message-of.js";
import { commands } from "./console/commands/all.js";
import { change } from "./console/commands/settings.js";
import { Console } from "./console/console.js";
import type { Answer } from "./console/host/host.js";
import { Remote, type RemoteAnswer } from "./console/shell/remote.js";
import { Formats } from "./journal/formats.js";
import type { Journal } from "./journal/journal.js";
import { Link } from "./network/link.js";
import { TimeSync } from "./network/time-sync.js";
import type { Outbox } from "./outbox/outbox.js";
import type { Key } from "./settings/schema.js";
import { Settings } from "./settings/settings.js";
import type { KeyValueStore } from "./settings/store.js";
import { openSafeUplink, type SafeUplink } from "./thermometer/broker/safe-uplink.js";
import type { SessionRecord } from "./thermometer/broker/session-record.js";
import { Uplink, type UplinkOwner } from "./thermometer/broker/uplink.js";
import { ClockPatience } from "./thermometer/clock-patience.js";
import { DeviceLog } from "./thermometer/device-log.js";
import { FactoryReset, type ResetOwner } from "./thermometer/factory-reset.js";
import { FlashRetry, openFlash } from "./thermometer/flash-retry.js";
import { Health, type HealthOwner } from "./thermometer/health.js";
import { Intake, type IntakeOwner } from "./thermometer/intake.js";
import type { Lifetime } from "./thermometer/lifetime.js";
import { NoSettings, openSettings } from "./thermometer/no-settings.js";
import { LinkOwner, type Owner, SettingsOwner, TimeOwner } from "./thermometer/owners.js";
import { Announcement } from "./thermometer/presence/announcement.js";
import { concernsNumbers } from "./thermometer/presence/controls.js";
import { concernsDiscovery } from "./thermometer/presence/expiry.js";
import type { Product } from "./thermometer/prompt/product.js";
import { PromptHost } from "./thermometer/prompt/prompt-host.js";
import { samplePolicy } from "./thermometer/records.js";
import { concernsSampling, Sampling, type SamplingOwner } from "./thermometer/sampling.js";
import type { Awakening, SleepOwner } from "./thermometer/sleep/owner.js";
import { SleepControl } from "./thermometer/sleep/sleep-control.js";
import { onSlowClock } from "./thermometer/sleep/slow-clock.js";
import { Updating, type UpdatingOwner } from "./thermometer/updating.js";

/** All commands of the prompt, and `change`, which asks no questions; permission.ts decides which of them may be sent over MQTT. */
const remoteCommands = Object.freeze([...commands, change]);

/** The device between two resets. `close` is the power cut. */
export class Thermometer
  implements Product, Owner, HealthOwner, SamplingOwner, IntakeOwner, UplinkOwner, ResetOwner, SleepOwner, UpdatingOwner
{
  readonly board: Board;
  readonly awakening: Awakening | undefined;
  readonly settings: Settings;
  readonly health: Health;
  readonly id: string;
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly sessionRecord: SessionRecord | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly flashTrouble: string | undefined;
  flashRetry: FlashRetry | undefined;
  readonly link: Link | undefined;
  readonly uplink: Uplink | undefined;
  /** Only in safe mode, on a board whose firmware can be replaced. */
  readonly safeUplink: SafeUplink | undefined;
  readonly uplinkTrouble: string | undefined;
  readonly time: TimeSync | undefined;
  readonly sampling: Sampling | undefined;
  readonly store: KeyValueStore;
  readonly intake: Intake | undefined;
  /** Undefined if the device does not sleep. */
  readonly sleep: SleepControl | undefined;
  /** Undefined where the firmware cannot be replaced while it runs. */
  readonly updating: Updating | undefined;
  /** The formats that this run may write to flash. */
  readonly formats: Formats;
  private readonly console: Console | undefined;
  private host: PromptHost | undefined;
  private readonly _log: DeviceLog;
  private clockPatience: ClockPatience | undefined;
  private uplinkStarted: boolean | undefined;
  private reset: FactoryReset | undefined;

  /** `awakening`: only on a board that can sleep. */
  constructor(board: Board, awakening?: Awakening) {
    this.board = board;
    if (awakening !== undefined) this.awakening = awakening;
    this._log = new DeviceLog(board);
    this.store = openSettings(board);
    if (this.store instanceof NoSettings)
      this.log("error", `${this.store.reason}; defaults apply, nothing can be saved`);
    const isWake = awakening?.record !== undefined; // a stuck factory reset leaves no wake record
    this.settings = new Settings(new SettingsOwner(this), isWake);
    this.id = this.settings.get("id") || `thermometer${board.mac}`;
    if (board.update !== undefined) this.updating = this.attempt("update", () => new Updating(this));
    this.health = new Health(this);
    this.formats = new Formats(this.updating?.isTrial === true);
    const isResetDue =
      !isWake && this.health.safeMode === undefined && FactoryReset.isDue(board, this.store, awakening?.sleeper);
    const isWhole = this.health.safeMode === undefined && !isResetDue; // otherwise nothing in flash is mounted
    if (isWhole && awakening !== undefined && this.settings.get("sleep")) {
      this.sleep = new SleepControl(this, awakening);
      this.board = onSlowClock(board, awakening.sleeper, this.sleep.originMs);
    }
    if (isWhole) {
      const { outbox, records, trouble, isUnreadable } = openFlash(this);
      this.outbox = outbox;
      this.flashTrouble = trouble;
      this.journal = records?.journal;
      this.sessionRecord = records?.sessionRecord;
      this.lifetime = records?.lifetime;
      if (isUnreadable) this.onUnreadable();
      this.attempt("outbox", () => this.keepInFlight());
      this.intake = this.attempt("readings", () => new Intake(this));
    }
    const isOnline = this.sleep?.isOnline !== false;
    if (this.sleep?.hasPrompt !== false) this.console = this.openConsole();
    this._log.open(this.settings.get("log"), this.console);
    if (isWhole && isOnline) {
      ({ uplink: this.uplink, trouble: this.uplinkTrouble } = this.openUplink());
      this.time = this.attempt("time", () => this.openTime());
    }
    if (!isWhole && !isResetDue) this.safeUplink = this.attempt("update", () => openSafeUplink(this));
    if (isOnline && !isResetDue) this.link = this.attempt("wifi", () => this.openLink());
    if (board.wifi === undefined) this.onNetwork(true);
    this.sampling = this.intake && this.attempt("sensor", () => new Sampling(this));
    this.attempt("sensor", () => this.sampling?.restart());
    if (this.sleep?.hasPrompt !== false) this.uplink?.commands.begin(); // not for a sleeper's report: it continues the run
    if (isResetDue) this.finishReset();
    else this.attempt("update", () => this.updating?.begin());
    this.sleep?.begin();
    board.observer?.started?.(this);
  }

  /** Samples since boot that could not be sent at QoS 0. */
  get dropped(): number {
    return this.intake?.dropped ?? 0;
  }

  /** Made anew at each use: it keeps nothing itself. */
  get announcement(): Announcement {
    return new Announcement(this.store, this.formats);
  }

  /** Entries in flash that the broker has not acknowledged. */
  get unsettled(): number {
    return this.outbox?.entries ?? 0;
  }

  /** Prints a line at the prompt or, without one, in the board's trace, if the setting `log` includes its level. */
  log(level: LineLevel, text: string): void {
    this._log.write(level, text);
  }

  /** Prints a line whatever `log` is set to: output that somebody asked for. */
  print(text: string): void {
    this._log.print(text);
  }

  /** Ends sampling; entries in the outbox are still sent. */
  stopSampling(): void {
    this.sampling?.stop();
  }

  /** The wall clock was set from outside. */
  clockChanged(): void {
    this.log("info", "time: the clock was set");
    this.onClock();
  }

  /** Takes one sample out of turn and sends it like the others. `done` gets the temperature, or the reason why there is none. */
  sampleNow(done: (answer: Answer) => void): void {
    if (this.sampling === undefined) done({ failed: "no readings are taken: see status" });
    else this.sampling.sampleNow(done);
  }

  /** Runs a command that came over MQTT, as the prompt does. */
  runCommand(line: string, done: (answer: RemoteAnswer) => void): void {
    this.host ??= new PromptHost(this);
    const { host, settings, board } = this;
    new Remote({ settings, host, timers: board.timers, commands: remoteCommands }, line, done);
  }

  /** Restarts as the reset button does, but closes connections and files first. */
  restart(reason: string): void {
    this.health.farewell();
    this.board.restart(reason);
  }

  /**
   * Removes what the broker retains of this device, erases readings and settings, and boots as a new one. See FactoryReset.
   * @throws Error while another factory reset is running
   */
  factoryReset(onStuck?: () => void): void {
    if (this.reset !== undefined) throw new Error("a factory reset is under way; it continues by itself");
    this.stopSampling();
    this.sleep?.close();
    this.reset = new FactoryReset(this, onStuck);
    this.reset.begin();
  }

  private finishReset(): void {
    this.reset = new FactoryReset(this);
    this.reset.resume();
  }

  /** Disconnects from the broker, then calls `whenDone`. */
  stop(whenDone: () => void): void {
    this.stopSampling();
    this.sleep?.close();
    this.health.farewell();
    if (this.uplink === undefined) whenDone();
    else this.uplink.stop(whenDone);
  }

  /** Releases everything at once, as a power cut does: nothing is sent, nothing is written. */
  close(): void {
    this.reset?.close();
    this.letGo();
    this.console?.close();
  }

  /** Closes everything but the prompt. */
  letGo(): void {
    this.clockPatience?.close();
    this.clockPatience = undefined;
    this.health.close();
    this.flashRetry?.close();
    this.sleep?.close();
    this.updating?.close();
    this.sampling?.close();
    this.closeNetwork();
    this.outbox?.close();
  }

  closeNetwork(): void {
    this.uplink?.close();
    this.safeUplink?.close();
    this.time?.close();
    this.link?.close();
  }

  /** A part that fails to start is logged and left out; the rest, above all the prompt, still starts. */
  private attempt<T>(what: string, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      this.log("error", `${what}: not started: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Keeps entries that a broker may have received, because it may use their packet ids: the outbox evicts none that it has delivered. */
  private keepInFlight(): void {
    const sent = this.sleep?.isAllSettled ? 0 : (this.sessionRecord?.perhapsSent ?? 0);
    let entry = sent > 0 ? this.outbox?.seek(0) : undefined;
    for (let n = 1; n < sent && entry; n++) entry = this.outbox?.seek(entry.sequence + 1); // with gaps: others are settled
  }

  /** Without its port, only the prompt is missing; readings go on. */
  private openConsole(): Console | undefined {
    if (this.board.serial === undefined) return undefined;
    try {
      this.host = new PromptHost(this);
      return new Console(this.host);
    } catch (error) {
      this.log("error", `prompt: ${messageOf(error)}`);
      return undefined;
    }
  }

  private openUplink(): { uplink?: Uplink; trouble?: string } {
    if (this.settings.get("mqtt.host") === "") {
      this.log("warn", "no broker: set mqtt.host, save, reboot; readings are kept until then");
      return {};
    }
    try {
      return { uplink: new Uplink(this) };
    } catch (error) {
      const trouble = messageOf(error);
      this.log("error", trouble);
      return { trouble };
    }
  }

  private openTime(): TimeSync | undefined {
    if (this.board.ntp === undefined || this.settings.get("ntp") === "") return undefined;
    return new TimeSync(new TimeOwner(this));
  }

  private openLink(): Link | undefined {
    return this.board.wifi === undefined ? undefined : new Link(new LinkOwner(this));
  }

  // Callbacks of the parts

  onLink(up: boolean, detail: string): void {
    this.log(up ? "info" : "warn", `wifi: ${detail}`);
    if (up) this.sleep?.network.linkUp(this.link?.channel);
    this.onNetwork(up);
    this.host?.linkChanged();
  }

  onClock(): void {
    this.journal?.clockSet();
    this.uplink?.clockSet();
    this.safeUplink?.clockSet();
    if (this.clockPatience !== undefined) this.startUplink();
  }

  onPace(intervalMs: number | undefined): void {
    if (intervalMs === undefined) this.health.rest();
    else this.health.watch(intervalMs);
  }

  /** Runs with every sample, taken or failed. */
  pulse(): number {
    return this.sampling?.pulse() ?? 0;
  }

  /** The update is confirmed: from now on this image may write formats that the one before it cannot read. */
  onConfirmed(): void {
    const { formats, uplink } = this;
    this.outbox?.useNewestFormat();
    if (!formats.isOldest) return;
    formats.confirm();
    uplink?.presence.move(); // an image on trial stored a shortened form of the names
  }

  /** The outbox cannot read its flash now. */
  onUnreadable(): void {
    if (this.flashRetry === undefined) this.flashRetry = new FlashRetry(this);
    else this.flashRetry.failed();
  }

  /** A reading was acknowledged (`isDelivered`) or dead-lettered, or a connection was made. */
  onProgress(isDelivered: boolean): void {
    this.sleep?.onProgress(isDelivered);
  }

  /** Somebody typed at the prompt. */
  onInput(): void {
    this.sleep?.someoneIsThere();
    this.reset?.someoneIsThere();
  }

  private onNetwork(up: boolean): void {
    this.safeUplink?.network(up);
    if (!up) {
      this.time?.linkDown();
      this.uplink?.linkDown();
      return;
    }
    this.time?.linkUp();
    this.uplink?.linkUp(); // also before it is started: it may have been notified that the link is down
    if (this.uplinkStarted) return;
    if (this.board.clock.utcMs() !== undefined || this.time === undefined) this.startUplink();
    else this.clockPatience ??= new ClockPatience(this);
  }

  /** Readings are sent from now on. */
  startUplink(): void {
    this.clockPatience?.close();
    this.clockPatience = undefined;
    if (this.uplinkStarted) return;
    this.uplinkStarted = true;
    this.time?.settle();
    this.uplink?.start();
  }

  onSample(sample: Sample): void {
    this.intake?.take(sample);
  }

  onSaved(keys: readonly Key[]): void {
    const changed = (...names: Key[]): boolean => keys.some((key) => names.includes(key));
    if (changed("log")) this._log.level = this.settings.get("log");
    if (changed("payload", "topics", "interval")) this.intake?.journal?.follow(samplePolicy(this.settings));
    if (concernsDiscovery(keys)) this.uplink?.presence.update();
    if (concernsNumbers(keys)) this.uplink?.presence.numbersChanged();
    if (changed("payload")) this.uplink?.formatChanged();
    if (changed("mqtt.ca", "mqtt.cert", "mqtt.key")) this.uplink?.encryption?.changed();
    if (changed("discovery", "discovery.prefix", "remote")) this.uplink?.presence.move();
    if (changed("outbox.full") && this.outbox !== undefined) this.outbox.whenFull = this.settings.get("outbox.full");
    if (changed("wifi.ssid", "wifi.password")) {
      this.link?.setCredentials(this.settings.get("wifi.ssid"), this.settings.get("wifi.password"));
    }
    if (changed("report")) this.sleep?.follow();
    if (changed("awake") && this.sleep?.hasPrompt) this.sleep.someoneIsThere(); // not for a command in a report
    if (concernsSampling(keys)) {
      this.sleep?.restart();
      this.sampling?.restart();
    }
  }
}
