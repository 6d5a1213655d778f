/*
 * Options of settings, outbox, clock and link. Each is an object that holds only the thermometer and forwards to it. Its methods
 * are in flash; an object with a function for each callback would take ten times the RAM, as long as the device runs.
 */
import type { Board, Timers } from "../board.js";
import type { LineLevel } from "../common/log-levels.js";
import { messageOf } from "../common/message-of.js";
import type { WritableFormats } from "../journal/formats.js";
import type { Journal } from "../journal/journal.js";
import { appliesFrom } from "../journal/notes.js";
import { MAX_RECORD_LENGTH } from "../journal/record.js";
import type { LinkOptions } from "../network/link.js";
import type { TimeSyncOptions } from "../network/time-sync.js";
import type { EarlierAnswers, LastSet } from "../network/time-votes.js";
import type { Flash } from "../outbox/flash/flash.js";
import type { OutboxEvent, OutboxOptions, Suspension } from "../outbox/outbox.js";
import { sensorFlaw } from "../sensor/probe.js";
import type { PastedKey } from "../settings/broker-settings.js";
import type { Key, Value } from "../settings/schema.js";
import type { Settings, SettingsOptions } from "../settings/settings.js";
import type { KeyValueStore } from "../settings/store.js";

/** The thermometer, as its parts see it. */
export interface Owner {
  readonly board: Board;
  readonly store: KeyValueStore;
  readonly settings: Settings;
  readonly id: string;
  readonly intake: { readonly isFlashFailing: boolean } | undefined;
  readonly sleep:
    | {
        readonly suspension: Suspension | undefined;
        readonly network: { readonly channel: number };
        readonly lastSet: LastSet;
        readonly earlierAnswers: EarlierAnswers | undefined;
      }
    | undefined;
  readonly journal: Journal | undefined;
  readonly formats: WritableFormats;
  log(level: LineLevel, text: string): void;
  /** Settings that take effect without a reboot were saved. */
  onSaved(keys: readonly Key[]): void;
  /** The link came up or went down, or is down for another reason than before. `detail`: a line for the log. */
  onLink(up: boolean, detail: string): void;
  /** The clock was set. */
  onClock(): void;
  /** The outbox cannot read its flash now. */
  onUnreadable(): void;
}

abstract class Owned {
  protected readonly owner: Owner;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  get timers(): Timers {
    return this.owner.board.timers;
  }

  random(): number {
    return this.owner.board.random();
  }
}

/** Options of the settings. */
export class SettingsOwner extends Owned implements SettingsOptions {
  get store(): KeyValueStore {
    return this.owner.store;
  }

  get defaults(): Board["defaults"] {
    return this.owner.board.defaults;
  }

  get overrides(): Board["overrides"] {
    return this.owner.board.overrides;
  }

  given(key: PastedKey): Uint8Array | undefined {
    const { credentials } = this.owner.board;
    switch (key) {
      case "mqtt.ca":
        return credentials?.ca;
      case "mqtt.cert":
        return credentials?.certificate;
      case "mqtt.key":
        return credentials?.key;
      default:
        throw new TypeError(`key: ${key satisfies never}`);
    }
  }

  /**
   * Applies to new values only. A saved value stays in force: if the board has no TLS any more, it is better to stop than to send a
   * password unencrypted.
   */
  refuse(key: Key, value: Value): string | undefined {
    const board = this.owner.board;
    if (board.tls === undefined && value !== "") {
      if (key === "mqtt.tls" && value === true) return `got "on", but ${board.name} has no TLS; leave it off`;
      if (key === "mqtt.ca" || key === "mqtt.cert" || key === "mqtt.key")
        return `is of no use, ${board.name} has no TLS`;
    }
    if (key !== "sensor") return undefined;
    const flaw = sensorFlaw(String(value), board.drivers);
    return flaw === undefined ? undefined : `got "${value}", ${flaw}`;
  }

  onProblem(text: string): void {
    this.owner.log("warn", text);
  }

