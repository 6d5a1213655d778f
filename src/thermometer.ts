/*
 * The thermometer: joins the rooms. A reading comes from the sampler, is journalled in the outbox (QoS 1 and 2) and
 * handed to the uplink, which settles it there; the link, the clock and the prompt stand beside that way and never on it.
 * Knows no hardware: all of it comes with the board. One object is one life between two resets; `close` is the power cut.
 * In safe mode there are the prompt, the link and updates alone: what lies in flash is not touched.
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
import { Outbox } from "./outbox/outbox.js";
import type { Key } from "./settings/schema.js";
import { Settings } from "./settings/settings.js";
import type { KeyValueStore } from "./settings/store.js";
import { openSafeUplink, type SafeUplink } from "./thermometer/broker/safe-uplink.js";
import type { SessionRecord } from "./thermometer/broker/session-record.js";
import { Uplink, type UplinkOwner } from "./thermometer/broker/uplink.js";
import { DeviceLog } from "./thermometer/device-log.js";
import { FactoryReset, type ResetOwner } from "./thermometer/factory-reset.js";
import { Health, type HealthOwner } from "./thermometer/health.js";
import { Intake, type IntakeOwner } from "./thermometer/intake.js";
import type { Lifetime } from "./thermometer/lifetime.js";
import { NoSettings, openSettings } from "./thermometer/no-settings.js";
import { LinkOwner, OutboxOwner, type Owner, SettingsOwner, TimeOwner } from "./thermometer/owners.js";
import { Announcement } from "./thermometer/presence/announcement.js";
import { concernsNumbers } from "./thermometer/presence/controls.js";
import type { Product } from "./thermometer/prompt/product.js";
import { PromptHost } from "./thermometer/prompt/prompt-host.js";
import { openRecords, samplePolicy } from "./thermometer/records.js";
import { concernsSampling, Sampling, type SamplingOwner } from "./thermometer/sampling.js";
import { type Awakening, REPORT_CLOCK_MS, SleepControl, type SleepOwner } from "./thermometer/sleep/sleep-control.js";
import { onSlowClock } from "./thermometer/sleep/slow-clock.js";
import { Updating, type UpdatingOwner } from "./thermometer/updating.js";

/** All of the prompt, and what takes no question; permission.ts says which may be sent. */
const remoteCommands = Object.freeze([...commands, change]);
/** Sending waits no longer than this for the clock to be set, once the link is up. */
export const CLOCK_PATIENCE_MS = 30_000;

