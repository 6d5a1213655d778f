/*
 * Updates as the device has them from boot to boot: takes announcements or refuses them, makes the updater for the time of one, begins a
 * trial, reports how an update ended. Knows no topics: whoever owns it passes messages on, and sends `state`.
 */
import { fromASCII } from "../common/ascii.js";
import type { LineLevel } from "../common/log-levels.js";
import { messageOf } from "../common/message-of.js";
import type { Slots, UpdatePort } from "./io.js";
import { isFitting, MAX_OFFER_BYTES, type Offer, objectionTo, parseOffer } from "./offer.js";
import { dutyOf, readRecord, type UpdateRecord, type UpdateStore, writeRecord } from "./record.js";
import { ImageTrial, type Proofs, type TrialOwner } from "./trial.js";
import { Updater, type UpdaterOwner } from "./updater.js";

/** From the last word to the restart: it is on its way by then. */
const FAREWELL_MS = 500;
/** Whoever sent an image has gone, if a sleeper has stayed awake for its next block before so many sleeps in a row, and none has come. */
const MAX_QUIET = 20;

/** A piece of a message, as the MQTT client gives it. */
export interface Piece {
  readonly payload: Uint8Array;
  readonly offsetBytes: number;
  readonly totalBytes: number;
  readonly last: boolean;
}

/** What updates ask of the device, without topics. */
export interface UpdatesOwner extends Proofs {
  readonly update: UpdatePort;
  readonly store: UpdateStore;
  readonly timers: TrialOwner["timers"];
  /** The firmware's. */
  readonly version: string;
  /** How the life before this one ended; "": in order, or it could not say. */
  readonly lastWords: string;
  uptimeMs(): number;
  /** `state` is another: to be sent, retained. */
  onState(): void;
  /** Chunks are wanted from now on, or not any more. */
  wantChunks(isWanted: boolean): void;
  /** The trial is over, and this image stays. */
  onConfirmed(): void;
  restart(reason: string): void;
  log(level: LineLevel, text: string): void;
}

/** Updates from boot to boot. */
export class Updates implements UpdaterOwner, TrialOwner {
  private readonly owner: UpdatesOwner;
  readonly slots: Slots;
  private isOnTrial: boolean;
  private updater: Updater | undefined;
  private trial: ImageTrial | undefined;
  /** The announcement that comes in. */
  private incoming: Uint8Array | undefined;
  /** The last one that was refused, and why. */
  private refused: { readonly id: string; readonly why: string } | undefined;
  /** The version that waits to be wanted. */
  private available: string | undefined;
  private timer: object | number | undefined;

  constructor(owner: UpdatesOwner) {
    this.owner = owner;
    this.slots = new owner.update.io(owner.update);
    this.isOnTrial = dutyOf(readRecord(owner.store), this.slots, "") === "trial";
  }

  /** What this boot has to do for an update. */
  begin(): void {
    const { owner, slots } = this;
    const record = readRecord(owner.store);
    const duty = dutyOf(record, slots, owner.lastWords);
    switch (duty) {
      case "trial":
        this.trial = new ImageTrial(this, record);
        owner.wantChunks(false); // the session may have them
        owner.log("info", "update: this image is on trial");
        return;
      case "receive":
        if ((record as UpdateRecord).quiet >= MAX_QUIET) this.abort(record as UpdateRecord);
        else if (owner.update.key !== undefined) this.start(record as UpdateRecord);
        return;
      case "verify":
        if (owner.update.key !== undefined) this.start(record as UpdateRecord);
        return;
      case "report":
        this.report(record as UpdateRecord);
        return;
      case "none":
        return;
      default:
        duty satisfies never;
    }
  }

  /** The device is not to sleep. */
  get isBusy(): boolean {
    return this.trial !== undefined || this.timer !== undefined || this.updater?.isBusy === true;
  }

  /** Nothing would be lost if another one was made for what comes next; `begin` is not for that one. */
  get isIdle(): boolean {
    const { trial, updater, incoming, refused, available, timer } = this;
    return !(trial ?? updater ?? incoming ?? refused ?? available ?? timer);
  }

