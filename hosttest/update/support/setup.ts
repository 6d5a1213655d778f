/*
 * A device with two slots on simulated flash, which loses its power anywhere, and a host that sends it an image over a connection that
 * drops and repeats messages. The device consists of src/update and the flash only; the whole firmware is simulated in hosttest/simulation.
 */
import { slotsClass } from "../../../boards/common/image-slots.js";
import { BootSlots } from "../../../boards/parts/flash/boot-slots.js";
import type { ImageDescription } from "../../../boards/parts/flash/image.js";
import { NorFlash, PowerCut } from "../../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../../boards/parts/key-value.js";
import { fromHex, toASCII } from "../../../src/common/ascii.js";
import type { UpdateDevice } from "../../../src/update/device.js";
import { CHUNK_HEAD, type Piece } from "../../../src/update/image-writer.js";
import type { SlotFlash, SlotsConstructor, UpdatePort } from "../../../src/update/io.js";
import type { Offer } from "../../../src/update/offer.js";
import { Updates } from "../../../src/update/updates.js";
import { Region } from "../../support/region.js";
import { VirtualTime } from "../../support/virtual-time.js";
import { isSigned } from "./keys.js";
import { INTERVAL_MS, OldRecorder, type Recorder, type RecorderOptions, TodaysRecorder } from "./recorder.js";
import { Truth } from "./truth.js";

const BLOCK = 4096;
const SELECTION_BLOCKS = 2;
const STORE_BLOCKS = 4;
const WATCHDOG_MS = 10_000;

export interface SetupOptions {
  /** The image flashed by cable. */
  readonly image: Uint8Array;
  readonly slotBlocks: number;
  readonly key: Uint8Array | undefined;
  readonly random: () => number;
  readonly isBatteryLow?: () => boolean;
  readonly writeUnit?: 1 | 16;
  /** Share of the chunks that do not arrive, and of the messages with samples. */
  readonly loss?: number;
  /** It takes samples during the update. Default: it takes none. */
  readonly samples?: Samples;
}

/** A full outbox, and what is in it: `filledBy`. */
export interface Samples {
  readonly bytes: Uint8Array;
  readonly truth: Truth;
  readonly whenFull: "dropOldest" | "refuse";
}

const OUTBOX_BLOCKS = 4;
const BEGINS_MS = Date.UTC(2026, 5, 17, 9, 0, 0);
/** Versions before this one know one channel and the first formats: they take samples with 0.1's own code. */
const OLD_VERSION = "0.1.0";
const EXCHANGES = 4;

/** A full outbox of a firmware, "0.1.0" or today's. */
export function filledBy(version: string, whenFull: Samples["whenFull"], writeUnit: 1 | 16 = 1): Samples {
  const flash = new NorFlash({ blocks: OUTBOX_BLOCKS, writeUnit });
  const truth = new Truth();
  const clock = { uptimeMs: () => truth.taken.size * INTERVAL_MS, utcMs: () => BEGINS_MS };
  const onEvicted = (first: number, end: number) => truth.evicted.push([first, end]);
  const options = { flash, writeUnit, whenFull: "refuse", clock, onEvicted } as const;
  const recorder = version === OLD_VERSION ? new OldRecorder(options) : new TodaysRecorder(options, false);
  while (truth.refused === 0) truth.take(recorder);
  return { bytes: flash.bytes.slice(), truth, whenFull };
}

/** Events of the device's updates, and its questions about the environment. */
interface Ears {
  readonly version: string;
  onState(): void;
  wantChunks(isWanted: boolean): void;
  sensorTrouble(): string;
  sensorFault(): string;
  connectionTrouble(): string;
}

class SetupUpdates extends Updates {
  readonly #ears: Ears;

  constructor(device: UpdateDevice, update: UpdatePort, ears: Ears) {
    super(device, update);
    this.#ears = ears;
  }

  override get version(): string {
    return this.#ears.version;
  }

  override onState(): void {
    this.#ears.onState();
  }

  override wantChunks(isWanted: boolean): void {
    this.#ears.wantChunks(isWanted);
  }

  override sensorTrouble(): string {
    return this.#ears.sensorTrouble();
  }

  override sensorFault(): string {
    return this.#ears.sensorFault();
  }

  override connectionTrouble(): string {
    return this.#ears.connectionTrouble();
  }
}

export class Setup {
  readonly time = new VirtualTime();
  readonly flash: NorFlash;
  readonly slots: BootSlots;
  readonly log: string[] = [];
  readonly states: Record<string, unknown>[] = [];
  /** Versions that started, in order. */
  readonly started: string[] = [];
  image: ImageDescription | undefined;
  updates: Updates | undefined;
  isConnected = true;
  wantsChunks = false;
  trouble = { sensor: "", link: "", broker: "" };
  powerCuts = 0;
  /** Slots that the firmware has opened and not closed. */
  openSlots = 0;
  /** The state of its samples. */
  readonly truth: Truth;
  recorder: Recorder | undefined;
  #hasSample = false;
  readonly #outbox: Region;
  readonly #options: SetupOptions;
  readonly #store: Region;
  #life = 0;