  onChange(keys: readonly Key[]): void {
    this.owner.onSaved(keys);
  }
}

/** Options of the outbox. Read once, when the outbox is made: reading `flash` opens the partition. */
export class OutboxOwner extends Owned implements OutboxOptions {
  get flash(): Flash {
    return this.owner.board.openFlash();
  }

  get writeUnit(): Board["flashWriteUnit"] {
    return this.owner.board.flashWriteUnit;
  }

  /** The largest record, in bytes. A shorter one saves RAM. */
  get maxPayload(): number {
    return MAX_RECORD_LENGTH;
  }

  /** An image on trial writes only what the previous image can read. */
  get keepsFormat(): boolean | undefined {
    return this.owner.formats.isOldest;
  }

  /** From before the last sleep; undefined if there was none. */
  get suspension(): Suspension | undefined {
    return this.owner.sleep?.suspension;
  }

  get whenFull(): "dropOldest" | "refuse" {
    return this.owner.settings.get("outbox.full");
  }

  /** The clock is often set after the samples that it dates. */
  appliesFrom(tag: number, note: Uint8Array): number {
    return appliesFrom(tag, note);
  }

  onEvent(event: OutboxEvent): void {
    if (event.kind === "unreadable") {
      this.owner.onUnreadable();
      return;
    }
    if (event.kind === "dropped") this.owner.board.observer?.evicted?.(event.first, event.end);
    // Failing flash was logged once, and is not logged for each entry.
    if (this.owner.intake?.isFlashFailing && (event.kind === "refused" || event.kind === "unmarked")) return;
    this.owner.log("warn", `outbox: ${event.message}`);
  }
}

/** The same, for flash of which a part cannot be read for long. */
export class PassingOutboxOwner extends OutboxOwner {
  get passesUnreadable(): boolean {
    return true;
  }
}

/** Options of the time source, on a board that has NTP. */
export class TimeOwner extends Owned implements TimeSyncOptions {
  get ntp(): NonNullable<Board["ntp"]> {
    return this.owner.board.ntp as NonNullable<Board["ntp"]>;
  }

  get hosts(): string {
    return this.owner.settings.get("ntp");
  }

  pastUtcMs(): number | undefined {
    try {
      return this.owner.journal?.lastBootUtcMs;
    } catch (error) {
      this.onFault(error); // flash cannot be read
      return undefined;
    }
  }

  uptimeMs(): number {
    return this.owner.board.clock.uptimeMs();
  }

  lastSet(): LastSet | undefined {
    return this.owner.sleep?.lastSet;
  }

  earlierAnswers(): EarlierAnswers | undefined {
    return this.owner.sleep?.earlierAnswers;
  }

  setUtc(utcMs: number): void {
    this.owner.board.setUtc(utcMs);
  }

  onSynced(): void {
    this.owner.onClock();
  }

  onProblem(text: string): void {
    this.owner.log("warn", `time: ${text}`);
  }

  onFault(error: unknown): void {
    this.owner.log("error", `time: ${messageOf(error)}`);
  }
}

/** Options of the link, on a board that has Wi-Fi. */
export class LinkOwner extends Owned implements LinkOptions {
  get wifi(): NonNullable<Board["wifi"]> {
    return this.owner.board.wifi as NonNullable<Board["wifi"]>;
  }

  get ssid(): string {
    return this.owner.settings.get("wifi.ssid");
  }

  get password(): string {
    return this.owner.settings.get("wifi.password");
  }

  get hostname(): string {
    return this.owner.settings.get("hostname") || this.owner.id;
  }

  /** Known from a sleeper's last report. */
  get channel(): number | undefined {
    return this.owner.sleep?.network.channel;
  }

  onChange(up: boolean, detail: string): void {
    this.owner.onLink(up, detail);
  }

  onFault(error: unknown): void {
    this.owner.log("error", `wifi: ${messageOf(error)}`);
  }
}
