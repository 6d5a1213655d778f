/*
 * Updates of a device from boot to boot, as one state machine over the record in flash (record.ts). Accepts or refuses
 * announcements, writes the image and reads it back, selects it, tries it for ten minutes, confirms it or rolls back, and finds
 * out how the last one ended. Each turn handles one block, or reads back one page, so that samples and acknowledgements
 * continue. Knows no topics: the subclass passes messages on, and sends `state`.
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
import {
  faultInRecord,
  isOver,
  lineOf,
  type Phase,
  phaseAtBoot,
  readRecord,
  type UpdateRecord,
  writeRecord,
} from "./record.js";

/** How long the device stays awake for the next chunk, in milliseconds. */
export const CHUNK_PATIENCE_MS = 60_000;
/** The same after a boot during an update. */
const RESUME_PATIENCE_MS = 30_000;
/** After so many sleeps in a row without a block before them, the update fails: the sender counts as gone. */
const MAX_QUIET = 20;
/** The record is written after so many blocks: a power cut can cost that many at most. */
const BLOCKS_PER_RECORD = 16;
/** How often an image is selected before the update fails, if the chip does not start it. */
const MAX_TRIES = 3;
/** Time from the last message to the restart, in milliseconds: enough for it to be sent. */
const FAREWELL_MS = 500;
/** How long a trial may take, in minutes. */
const TRIAL_MINUTES = 10;
/** Interval of the checks on trial, in milliseconds. */
const LOOK_MS = 1_000;

/** Updates from boot to boot. */
export abstract class Updates<Device extends UpdateDevice = UpdateDevice> {
  /** This image is on trial: formats that the old image cannot read must not be written. */
  isTrial: boolean;
  protected readonly device: Device;
  protected readonly update: UpdatePort;
  /** The update that is under way; one that has ended is not kept in RAM. Undefined on trial: this image was installed in another way. */
  private record: UpdateRecord | undefined;
  private writer: ImageWriter | undefined;
  /** The announcement being received. */
  private incoming: Uint8Array | undefined;
  /** The last refused announcement, and the reason. */
  private refused: { readonly phase: "refused"; readonly offer: Partial<Offer>; readonly why: string } | undefined;
  /** The version that is announced with `wait`. */
  private available: string | undefined;
  private timer: TimerId | undefined;

  constructor(device: Device, update: UpdatePort) {
    this.device = device;
    this.update = update;
    this.isTrial = phaseAtBoot(readRecord(device.store), this.slots) === "trial";
  }

  /** The running version. */
  protected abstract get version(): string;
  /** `state` has changed: it has to be sent, retained. */
  protected abstract onState(): void;
  /** Chunks are wanted from now on, or not any more. */
  protected abstract wantChunks(isWanted: boolean): void;
  /** The sensor's problem, as text; "no reading yet" before the first reading; "": none. */
  protected abstract sensorTrouble(): string;
  /** A text that identifies the sensor's problem: the same after a restart, and whatever numbers the message has; "": none. */
  protected abstract sensorFault(): string;
  /** The problem of link or broker; "": none. */
  protected abstract connectionTrouble(): string;