  /** What the old image cannot read is not to be written. */
  get isTrial(): boolean {
    return this.isOnTrial;
  }

  /** The update that is under way, or the last one. Not kept in RAM between. */
  private get record(): UpdateRecord | undefined {
    return this.updater?.record ?? this.trial?.record ?? readRecord(this.store);
  }

  /** For a person; undefined: nothing worth a line. */
  get text(): string | undefined {
    const { trial, updater, refused, owner } = this;
    if (trial !== undefined) return `on trial: ${trial.missing}`;
    if (updater !== undefined)
      return `${updater.record.offer.version}: ${updater.record.phase}, ${percentOf(updater)} %`;
    if (owner.update.key === undefined) return "off: this build has no public key";
    if (refused !== undefined) return `refused: ${refused.why}`;
    const { record } = this;
    if (record?.phase === "rolledBack") return `${record.offer.version} was taken back: ${record.why}`;
    return record?.phase === "failed" ? `${record.offer.version} failed: ${record.why}` : undefined;
  }

  /** JSON: `version` that runs, `state` of the last update, what belongs to it (`at`: while it is under way), and the version that is `available`. */
  get state(): string {
    const { updater, trial, refused, owner, record, available } = this;
    const { id, version: latest, size } = record?.offer ?? {};
    const { version } = owner;
    if (refused !== undefined)
      return JSON.stringify({ version, state: "refused", id: refused.id, reason: refused.why, available });
    if (record === undefined)
      return JSON.stringify({ version, state: owner.update.key === undefined ? "off" : "idle", available });
    const reason = record.why === "" ? undefined : record.why;
    const at = trial === undefined ? updater?.at : size;
    return JSON.stringify({ version, state: record.phase, id, latest, at, size, reason, available });
  }

  /** A piece of an announcement. */
  announcement({ payload, offsetBytes, totalBytes, last }: Piece): void {
    if (totalBytes === 0) {
      this.show(undefined); // a retained one is taken back
      return;
    }
    if (offsetBytes === 0) this.incoming = totalBytes > MAX_OFFER_BYTES ? undefined : new Uint8Array(totalBytes);
    this.incoming?.set(payload, offsetBytes);
    if (!last) return;
    const offer = this.incoming && parseOffer(this.incoming);
    const id = idIn(this.incoming);
    this.incoming = undefined;
    if (offer === undefined) this.refuse(id, "not understood: not the announcement of an image");
    else if (offer.wait) this.show(offer);
    else this.hear(offer);
  }

  chunk({ payload, offsetBytes, totalBytes, last }: Piece): void {
    this.updater?.piece(payload, offsetBytes, totalBytes, last);
  }

  /** Before a sleep. */
  pause(): void {
    this.updater?.pause();
  }

  close(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
    this.updater?.close();
    this.trial?.close();
    this.slots.close();
  }

  /** What waits to be wanted; undefined: nothing does any more. */
  private show(offer: Offer | undefined): void {
    const { owner, available } = this;
    const { update, version } = owner;
    const isShown = offer !== undefined && update.key !== undefined && isFitting(offer, update, version);
    this.available = isShown ? offer.version : undefined;
    if (this.available !== available) owner.onState();
  }

  private hear(offer: Offer): void {
    const { owner, updater } = this;
    this.available = undefined; // it stood on the same topic
    if (this.record?.offer.id === offer.id) {
      this.refused = undefined;
      owner.onState(); // the same once more: it asks how far it is
      return;
    }
    if (this.trial !== undefined || this.timer !== undefined) {
      this.refuse(offer.id, "another update is on trial");
      return;
    }
    if (updater !== undefined && updater.record.offer.signature === offer.signature) {
      this.refused = undefined;
      updater.adopt(offer.id);
      owner.onState();
      return;
    }
    if (updater?.isBusy) {
      this.refuse(offer.id, `another update is running: ${updater.record.offer.version}, ${percentOf(updater)} %`);
      return;
    }
    this.take(offer);
  }

