/*
 * Updates of a device from boot to boot, as one state machine over the record in flash (record.ts): takes announcements or refuses them,
 * has the image written and read back, selects it, tries it for ten minutes, confirms it or goes back, and finds how the last one ended.
 * Everything is sliced: one block, or one page that is read back, in one turn, so that samples and acknowledgements go on. Knows no
 * topics: who extends it passes messages on, and sends `state`.
 *
 *   receiving -> verifying -> switching -> (restart) trial -> confirmed
 *       each of these: failed                          \-> (restart) rolledBack
 */
import { messageOf } from "../common/message-of.js";
import type { TimerId, Timers } from "../common/timers.js";
import type { UpdateDevice } from "./device.js";
import { ImageWriter, type Piece } from "./image-writer.js";
import type { Slots, UpdatePort } from "./io.js";
import { isGenuine, isOffer, MAX_OFFER_BYTES, misfitOf, OFF, type Offer, parseOffer } from "./offer.js";
import { isOver, lineOf, type Phase, phaseAtBoot, readRecord, type UpdateRecord, writeRecord } from "./record.js";

/** Without a chunk for so long, the device does not stay awake for the next one. */
export const CHUNK_PATIENCE_MS = 60_000;
/** After a boot in the midst of an image: for so long. */
const RESUME_PATIENCE_MS = 30_000;
/** Whoever sent an image has gone, if a sleeper has stayed awake for its next block before so many sleeps in a row, and none has come. */
const MAX_QUIET = 20;
/** The record is written anew after so many blocks: a power cut costs no more than these. */
const BLOCKS_PER_RECORD = 16;
/** A chip that does not start what it has taken is not asked for ever. */
const MAX_TRIES = 3;
/** From the last word to the restart: it is on its way by then. */
const FAREWELL_MS = 500;
/** How long a trial may take, in minutes. */
const TRIAL_MINUTES = 10;
/** On trial, all is asked so often. */
const LOOK_MS = 1_000;

/** Updates from boot to boot. */
export abstract class Updates<Device extends UpdateDevice = UpdateDevice> {
  /** What the old image cannot read is not to be written. */
  isTrial: boolean;
  protected readonly device: Device;
  protected readonly update: UpdatePort;
  /** The version that runs. */
  private readonly version: string;
  /** What is under way: the last one is not kept in RAM. On trial, undefined: this image has come by another way than an announcement. */
  private record: UpdateRecord | undefined;
  private writer: ImageWriter | undefined;
  /** The announcement that comes in. */
  private incoming: Uint8Array | undefined;
  /** The last one that was refused, and why. */
  private refused: { readonly phase: "refused"; readonly offer: Partial<Offer>; readonly why: string } | undefined;
  /** The version that waits to be wanted. */
  private available: string | undefined;
  private timer: TimerId | undefined;

  constructor(device: Device, update: UpdatePort, version: string) {
    this.device = device;
    this.update = update;
    this.version = version;
    this.isTrial = phaseAtBoot(readRecord(device.store), this.slots) === "trial";
  }

  /** `state` is another: to be sent, retained. */
  protected abstract onState(): void;
  /** Chunks are wanted from now on, or not any more. */
  protected abstract wantChunks(isWanted: boolean): void;
  /** What is wrong with the sensor, in words; "no reading yet" before the first one; "": nothing. */
  protected abstract sensorTrouble(): string;
  /** What is wrong with link or broker; "": nothing. */
  protected abstract connectionTrouble(): string;

  /** What this boot has to do for an update. */
  begin(): void {
    const { device, slots } = this;
    const record = readRecord(device.store);
    const phase = phaseAtBoot(record, slots);
    if (phase === undefined) return;
    if (!isOver(record?.phase)) this.record = record;
    if (phase === "receiving" || phase === "verifying") {
      (record as UpdateRecord).phase = phase;
      this.attempt(this.goOn);
      return;
    }
    let why = "";
    if (phase === "trial") this.later(LOOK_MS, this.look);
    else if (phase === "rolledBack") {
      const { lastWords } = device.health;
      why = record?.why || `it ended before it was confirmed${lastWords && `: ${lastWords}`}`;
    }
    this.enter(phase, why);
  }

  /** The device is not to sleep. */
  get isBusy(): boolean {
    const { isTrial, record, writer } = this;
    if (isTrial || record?.phase !== "receiving") return isTrial || record !== undefined;
    return writer !== undefined && this.nowMs < writer.patienceEndMs;
  }

  /** For a person; undefined: nothing worth a line. */
  get text(): string | undefined {
    const { record, writer, refused } = this;
    if (this.isTrial) return `on trial: ${this.missing}`;
    if (record && writer) return `${lineOf(record)}, ${Math.floor((100 * writer.at) / record.offer.size)} %`;
    if (this.update.key === undefined) return OFF;
    if (refused) return `refused: ${refused.why}`;
    const last = readRecord(this.device.store);
    return last?.why ? lineOf(last) : undefined;
  }