  /** Continues what was under way before the boot. */
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
    if (phase === "trial" && record?.phase === "switching" && !slots.isTrial) {
      this.goBack("it was started without a trial: its entry in boot selection is damaged");
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

  /** The device must not sleep. */
  get isBusy(): boolean {
    const { isTrial, record, writer } = this;
    if (isTrial || record?.phase !== "receiving") return isTrial || record !== undefined;
    return writer !== undefined && this.nowMs < writer.patienceEndMs;
  }

  /** A line for `status`; undefined: nothing to report. */
  get text(): string | undefined {
    const { record, writer, refused } = this;
    if (this.isTrial) return `on trial: ${record?.why || this.missing || "not confirmed"}`;
    if (writer) return `${lineOf(writer.record)}, ${Math.floor((100 * writer.at) / writer.record.offer.size)} %`;
    if (this.update.key === undefined) return OFF;
    if (refused) return `refused: ${refused.why}`;
    const last = readRecord(this.device.store);
    return last?.why ? lineOf(last) : undefined;
  }

  /** JSON: the running `version`; the `state` of the last update (`at`: while it is under way); the version that is `available`. */
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

  /** A part of an announcement. An empty one: the retained announcement was removed. */
  announcement({ payload, offsetBytes, totalBytes, last }: Piece): void {
    if (offsetBytes === 0) this.incoming = totalBytes > MAX_OFFER_BYTES ? undefined : new Uint8Array(totalBytes);
    this.incoming?.set(payload, offsetBytes);
    if (!last) return;
    const offer = parseOffer(this.incoming);
    this.incoming = undefined;
    if (totalBytes === 0) this.show(undefined);
    else if (!isOffer(offer)) this.refuse(offer ?? {}, "not understood: not the announcement of an image");
    else if (offer.wait) this.show(misfitOf(offer, this.update, this.version) ? undefined : offer.version);
    else this.hear(offer);
  }

  /** A part of a chunk. */
  chunk(piece: Piece): void {
    const { writer } = this;
    if (writer?.record.phase !== "receiving") return;
    this.attempt(() => {
      const { at } = writer;
      writer.take(piece);
      if (writer.at > at) this.blockCame(writer);
      if (piece.last) this.onState(); // it names the next block wanted
    });
  }

  /** Before a sleep: records what is written, so that it is not sent again. */
  pause(): void {
    const { writer } = this;
    if (writer?.record.phase !== "receiving") return;
    writer.record.quiet = writer.at > writer.beganAt ? 0 : writer.record.quiet + 1;
    this.attempt(this.keep);
  }

  /** Releases flash and timer. */
  close(): void {
    this.clearTimer();
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

  /** A version is available; undefined: none any more. */
  private show(version: string | undefined): void {
    if (version === this.available) return;
    this.available = version;
    this.onState();
  }

  private hear(offer: Offer): void {
    const { device, record } = this;
    const { id, signature } = offer;
    this.available = undefined; // it was on the same topic
    this.refused = undefined;
    if ((record ?? readRecord(device.store))?.offer.id === id) {
      this.onState(); // a repetition: the sender wants to know the progress
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
    this.close(); // releases an update that this one replaces
    const target = 1 - this.slots.running;
    this.record = { phase: "receiving", offer, target, at: 0, tries: 0, quiet: 0, sensor: "", why: "" };
    this.attempt(this.goOn);
  }

  /** The reason to refuse it; undefined: it is accepted. */
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

  /** Reports a refusal; the `id` shows which announcement is meant. */
  private refuse({ id }: Partial<Offer>, why: string): void {
    this.refused = { phase: "refused", offer: { id }, why };
    this.device.log("warn", `update: refused: ${why}`);
    this.onState();
  }

  /** Begins, or continues after a boot. */
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

  private blockCame(writer: ImageWriter): void {
    const { record, at, blockLength } = writer;
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
    record.sensor = faultInRecord(this.sensorFault());
    this.enter("switching");
    this.slots.select();
    this.leave(`update to ${record.offer.version}`);
  }

  /** Restarts, after a time in which the state is sent. */
  private leave(reason: string): void {
    this.later(FAREWELL_MS, () => this.device.restart(reason));
  }

  /** On trial: what is still missing; "": nothing. */
  private get missing(): string {
    const sensor = this.sensorTrouble();
    const connection = this.connectionTrouble();
    if (sensor === "" || faultInRecord(this.sensorFault()) === this.record?.sensor) return connection;
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
    } catch (error) {
      this.enter("trial", `${why && `${why}; `}not confirmed: ${messageOf(error)}`);
      this.later(this.nowMs, this.look); // each attempt may wear the flash: the next one when the uptime has doubled
      return;
    }
    this.isTrial = false;
    this.enter("confirmed", why);
    device.onConfirmed();
  }

  private goBack(why: string): void {
    try {
      this.slots.rollBack(); // first: if the power fails now, only the reason is lost
    } catch (error) {
      this.confirm(`${why}; no way back: ${messageOf(error)}`);
      return;
    }
    this.enter("trial", why); // the old image records the end
    this.leave(`update: goes back: ${why}`);
  }

  /** Enters a phase: recorded and reported. @throws the exceptions of the store, where they should end the update */
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
        if (!isOver(phase) && phase !== "trial") throw error; // otherwise only the reason is lost
      }
    }
    if (record !== undefined || why !== "")
      device.log(why === "" ? "info" : "error", `update: ${record ? lineOf(record) : why}`);
    this.wantChunks(phase === "receiving");
    this.onState();
  }

  /** Exceptions of flash and store end the update, and nothing else; on trial they roll it back. */
  private attempt(work: (this: this) => void): void {
    try {
      work.call(this);
    } catch (error) {
      if (this.isTrial) this.goBack(messageOf(error));
      else this.enter("failed", messageOf(error));
    }
  }

  /** Only one thing waits at a time. */
  private later(ms: number, work: (this: this) => void): void {
    this.clearTimer();
    this.timer = this.timers.set(() => {
      this.timer = undefined;
      this.attempt(work);
    }, ms);
  }

  private clearTimer(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
  }
}
