/*
 * The thermometer's side of the prompt: the rows of `status`, and the commands that act on more than settings. Forwards
 * requests; keeps nothing.
 */
import type { ConsoleOptions } from "../../console/console.js";
import type { Answer, ConsoleHost, Network, QueuePort, SettingsPort } from "../../console/host/host.js";
import type { LogLevel } from "../../console/host/log-levels.js";
import type { Serial, Timers } from "../../console/port/serial.js";
import { listSensors } from "../../sensor/probe.js";
import { nearest } from "../../settings/nearest.js";
import { VERSION } from "../../version.js";
import { counted } from "../agreement.js";
import type { Product } from "./product.js";
import { Provisioning } from "./provisioning.js";
import { statusRows } from "./status.js";

/** Readings dropped in one turn of the event loop: for all of a full flash it would take longer than the watchdog allows. */
const A_TURN = 250;

/** The device as the prompt's host. */
export class PromptHost implements ConsoleOptions, ConsoleHost, QueuePort {
  private readonly thermometer: Product;
  private provisioning: Provisioning | undefined; // made at the first byte typed

  constructor(thermometer: Product) {
    this.thermometer = thermometer;
  }

  // Options of the console. One object serves as options, host and queue, to save RAM.

  get serial(): Serial {
    return this.thermometer.board.serial as Serial; // only called if there is a console
  }

  get settings(): SettingsPort {
    return this.thermometer.settings;
  }

  get timers(): Timers {
    return this.thermometer.board.timers;
  }

  get level(): LogLevel {
    return this.thermometer.settings.get("log");
  }

  get host(): ConsoleHost {
    return this;
  }

  get improv(): Provisioning {
    this.provisioning ??= new Provisioning(this.thermometer);
    return this.provisioning;
  }

  onInput(): void {
    this.thermometer.onInput();
  }

  /** The link came up, or another attempt failed. */
  linkChanged(): void {
    this.provisioning?.linkChanged();
  }

  // For commands

  get version(): string {
    return `home-thermometer ${VERSION} (${this.thermometer.board.name})`;
  }

  status(): readonly (readonly [label: string, value: string])[] {
    return statusRows(this.thermometer);
  }

  reboot(): void {
    this.thermometer.restart("reboot");
  }

  factoryReset(onStuck: () => void): void {
    this.thermometer.factoryReset(onStuck);
  }

  factoryResetErases(): string {
    if (this.thermometer.outbox === undefined) return "all settings and all readings that were not sent yet";
    const count = this.count();
    return `all settings and ${counted(count, "reading")} that ${count === 1 ? "was" : "were"} not sent yet`;
  }

  identify(): string {
    this.thermometer.print(`this is ${this.thermometer.id}`);
    return "no LED on this board: see its prompt";
  }

  announce(): boolean {
    const { uplink } = this.thermometer;
    uplink?.presence.update();
    return uplink?.isConnected === true;
  }

  sampleNow(done: (answer: Answer) => void): void {
    this.thermometer.sampleNow(done);
  }

  sensors(done: (answer: Answer) => void): void {
    const { board, sampling } = this.thermometer;
    const inUse: { name: string; address: number }[] = [];
    for (const { opened } of sampling?.status.sensors ?? []) {
      if (opened !== undefined) inUse.push({ name: opened.driver.name, address: opened.address });
    }
    const found = listSensors(board.sensor, board.drivers, inUse);
    const lines = found.map((one) => `0x${one.address.toString(16)}  ${one.name ?? `unknown: ${one.detail}`}`);
    done(lines.length > 0 ? { lines } : { failed: "nothing answers on the bus: check power and wires" });
  }

  get scan(): ConsoleHost["scan"] {
    return this.thermometer.board.wifi === undefined ? undefined : this.scanNetworks;
  }

  nearest(name: string, names: readonly string[]): string | undefined {
    return nearest(name, names);
  }

  get queue(): QueuePort | undefined {
    return this.thermometer.journal === undefined ? undefined : this;
  }

  /** Exact; the outbox's own count may be too high after a boot. */
  count(): number {
    return this.thermometer.outbox?.statistics().entries ?? 0;
  }

  peek(): () => string | undefined {
    const { outbox, journal } = this.thermometer;
    let from = 0;
    return () => {
      const entry = outbox?.seek(from);
      if (entry === undefined || journal === undefined) return undefined;
      const { sequence, qos, released } = entry;
      from = sequence + 1;
      return `${sequence}  QoS ${qos}${released ? " (released)" : ""}  ${journal.describe(entry)}`;
    };
  }

  end(): number {
    return this.thermometer.outbox?.nextSequence ?? 0;
  }

  drop(end: number, report: (dropped: number, isOver: boolean) => boolean): void {
    const { board, outbox, uplink } = this.thermometer;
    let dropped = 0;
    const oldest = () => {
      const entry = outbox?.seek(0);
      return entry !== undefined && entry.sequence < end ? entry : undefined;
    };
    const step = (): void => {
      const turnEnd = dropped + A_TURN;
      let entry = oldest();
      for (; entry !== undefined && dropped < turnEnd; entry = oldest()) {
        const { sequence, qos } = entry;
        if (qos === 2) this.endSession();
        outbox?.settle(sequence);
        board.observer?.settled?.(sequence, "dropped");
        dropped++;
      }
      const isOver = entry === undefined;
      if (report(dropped, isOver) && !isOver) board.timers.set(step, 0);
      else uplink?.release();
    };
    uplink?.hold(); // so that none of them is sent meanwhile
    board.timers.set(step, 0);
  }

  /**
   * Called before an entry is removed that a broker may know by its packet id. The broker would mistake a later reading with
   * that id for a repetition, so the session must end, too.
   */
  private endSession(): void {
    const { sessionRecord, uplink } = this.thermometer;
    if (sessionRecord === undefined || sessionRecord.perhapsSent === 0) return;
    sessionRecord.forget();
    uplink?.wipe();
  }

  /** `scan`, on a board with Wi-Fi. Called as a method of this object. */
  private scanNetworks(done: (networks: readonly Network[] | { readonly failed: string }) => void): void {
    const networks: Network[] = [];
    const begun = this.thermometer.link?.scan({
      onFound: (network) => networks.push(network),
      onDone: (error) => done(error === undefined ? networks : { failed: error.message }),
    });
    if (!begun) done({ failed: "a scan is under way already" });
  }
}