  /** JSON: `version` that runs, `state` of the last update, what belongs to it (`at`: while it is under way), and the version that is `available`. */
  get state(): string {
    const { version, record, writer, refused, available, isTrial } = this;
    const { phase, offer, why } = refused ?? record ?? readRecord(this.device.store) ?? {};
    return JSON.stringify({
      version,
      state: phase ?? (this.update.key === undefined ? "off" : "idle"),
      id: offer?.id,
      latest: offer?.version,
      at: refused || !record ? undefined : isTrial || record.phase !== "receiving" ? offer?.size : writer?.at,
      size: offer?.size,
      reason: why || undefined,
      available,
    });
  }

  /** A piece of an announcement. */
  announcement({ payload, offsetBytes, totalBytes, last }: Piece): void {
    if (offsetBytes === 0) this.incoming = totalBytes > MAX_OFFER_BYTES ? undefined : new Uint8Array(totalBytes);
    this.incoming?.set(payload, offsetBytes);
    if (!last) return;
    const offer = parseOffer(this.incoming);
    this.incoming = undefined;
    if (totalBytes === 0)
      this.show(undefined); // a retained one is taken back
    else if (!isOffer(offer)) this.refuse(offer ?? {}, "not understood: not the announcement of an image");
    else if (offer.wait) this.show(misfitOf(offer, this.update, this.version) ? undefined : offer.version);
    else this.hear(offer);
  }

  /** A piece of a chunk. */
  chunk(piece: Piece): void {
    const { record, writer } = this;
    if (!record || !writer || record.phase !== "receiving") return;
    this.attempt(() => {
      const { at } = writer;
      writer.take(piece);
      if (writer.at > at) this.blockCame(record, writer);
      if (piece.last) this.onState(); // which says what is wanted
    });
  }

  /** Before a sleep: what is written is not asked for again. */
  pause(): void {
    const { record, writer } = this;
    if (!record || !writer || record.phase !== "receiving") return;
    record.quiet = writer.at > writer.beganAt ? 0 : record.quiet + 1;
    this.attempt(this.keep);
  }

  /** Lets go of flash and timer. */
  close(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
    this.writer?.flash.close();
    this.writer = undefined;
  }

  private get slots(): Slots {
    const { update } = this;
    return new update.io(update);
  }

  protected get timers(): Timers {
    return this.device.board.timers;
  }

  private get nowMs(): number {
    return this.device.board.clock.uptimeMs();
  }

  /** What waits to be wanted; undefined: nothing does any more. */
  private show(version: string | undefined): void {
    if (version === this.available) return;
    this.available = version;
    this.onState();
  }

  private hear(offer: Offer): void {
    const { device, record } = this;
    const { id, signature } = offer;
    this.available = undefined; // it stood on the same topic
    this.refused = undefined;
    if ((record ?? readRecord(device.store))?.offer.id === id) {
      this.onState(); // the same once more: it asks how far it is
      return;
    }
    if (record && this.writer && record.offer.signature === signature) {
      record.offer = offer;
      record.quiet = 0;
      this.writer.patienceEndMs = this.nowMs + CHUNK_PATIENCE_MS;
      this.attempt(() => this.enter(record.phase));
      return;
    }
    const why = this.objectionTo(offer);
    if (why !== undefined) {
      this.refuse(offer, why);
      return;
    }
    this.close(); // of another one
    const target = 1 - this.slots.running;
    this.record = { phase: "receiving", offer, target, at: 0, tries: 0, quiet: 0, sensor: "", why: "" };
    this.attempt(this.goOn);
  }

  /** Why it is not taken; undefined: it is. */
  private objectionTo(offer: Offer): string | undefined {
    const { update, version } = this;
    if (this.isBusy) return `another update is running: ${this.text}`;
    const misfit = misfitOf(offer, update, version);
    if (misfit) return misfit;
    try {
      const flash = this.slots.open();
      const { size } = flash.status();
      flash.close();
      if (offer.size > size) return `too large: ${offer.size} bytes, the slot has ${size}`;
    } catch (error) {
      return messageOf(error);
    }
    if (!isGenuine(offer, update)) return "wrong signature: not made with the key that this build trusts";
    return update.isBatteryLow?.() ? "the battery is low" : undefined;
  }

  /** What is said of it: that it is for whoever named it so. */
  private refuse({ id }: Partial<Offer>, why: string): void {
    this.refused = { phase: "refused", offer: { id }, why };
    this.device.log("warn", `update: refused: ${why}`);
    this.onState();
  }

