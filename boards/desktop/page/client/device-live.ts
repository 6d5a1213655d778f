/*
 * The page's state of one device. It outlives the desktop process: samples that an earlier process reported are kept.
 */
import { type Counts, Ledger } from "../ledger.js";
import {
  type BlockView,
  type DeviceState,
  type FlashTotals,
  OPENS,
  type PacketView,
  type Snapshot,
  type Span,
  type ToPage,
} from "../protocol.js";

const MAX_PACKETS = 400;
/** After one of these, the device is not connected, or not yet. */
const BETWEEN_CONNECTIONS: readonly string[] = ["link", "CONNECT", "DISCONNECT"];

export class DeviceLive {
  readonly id: string;
  readonly ledger = new Ledger();
  state: DeviceState;
  spans: Span[] = [];
  /** A new array whenever an element changes. */
  blocks: BlockView[] = [];
  flash: FlashTotals;
  packets: PacketView[] = [];
  /** The last output of the prompt, and its listeners. */
  serial = "";
  onSerial: (text: string) => void = () => {};
  /** Counts messages on the links of the chain, for their animation. */
  readonly passed = { taken: 0, sent: 0, received: 0 };

  constructor(snapshot: Snapshot) {
    this.id = snapshot.state.id;
    this.state = snapshot.state;
    this.flash = snapshot.flash;
    this.adopt(snapshot, undefined);
  }

  /** A new greeting. `awaySinceMs`: from another process than before; the previous one has been gone since then. */
  adopt(snapshot: Snapshot, awaySinceMs: number | undefined): void {
    const nowMs = Date.now();
    if (awaySinceMs !== undefined) {
      for (const span of this.spans) span.toMs ??= awaySinceMs;
      this.spans.push({ kind: "power", fromMs: awaySinceMs, toMs: nowMs });
      // Samples that waited and are not in flash now were settled unseen, while the process ended.
      const waiting = snapshot.samples.filter(({ state }) => state === "waiting").map(({ seq }) => seq);
      for (const sample of this.ledger.reconcile(new Set(waiting), nowMs))
        sample.unwatched = sample.state === "settled";
    }
    for (const sample of snapshot.samples) this.ledger.merge(sample);
    const earlier = this.spans.filter(({ fromMs }) => !snapshot.spans.some((span) => span.fromMs <= fromMs));
    this.spans = awaySinceMs === undefined ? [...snapshot.spans] : [...earlier, ...snapshot.spans];
    this.state = snapshot.state;
    this.blocks = [...snapshot.blocks];
    this.flash = snapshot.flash;
    this.packets = [...snapshot.packets];
    this.serial = snapshot.serial;
    this.onSerial(`\u001bc${snapshot.serial}`);
  }

  take(message: Exclude<ToPage, { type: "hello" | "broker" }>): void {
    switch (message.type) {
      case "state":
        this.state = message.state;
        break;
      case "sample": {
        const { sample } = message;
        const known = this.ledger.get(sample.seq);
        if (known?.takenMs === undefined && sample.state === "waiting") this.passed.taken++;
        if (sample.copies > (known?.copies ?? 0)) this.passed.received++;
        this.ledger.merge(sample);
        break;
      }
      case "anew":
        this.ledger.clear();
        break;
      case "span": {
        const { span } = message;
        const at = this.spans.findIndex(({ kind, fromMs }) => kind === span.kind && fromMs === span.fromMs);
        if (at < 0) this.spans.push(span);
        else this.spans[at] = span;
        break;
      }
      case "flash":
        if (message.blocks.length > 0) this.blocks = [...this.blocks];
        for (const view of message.blocks) this.blocks[view.block] = view;
        this.flash = message.flash;
        break;
      case "packets":
        this.packets = [...this.packets, ...message.packets].slice(-MAX_PACKETS);
        this.passed.sent += message.packets.filter(
          ({ type, direction }) => type === "PUBLISH" && direction === "sent",
        ).length;
        break;
      case "serial":
        this.serial = `${this.serial}${message.text}`.slice(-16_000);
        this.onSerial(message.text);
        break;
      default:
        message satisfies never;
    }
  }

  /**
   * The device's connection, as its packets show it. `triedMs`: when it last opened a connection, in milliseconds since 1970; undefined:
   * not among the packets that are kept.
   */
  get uplink(): { readonly isConnected: boolean; readonly triedMs: number | undefined } {
    const last = this.packets.at(-1);
    const isConnected = last !== undefined && !BETWEEN_CONNECTIONS.includes(last.type);
    const opened = this.packets.findLast(({ type, detail }) => type === "link" && detail.startsWith(OPENS));
    return { isConnected, triedMs: opened?.atMs };
  }

  get counts(): Counts {
    return this.ledger.counts(Date.now());
  }
}