  constructor(options: SetupOptions) {
    const { slotBlocks: blocks, random, writeUnit } = options;
    this.#options = options;
    this.flash = new NorFlash({
      blocks: SELECTION_BLOCKS + 2 * blocks + STORE_BLOCKS + OUTBOX_BLOCKS,
      random,
      writeUnit,
    });
    const slots = [SELECTION_BLOCKS, SELECTION_BLOCKS + blocks].map((first) => new Region(this.flash, first, blocks));
    this.slots = new BootSlots(new Region(this.flash, 0, SELECTION_BLOCKS), [slots[0], slots[1]]);
    this.#store = new Region(this.flash, SELECTION_BLOCKS + 2 * blocks, STORE_BLOCKS);
    this.flash.bytes.set(options.image, SELECTION_BLOCKS * BLOCK);
    const first = SELECTION_BLOCKS + 2 * blocks + STORE_BLOCKS;
    this.#outbox = new Region(this.flash, first, OUTBOX_BLOCKS);
    if (options.samples !== undefined) this.flash.bytes.set(options.samples.bytes, first * BLOCK);
    const isOff = (): boolean => this.flash.isOff;
    this.truth = options.samples === undefined ? new Truth(isOff) : Truth.after(options.samples.truth, isOff);
  }

  get isOn(): boolean {
    return this.updates !== undefined;
  }

  get state(): Record<string, unknown> {
    return JSON.parse(this.updates?.state ?? "{}");
  }

  /** `cutAfter`: the power is cut again after so many bytes on flash, in a random state. */
  boot(cutAfter = Number.POSITIVE_INFINITY): void {
    this.end();
    this.flash.powerOn();
    this.#store.mountedBy = undefined;
    this.flash.cutAfter(cutAfter);
    this.reset("");
  }

  /** Cuts the power inside the n-th program or erase from now on; the first is 1. */
  cutAtOperation(n: number, random: () => number): void {
    let left = n;
    const cut = (steps: number): undefined => {
      if (--left === 0) this.flash.cutAfter(Math.floor(random() * steps));
    };
    this.flash.faults = { program: (_, length) => cut(length), erase: () => cut(this.flash.eraseCost) };
  }

  /** A reset without a power cut. */
  reset(words: string): void {
    this.end();
    const life = ++this.#life;
    this.guard(life, () => {
      this.image = this.slots.boot();
      if (this.image === undefined) throw new Error("dead: no slot starts");
      this.started.push(this.image.version);
      if (this.image.fault === "crash") {
        this.#later(life, 100, () => this.reset("crash"));
        return;
      }
      if (this.image.fault === "hang") {
        this.#later(life, WATCHDOG_MS, () => this.reset("watchdog"));
        return;
      }
      this.#store.mountedBy = undefined;
      const updates = this.#updates(life, this.image, words);
      this.updates = updates;
      if (this.#options.samples !== undefined) this.#record(life, updates.isTrial);
      updates.begin();
    });
  }

  /** The power is cut. */
  end(): void {
    this.#life++;
    this.updates = undefined;
    this.openSlots = 0;
    this.recorder = undefined;
    this.wantsChunks = false;
  }

  /** Sends all waiting samples without faults: then each sample has arrived once, or was evicted with a report. */
  settle(): void {
    this.guard(this.#life, () => {
      if (this.recorder !== undefined) this.truth.settle(this.recorder);
    });
  }