  /** Begins, or goes on after a boot. */
  private goOn(): void {
    const record = this.record as UpdateRecord;
    const { phase, at, quiet } = record;
    if (quiet >= MAX_QUIET) throw new Error(`no block came at ${quiet} reports in a row: send it again`);
    const writer = new ImageWriter(this.slots.open(), record);
    this.writer = writer;
    writer.patienceEndMs = this.nowMs + (at === 0 ? CHUNK_PATIENCE_MS : RESUME_PATIENCE_MS);
    if (phase === "verifying") {
      this.verify();
      return;
    }
    this.enter(phase); // before anything is erased
    if (at === 0) this.slots.forget();
    this.later(0, this.eraseAhead);
  }

  private eraseAhead(): void {
    (this.writer as ImageWriter).eraseAhead();
  }

  private blockCame(record: UpdateRecord, writer: ImageWriter): void {
    const { at, blockLength } = writer;
    writer.patienceEndMs = this.nowMs + CHUNK_PATIENCE_MS;
    if (at === record.offer.size) this.verify();
    else {
      if ((at / blockLength) % BLOCKS_PER_RECORD === 0) this.keep();
      this.later(0, this.eraseAhead);
    }
  }

  private keep(): void {
    const record = this.record as UpdateRecord;
    record.at = (this.writer as ImageWriter).at;
    writeRecord(this.device.store, record);
  }

  private verify(): void {
    this.enter("verifying");
    (this.writer as ImageWriter).at = 0;
    this.later(0, this.readBack);
  }

  private readBack(): void {
    const record = this.record as UpdateRecord;
    const digest = (this.writer as ImageWriter).readBack();
    if (digest === undefined) {
      this.later(0, this.readBack);
      return;
    }
    if (digest !== record.offer.sha256) throw new Error("what was written is not what was announced");
    if (!isGenuine(record.offer, this.update)) throw new Error("wrong signature");
    if (++record.tries > MAX_TRIES) throw new Error("the chip does not start it");
    record.sensor = this.sensorTrouble();
    this.enter("switching");
    this.slots.select();
    this.leave(`update to ${record.offer.version}`);
  }

  /** Restarts, when the state has been sent. */
  private leave(reason: string): void {
    this.later(FAREWELL_MS, () => this.device.restart(reason));
  }

  /** On trial: what is missing yet; "": nothing. */
  private get missing(): string {
    const sensor = this.sensorTrouble();
    const connection = this.connectionTrouble();
    if (sensor === "" || sensor === this.record?.sensor) return connection;
    return connection === "" ? sensor : `${sensor}; ${connection}`;
  }

  private look(): void {
    const { missing } = this;
    if (missing === "") this.confirm();
    else if (this.nowMs < TRIAL_MINUTES * 60_000) this.later(LOOK_MS, this.look);
    else this.goBack(`not within ${TRIAL_MINUTES} minutes: ${missing}`);
  }

  private confirm(why = ""): void {
    const { device, slots } = this;
    try {
      slots.confirm();
    } catch {
      this.later(LOOK_MS, this.look); // the chip did not take it: nothing has changed
      return;
    }
    this.isTrial = false;
    this.enter("confirmed", why);
    device.onConfirmed();
  }

  private goBack(why: string): void {
    this.enter("trial", why); // the old image enters how it ended
    try {
      this.slots.rollBack();
      this.leave(`update: goes back: ${why}`);
    } catch (error) {
      this.confirm(`${why}; no way back: ${messageOf(error)}`);
    }
  }

  /** The one way from phase to phase: kept and said. @throws what the store throws, where that is to end the update */
  private enter(phase: Phase, why = ""): void {
    const { device, record } = this;
    if (isOver(phase)) {
      this.close();
      this.record = undefined;
    }
    if (record !== undefined) {
      record.phase = phase;
      record.why = why;
      try {
        writeRecord(device.store, record);
      } catch (error) {
        if (!isOver(phase) && phase !== "trial") throw error; // there it costs the reason, and no more
      }
      device.log(record.why === "" ? "info" : "error", `update: ${lineOf(record)}`);
    }
    this.wantChunks(phase === "receiving");
    this.onState();
  }

  /** What flash and store throw ends the update, and nothing else. On trial it is this image's own fault. */
  private attempt(work: (this: this) => void): void {
    try {
      work.call(this);
    } catch (error) {
      const why = messageOf(error);
      if (this.isTrial) this.goBack(why);
      else this.enter("failed", why);
    }
  }

  /** One thing waits at a time. */
  private later(ms: number, work: (this: this) => void): void {
    const { timers } = this;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer = timers.set(() => {
      this.timer = undefined;
      this.attempt(work);
    }, ms);
  }
}
