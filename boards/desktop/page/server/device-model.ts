/*
 * The page's data of one device, collected outside the firmware: by the board's observer, the flash's watcher, the socket's tap, the
 * prompt's line and the subscriber. Every change is passed to `send`.
 */
import type { Firmware, Outcome, ResetCause } from "../../../../src/board.js";
import { channels } from "../../../../src/channels/channels.js";
import type { Sample } from "../../../../src/channels/sample.js";
import type { DesktopDevice, DeviceListener } from "../../device.js";
import { type CutPlace, placeText } from "../../flash/supply.js";
import { Ledger } from "../ledger.js";
import type { DeviceState, PacketView, SampleRecord, Snapshot, Span, ToPage } from "../protocol.js";
import { FlashMap } from "./flash-map.js";
import { PromptLine } from "./prompt-line.js";
import { Spans } from "./spans.js";
import { Wire } from "./wire.js";

/** Flash and wire change more often than is visible. */
const GATHER_MS = 100;
const QUIET_LOOK_MS = 5;
const QUIET_PATIENCE_MS = 3_000;

/** The settings in force that the page needs. */
export interface Facts {
  readonly room: string;
  readonly qos: number;
  readonly payload: string;
  readonly intervalMs: number;
  readonly sleeps: boolean;
}

export class DeviceModel implements DeviceListener {
  readonly id: string;
  readonly line = new PromptLine();
  readonly spans: Spans;
  /** Topics of its samples are below these rooms. */
  readonly rooms = new Set<string>();
  send: (message: ToPage) => void = () => {};
  /** Whether the subscriber is connected. */
  isWatched: () => boolean = () => false;
  readonly #facts: () => Facts;
  readonly #ledger = new Ledger();
  readonly #wire = new Wire();
  #map!: FlashMap;
  #device!: DesktopDevice;
  #knownFacts!: Facts;
  #cause: ResetCause = "power";
  #bootedMs = Date.now();
  #boots = 0;
  #wakes = 0;
  #wakesAtMs: number | undefined;
  #lastCut: string | undefined;
  #taken = 0;
  #refused = 0;
  #lastSeq: number | undefined;
  #packets: PacketView[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #hasFlashNews = false;

  constructor(id: string, facts: () => Facts) {
    this.id = id;
    this.#facts = facts;
    this.spans = new Spans((span) => this.send({ type: "span", id, span }));
  }