  /** The running firmware takes and sends samples. */
  #record(life: number, isTrial: boolean): void {
    const { time, truth } = this;
    const { samples, writeUnit, random, loss = 0 } = this.#options;
    const bootedMs = time.nowMs;
    this.#hasSample = false;
    const options: RecorderOptions = {
      flash: this.#outbox,
      writeUnit,
      whenFull: samples?.whenFull,
      clock: { uptimeMs: () => time.nowMs - bootedMs, utcMs: () => BEGINS_MS + time.nowMs },
      onEvicted: (first, end) => truth.evicted.push([first, end]),
    };
    try {
      this.recorder =
        this.image?.version === OLD_VERSION ? new OldRecorder(options) : new TodaysRecorder(options, isTrial);
    } catch (error) {
      if (this.flash.isOff) throw error;
      this.log.push(`error outbox: ${error instanceof Error ? error.message : error}`);
      return;
    }
    const recorder = this.recorder;
    const sample = (): void => {
      truth.take(recorder);
      this.#hasSample = true;
      recorder.idle();
      this.#later(life, INTERVAL_MS, sample);
    };
    const send = (): void => {
      const isOnline = this.isConnected && this.image?.fault !== "deaf";
      for (let n = 0; isOnline && n < EXCHANGES; n++) truth.exchange(recorder, () => random() < loss);
      this.#later(life, 1_000, send);
    };
    this.#later(life, 500, sample);
    this.#later(life, 700, send);
  }

  #sensorTrouble(): string {
    if (this.image?.fault === "blind") return "no sensor answers";
    if (this.#options.samples === undefined) return this.trouble.sensor;
    if (this.recorder === undefined) return "no readings are taken";
    return this.#hasSample ? "" : "no reading yet";
  }

  announce(offer: Offer | Uint8Array): void {
    const bytes = offer instanceof Uint8Array ? offer : toASCII(JSON.stringify(offer));
    this.deliver(bytes, 200, (piece) => this.updates?.announcement(piece));
  }

  send(offer: Offer, image: Uint8Array, at: number, pieceBytes = 256): void {
    if (this.#options.random() < (this.#options.loss ?? 0)) return;
    const data = image.subarray(at, at + BLOCK);
    const bytes = new Uint8Array(CHUNK_HEAD + data.length);
    bytes.set(fromHex(offer.id));
    new DataView(bytes.buffer).setUint32(4, at, true);
    bytes.set(data, CHUNK_HEAD);
    this.deliver(bytes, pieceBytes, (piece) => this.updates?.chunk(piece));
  }

  /** In pieces, as the client does; `end`: the connection breaks after so many bytes. */
  deliver(bytes: Uint8Array, pieceBytes: number, hear: (piece: Piece) => void, end = bytes.length): void {
    const life = this.#life;
    this.guard(life, () => {
      for (let at = 0; at < end; at += pieceBytes) {
        const payload = bytes.subarray(at, Math.min(at + pieceBytes, end));
        hear({ payload, offsetBytes: at, totalBytes: bytes.length, last: at + payload.length === bytes.length });
      }
    });
  }

  guard(life: number, code: () => void): void {
    if (life !== this.#life) return;
    try {
      code();
    } catch (error) {
      if (!(error instanceof PowerCut) && !this.flash.isOff) throw error;
    }
    if (!this.flash.isOff || life !== this.#life) return;
    this.powerCuts++;
    this.end();
  }

  #later(life: number, ms: number, code: () => void): void {
    this.time.timers.set(() => this.guard(life, code), ms);
  }

  #slotsClass(): SlotsConstructor {
    const setup = this;
    return class extends slotsClass(setup.slots) {
      override open(): SlotFlash {
        setup.openSlots++;
        return Object.assign(super.open(), { close: () => setup.openSlots-- });
      }
    };
  }

  #updates(life: number, image: ImageDescription, lastWords: string): Updates {
    const { time, trouble } = this;
    const bootedMs = time.nowMs;
    const { key, isBatteryLow } = this.#options;
    const store = new KeyValueOnFlash(this.#store);
    const device: UpdateDevice = {
      board: {
        timers: {
          set: (callback, delayMs) => time.timers.set(() => this.guard(life, callback), delayMs),
          clear: time.timers.clear,
        },
        clock: { uptimeMs: () => time.nowMs - bootedMs },
      },
      store: { read: (name) => store.read(name), write: (name, value) => store.write(name, value) },
      health: { lastWords },
      onConfirmed: () => this.recorder?.confirmed(),
      restart: (reason) => {
        this.log.push(`restart: ${reason}`);
        this.reset("");
      },
      log: (level, text) => {
        this.log.push(`${level} ${text}`);
      },
    };
    const port = { io: this.#slotsClass(), chip: image.chip, key, isSigned, isBatteryLow };
    return new SetupUpdates(device, port, {
      version: image.version,
      onState: () => {
        this.states.push(this.state);
      },
      wantChunks: (isWanted) => {
        this.wantsChunks = isWanted;
      },
      sensorTrouble: () => this.#sensorTrouble(),
      sensorFault: () => this.#sensorTrouble(),
      connectionTrouble: () =>
        image.fault === "deaf" ? "no access point is in range" : trouble.link || trouble.broker,
    });
  }
}

/** Sends what the device asks for until the update has ended, or nothing more happens. Returns the last state. */
export function drive(setup: Setup, offer: Offer, image: Uint8Array, limit = 4_000): Record<string, unknown> {
  setup.announce(offer);
  for (let n = 0; n < limit && setup.isOn; n++) {
    const { state, id, at } = setup.state;
    if (state === "receiving" && id === offer.id) setup.send(offer, image, Number(at));
    setup.time.advance(state === "trial" ? 1_000 : 10);
    if (id === offer.id && ["confirmed", "failed", "refused", "rolledBack"].includes(String(state))) break;
  }
  return setup.state;
}