  private take(offer: Offer): void {
    const { owner, slots } = this;
    const why = this.objectionTo(offer);
    if (why !== undefined) {
      this.refuse(offer.id, why);
      return;
    }
    this.updater?.close();
    owner.log("info", `update: ${offer.version} comes, ${offer.size} bytes`);
    const target = 1 - slots.running;
    const from = owner.version;
    this.start({ phase: "receiving", offer, target, from, at: 0, tries: 0, quiet: 0, sensor: "", why: "" });
  }

  private objectionTo(offer: Offer): string | undefined {
    const { update, version } = this.owner;
    try {
      const flash = this.slots.open();
      const slotBytes = flash.status().size;
      flash.close();
      return objectionTo(offer, { update, version, slotBytes });
    } catch (error) {
      return `the slot cannot be opened: ${messageOf(error)}`;
    }
  }

  private start(record: UpdateRecord): void {
    this.refused = undefined;
    const updater = new Updater(this, record);
    this.updater = updater;
    updater.begin();
    if (this.updater === undefined) return; // it has failed
    this.owner.wantChunks(record.phase === "receiving");
    this.owner.onState();
  }

  private refuse(id: string, why: string): void {
    this.refused = { id, why };
    this.owner.log("warn", `update: refused: ${why}`);
    this.owner.onState();
  }

  /** It has stayed awake for it often enough. */
  private abort(record: UpdateRecord): void {
    record.phase = "failed";
    record.why = `no block came at ${record.quiet} reports in a row: send it again`;
    this.end(record);
    this.owner.log("error", `update: ${record.offer.version} failed: ${record.why}`);
  }

  /** How an update ended is found at a boot. */
  private report(record: UpdateRecord): void {
    this.end(record);
    this.owner.log("error", `update: ${record.offer.version} was taken back: ${record.why}`);
  }

  private end(record: UpdateRecord): void {
    try {
      writeRecord(this.owner.store, record);
    } catch {
      // It is found again.
    }
    this.owner.wantChunks(false);
    this.owner.onState();
  }

  private restartSoon(reason: string): void {
    this.timer = this.timers.set(() => {
      this.timer = undefined;
      this.owner.restart(reason);
    }, FAREWELL_MS);
  }

  // What updater and trial ask of their owner

  get store(): UpdateStore {
    return this.owner.store;
  }

  get timers(): UpdatesOwner["timers"] {
    return this.owner.timers;
  }

  get update(): UpdatesOwner["update"] {
    return this.owner.update;
  }

  uptimeMs(): number {
    return this.owner.uptimeMs();
  }

  sensorTrouble(): string {
    return this.owner.sensorTrouble();
  }

  linkTrouble(): string {
    return this.owner.linkTrouble();
  }

  brokerTrouble(): string {
    return this.owner.brokerTrouble();
  }

  onProgress(): void {
    const { updater, owner } = this;
    const { phase, offer, why } = (updater as Updater).record;
    if (phase === "failed") {
      this.updater = undefined;
      owner.log("error", `update: ${offer.version} failed: ${why}`);
    }
    if (phase !== "receiving") owner.wantChunks(false);
    owner.onState();
  }

  onSelected(): void {
    const { offer } = (this.updater as Updater).record;
    this.owner.log("info", `update: ${offer.version} is written and genuine`);
    this.restartSoon(`update to ${offer.version}`);
  }

  onConfirmed(): void {
    const why = this.trial?.record?.why;
    this.trial = undefined;
    this.isOnTrial = false;
    this.owner.onConfirmed();
    this.owner.log("info", `update: ${this.owner.version} is confirmed${why ? `: ${why}` : ""}`);
    this.owner.onState();
  }

  onRolledBack(why: string): void {
    this.owner.log("error", `update: goes back: ${why}`);
    this.owner.onState();
    this.restartSoon("update: back to the image before");
  }
}

function percentOf({ at, record }: Updater): number {
  return Math.floor((100 * at) / record.offer.size);
}

/** Of an announcement that is not understood: so that the answer finds its way. */
function idIn(bytes: Uint8Array | undefined): string {
  const found = bytes && /"id":"([\da-f]{8})"/.exec(fromASCII(bytes) ?? "");
  return found?.[1] ?? "";
}