/** The device between two resets. `close` is the power cut. */
export class Thermometer
  implements Product, Owner, HealthOwner, SamplingOwner, IntakeOwner, UplinkOwner, ResetOwner, SleepOwner, UpdatingOwner
{
  readonly board: Board;
  readonly settings: Settings;
  readonly health: Health;
  readonly id: string;
  readonly outbox: Outbox | undefined;
  readonly journal: Journal | undefined;
  readonly sessionRecord: SessionRecord | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly flashTrouble: string | undefined;
  readonly link: Link | undefined;
  readonly uplink: Uplink | undefined;
  /** In safe mode, where the firmware can be replaced. */
  readonly safeUplink: SafeUplink | undefined;
  readonly uplinkTrouble: string | undefined;
  readonly time: TimeSync | undefined;
  readonly sampling: Sampling | undefined;
  readonly store: KeyValueStore;
  readonly intake: Intake | undefined;
  /** Undefined if it does not sleep. */
  readonly sleep: SleepControl | undefined;
  /** Undefined where the firmware cannot be replaced while it runs. */
  readonly updating: Updating | undefined;
  /** What may be written. */
  readonly formats: Formats;
  private readonly console: Console | undefined;
  private host: PromptHost | undefined;
  private readonly _log: DeviceLog;
  private clockPatience: object | number | undefined;
  private uplinkStarted = false;
  private reset: FactoryReset | undefined;

  /** `awakening`: of a board that can sleep. */
  constructor(board: Board, awakening?: Awakening) {
    this.board = board;
    this._log = new DeviceLog(board);
    this.store = openSettings(board);
    if (this.store instanceof NoSettings)
      this.log("error", `${this.store.reason}; defaults apply, nothing can be saved`);
    this.settings = new Settings(new SettingsOwner(this), awakening?.record !== undefined);
    this.id = this.settings.get("id") || `thermometer${board.mac}`;
    this.health = new Health(this);
    if (board.update !== undefined) this.updating = this.attempt("update", () => new Updating(this));
    this.formats = new Formats(this.updating?.isTrial === true);
    const isResetDue = this.health.safeMode === undefined && FactoryReset.isDue(board, this.store);
    const isWhole = this.health.safeMode === undefined && !isResetDue; // neither: what lies in flash is not mounted
    if (isWhole && awakening !== undefined && this.settings.get("sleep")) {
      this.sleep = new SleepControl(this, awakening);
      this.board = onSlowClock(board, awakening.sleeper, this.sleep.originMs);
    }
    if (isWhole) {
      const { outbox, trouble } = this.openOutbox();
      this.outbox = outbox;
      this.flashTrouble = trouble;
      if (outbox?.isNewestFormat) this.formats.foundNewest();
      const records = outbox && this.attempt("journal", () => openRecords(this, outbox));
      this.journal = records?.journal;
      this.sessionRecord = records?.sessionRecord;
      this.lifetime = records?.lifetime;
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
    if (isOnline) this.link = this.attempt("wifi", () => this.openLink());
    if (board.wifi === undefined) this.onNetwork(true);
    this.sampling = this.intake && this.attempt("sensor", () => new Sampling(this));
    this.attempt("sensor", () => this.sampling?.restart());
    if (this.sleep?.hasPrompt !== false) this.uplink?.commands.begin(); // a sleeper's report ends no life
    if (isResetDue) this.finishReset();
    else this.attempt("update", () => this.updating?.begin());
    this.sleep?.begin();
    board.observer?.started?.(this);
  }

  /** Readings that the sampler has handed over but QoS 0 could not send, since boot. */
  get dropped(): number {
    return this.intake?.dropped ?? 0;
  }

  /** Keeps nothing itself. */
  get announcement(): Announcement {
    return new Announcement(this.store, this.formats);
  }

  /** Entries in flash that the broker has not acknowledged. */
  get unsettled(): number {
    return this.outbox?.entries ?? 0;
  }

  /** Prints a line at the prompt or, without one, in the board's trace, if the setting `log` allows it. */
  log(level: LineLevel, text: string): void {
    this._log.write(level, text);
  }

  /** A line that is no trouble and no news of the device itself. */
  print(text: string): void {
    this._log.print(text);
  }

  /** No further readings; what is in the outbox is still sent. */
  stopSampling(): void {
    this.sampling?.stop();
  }

  /** The wall clock was set from outside. */
  clockChanged(): void {
    this.log("info", "time: the clock was set anew");
    this.onClock();
  }

  /** One reading out of turn, sent like the others; `done` hears the temperature, or why there is none. */
  sampleNow(done: (answer: Answer) => void): void {
    if (this.sampling === undefined) done({ failed: "no readings are taken: see status" });
    else this.sampling.sampleNow(done);
  }

  /** Runs a line that came from afar as at the prompt. */
  runCommand(line: string, done: (answer: RemoteAnswer) => void): void {
    this.host ??= new PromptHost(this);
    const { host, settings, board } = this;
    new Remote({ settings, host, timers: board.timers, commands: remoteCommands }, line, done);
  }

  /** As pressing reset, but in order. */
  restart(reason: string): void {
    this.health.farewell();
    this.board.restart(reason);
  }

  /**
   * Takes back what the broker retains of it, erases readings and settings, and boots as a new device. `onStuck`: see FactoryReset.
   * @throws Error while another is under way
   */
  factoryReset(onStuck?: () => void): void {
    if (this.reset !== undefined) throw new Error("a factory reset is under way; it goes on by itself");
    this.stopSampling();
    this.sleep?.close();
    this.reset = new FactoryReset(this, onStuck);
    this.reset.begin();
  }

  /** The last life ended during one. */
  private finishReset(): void {
    this.log("warn", "factory reset: goes on where it was interrupted");
    this.reset = new FactoryReset(this);
    this.reset.goOn();
  }

  /** Leaves the broker politely, then `whenDone`. */
  stop(whenDone: () => void): void {
    this.stopSampling();
    this.sleep?.close();
    this.health.farewell();
    if (this.uplink === undefined) whenDone();
    else this.uplink.stop(whenDone);
  }

  /** Lets go of everything at once, as a power cut does: nothing is sent, nothing is written. */
  close(): void {
    this.reset?.close();
    this.letGo();
    this.console?.close();
  }

  /** Closes all but the prompt. */
  letGo(): void {
    if (this.clockPatience !== undefined) this.board.timers.clear(this.clockPatience);
    this.clockPatience = undefined;
    this.health.close();
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

  /** A part that cannot be made costs what it does, and not the prompt. */
  private attempt<T>(what: string, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      this.log("error", `${what}: cannot be started: ${messageOf(error)}`);
      return undefined;
    }
  }

  private openOutbox(): { outbox?: Outbox; trouble?: string } {
    try {
      return { outbox: new Outbox(new OutboxOwner(this)) };
    } catch (error) {
      const trouble = messageOf(error);
      this.log("error", `outbox: ${trouble}; readings are sent at once, or lost while there is no connection`);
      return { trouble };
    }
  }

  /** What some broker may know by its id is not evicted while that is away: its ids are in use there. */
  private keepInFlight(): void {
    const sent = this.sleep?.isAllSettled ? 0 : (this.sessionRecord?.perhapsSent ?? 0);
    const oldest = sent > 0 ? this.outbox?.seek(0) : undefined;
    if (oldest !== undefined) this.outbox?.setInFlight(oldest.sequence + sent);
  }

  /** A port that cannot be had costs the prompt, not the readings. */
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

  // What the parts report

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

  /** Comes round with every reading, taken or failed. */
  pulse(): number {
    return this.sampling?.pulse() ?? 0;
  }

  /** This image stays: from now on it may write what the one before cannot read. */
  onConfirmed(): void {
    const { formats, uplink } = this;
    this.outbox?.useNewestFormat();
    if (!formats.isOldest) return;
    formats.confirm();
    uplink?.presence.move(); // what the broker knows it by is kept in full from now on
  }

  /** Readings have been acknowledged, or the connection has come. */
  onProgress(): void {
    this.sleep?.onProgress();
  }

  /** Something was typed. */
  onInput(): void {
    this.sleep?.someoneIsThere();
  }

  private onNetwork(up: boolean): void {
    this.safeUplink?.network(up);
    if (!up) {
      this.time?.linkDown();
      this.uplink?.linkDown();
      return;
    }
    this.time?.linkUp();
    this.uplink?.linkUp(); // also before it is started: it may have heard that the link was down
    if (this.uplinkStarted) return;
    if (this.board.clock.utcMs() !== undefined || this.time === undefined) this.startUplink();
    else {
      const patienceMs = this.sleep === undefined ? CLOCK_PATIENCE_MS : REPORT_CLOCK_MS;
      this.clockPatience ??= this.board.timers.set(() => this.startUplink(), patienceMs);
    }
  }

  private startUplink(): void {
    if (this.clockPatience !== undefined) this.board.timers.clear(this.clockPatience);
    this.clockPatience = undefined;
    if (this.uplinkStarted) return;
    this.uplinkStarted = true;
    this.uplink?.start();
  }

  onSample(sample: Sample): void {
    this.intake?.take(sample);
  }

  onSaved(keys: readonly Key[]): void {
    const changed = (...names: Key[]): boolean => keys.some((key) => names.includes(key));
    if (changed("log")) this._log.level = this.settings.get("log");
    if (changed("payload", "topics", "interval")) this.intake?.journal?.follow(samplePolicy(this.settings));
    if (changed("payload", "topics", "interval", "heartbeat") || keys.some((key) => key.startsWith("deadband"))) {
      this.uplink?.presence.update(); // which says after how long a silence the device is not trusted any more
    }
    if (concernsNumbers(keys)) this.uplink?.presence.numbersChanged();
    if (changed("payload")) this.uplink?.formatChanged();
    if (changed("mqtt.ca", "mqtt.cert", "mqtt.key")) this.uplink?.encryption?.changed();
    if (changed("discovery", "discovery.prefix", "remote")) this.uplink?.presence.move();
    if (changed("outbox.full") && this.outbox !== undefined) this.outbox.whenFull = this.settings.get("outbox.full");
    if (changed("wifi.ssid", "wifi.password")) {
      this.link?.setCredentials(this.settings.get("wifi.ssid"), this.settings.get("wifi.password"));
    }
    if (changed("report")) this.sleep?.follow();
    if (changed("awake")) this.sleep?.someoneIsThere();
    if (concernsSampling(keys)) {
      this.sleep?.restart();
      this.sampling?.restart();
    }
  }
}