  /** Starts observing. To be called before the device boots. */
  watch(device: DesktopDevice): void {
    this.#device = device;
    this.#map = new FlashMap(device.chip.outboxFlash());
    this.#map.onChanged = () => {
      this.#hasFlashNews = true;
      this.#gather();
    };
    this.#wire.onPacket = (packet) => {
      this.#packets.push(packet);
      this.#follow(packet);
      this.#gather();
    };
    device.plug.tap = (options) => this.#wire.tap(options);
    this.line.onText = (text) => this.send({ type: "serial", id: this.id, text });
    this.#lookUp();
  }

  get device(): DesktopDevice {
    return this.#device;
  }

  snapshot(): Snapshot {
    return {
      state: this.state(),
      samples: this.#ledger.samples,
      spans: this.spans.all,
      blocks: this.#map.all(),
      flash: this.#map.totals,
      packets: this.#wire.packets,
      serial: this.line.kept,
    };
  }

  state(): DeviceState {
    const device = this.#device;
    const { room, qos, payload, intervalMs, sleeps } = this.#knownFacts;
    const { air } = device;
    return {
      id: this.id,
      engine: device.isHere ? "node" : "xs",
      room,
      qos,
      isNumbered: qos > 0 && payload === "json",
      intervalMs,
      power: !device.isOn ? "off" : device.sleeping.isAsleep ? "asleep" : "on",
      isArmed: device.chip.supply.isArmed,
      boots: this.#boots,
      wakes: this.#wakes,
      cause: this.#cause,
      bootedMs: this.#bootedMs,
      wakesAtMs: this.#wakesAtMs,
      lastCut: this.#lastCut,
      hasNetwork: device.hasNetwork,
      isSensorThere: device.isSensorThere,
      hasTimeServer: device.hasTimeServer,
      knowsTime: device.knowsTime,
      sleeps,
      unsettled: device.isOn && !device.sleeping.isAsleep ? device.firmware?.unsettled : undefined,
      air: {
        temperature: air.celsius,
        humidity: air.humidity,
        holdsTemperature: air.isHeld("temperature"),
        holdsHumidity: air.isHeld("humidity"),
      },
      taken: this.#taken,
      refused: this.#refused,
      promptMode: this.line.mode,
    };
  }

  sendState(): void {
    this.send({ type: "state", id: this.id, state: this.state() });
  }

  /** Acts at a moment when nothing is in flight to the broker; if there is no such moment, after a short time. */
  whenQuiet(action: () => void, patienceMs = QUIET_PATIENCE_MS): void {
    const { waiting } = this.#ledger.counts(Date.now());
    if ((waiting === 0 && this.#map.totals.inFlight.length === 0) || patienceMs <= 0) action();
    else setTimeout(() => this.whenQuiet(action, patienceMs - QUIET_LOOK_MS), QUIET_LOOK_MS);
  }

  // Events of the device

  booting(cause: ResetCause): void {
    this.#cause = cause;
    this.spans.end("power");
    this.spans.end("sleep");
    this.#wakesAtMs = undefined;
  }

  started(_firmware: Firmware): void {
    if (this.#cause !== "sleep") this.#boots++;
    this.#bootedMs = Date.now();
    this.#lookUp();
    for (const sample of this.#ledger.reconcile(this.#map.queued(), Date.now())) this.#sendSample(sample);
    setImmediate(() => this.changed());
  }

  slept(ms: number): void {
    this.#wakesAtMs = Date.now() + ms;
    this.spans.begin("sleep");
    this.changed();
  }

  woke(): void {
    this.#cause = "sleep";
    this.#wakes++;
    this.#wakesAtMs = undefined;
    this.spans.end("sleep");
    setImmediate(() => this.changed());
  }

  powerLost(place: CutPlace | undefined): void {
    this.spans.end("sleep");
    this.spans.begin("power");
    this.#wakesAtMs = undefined;
    this.#lastCut = place === undefined ? "between two writes" : `in the middle of ${placeText(place)}`;
    this.changed();
  }

  changed(): void {
    const device = this.#device;
    this.spans.set("wifi", !device.hasNetwork);
    this.spans.set("sensor", !device.isSensorThere);
    this.spans.set("time", !device.knowsTime);
    this.sendState();
  }

  reading(sample: Sample, sequence: number | undefined): void {
    const nowMs = Date.now();
    if (sequence !== undefined && sequence < 0) this.#refused++;
    else this.#taken++;
    if (sequence !== undefined && sequence >= 0) {
      const values = valuesOf(sample);
      if (this.#lastSeq !== undefined && sequence <= this.#lastSeq) this.#beginAnew();
      // If each channel is an entry, the numbers before it belong to this sample, too.
      const isFollowing = this.#lastSeq !== undefined && sequence - this.#lastSeq <= Object.keys(values).length;
      const first = isFollowing ? (this.#lastSeq as number) + 1 : sequence;
      for (let seq = first; seq <= sequence; seq++) this.#sendSample(this.#ledger.taken(seq, nowMs, values));
      this.#lastSeq = sequence;
    }
    setImmediate(() => this.sendState());
  }

  settled(sequence: number, outcome: Outcome): void {
    this.#sendSample(this.#ledger.settled(sequence, outcome, Date.now(), this.isWatched()));
    const { inFlight } = this.#map.totals;
    const at = inFlight.indexOf(sequence);
    if (at >= 0) inFlight.splice(at, 1);
    setImmediate(() => this.sendState());
  }

  evicted(first: number, end: number): void {
    for (const sample of this.#ledger.evicted(first, end, Date.now())) this.#sendSample(sample);
    setImmediate(() => this.sendState());
  }

  /** Its numbers start again, as of a new device. */
  #beginAnew(): void {
    this.#lastSeq = undefined;
    this.#taken = 1;
    this.#refused = 0;
    this.#ledger.clear();
    this.send({ type: "anew", id: this.id });
  }

  /** A message of it has arrived at the subscriber. */
  received(payload: string): void {
    const sample = sampleIn(payload);
    if (sample === undefined) return;
    this.#sendSample(this.#ledger.received(sample.seq, Date.now(), sample));
  }

  /** The subscriber is disconnected. */
  unwatched(): void {
    for (const sample of this.#ledger.unwatched()) this.#sendSample(sample);
  }

  #lookUp(): void {
    this.#knownFacts = this.#facts();
    this.rooms.add(this.#knownFacts.room);
  }

  #sendSample(sample: SampleRecord): void {
    this.send({ type: "sample", id: this.id, sample: { ...sample } });
  }

  /** The entries in flight. */
  #follow({ type, direction, detail }: PacketView): void {
    const { inFlight } = this.#map.totals;
    if (type === "link") inFlight.length = 0;
    else if (type === "PUBLISH" && direction === "sent") {
      const { seq } = sampleIn(detail.replace(/ \{[^{]*\}$/, "")) ?? {};
      if (seq !== undefined && !inFlight.includes(seq)) inFlight.push(seq);
    } else return;
    this.#hasFlashNews = true;
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      const { id } = this;
      if (this.#hasFlashNews) this.send({ type: "flash", id, blocks: this.#map.changes(), flash: this.#map.totals });
      this.#hasFlashNews = false;
      const packets = this.#packets.splice(0);
      if (packets.length > 0) this.send({ type: "packets", id, packets });
    }, GATHER_MS).unref();
  }
}

export type SpanKind = Span["kind"];

function valuesOf({ mask, values, decimals }: Sample): Record<string, number> {
  const entries = channels.flatMap(({ key }, channel) =>
    (mask >> channel) & 1 ? [[key, Number(values[channel].toFixed(decimals[channel]))] as const] : [],
  );
  return Object.fromEntries(entries);
}

/** The sample in a message; undefined if it has no number. */
function sampleIn(payload: string): Pick<SampleRecord, "seq" | "takenMs" | "values"> | undefined {
  try {
    const { seq, ts, ...values } = JSON.parse(payload);
    if (typeof seq !== "number") return undefined;
    const takenMs = typeof ts === "string" ? Date.parse(ts) : undefined;
    return { seq, takenMs, values };
  } catch {
    return undefined;
  }
}
