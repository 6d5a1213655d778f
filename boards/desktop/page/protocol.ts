/*
 * Messages between the page and the desktop process over one WebSocket: JSON, one message in each frame. Times are
 * milliseconds since 1970 by the computer's clock.
 */

/** Identifies the process: after its restart the page keeps its counts. */
export type RunId = string;

/** State of a sample. "waiting": in flash. "settled": the broker has acknowledged it. "evicted": flash was full. */
export type EntryState = "waiting" | "settled" | "deadLetter" | "dropped" | "evicted";

/** One numbered sample. */
export interface SampleRecord {
  readonly seq: number;
  /** When it was taken; of one from an earlier run, the time in its message; undefined: not known. */
  takenMs?: number;
  /** By the keys of the payload. */
  values?: Readonly<Record<string, number>>;
  state: EntryState;
  settledMs?: number;
  /** First arrival at the subscriber. */
  receivedMs?: number;
  /** Arrivals. */
  copies: number;
  /** The subscriber was disconnected when the broker acknowledged it, and may have missed it. */
  unwatched?: boolean;
}

/** A period of an outage, a cut or sleep. */
export interface Span {
  readonly kind: "wifi" | "broker" | "power" | "sleep" | "sensor" | "time";
  readonly fromMs: number;
  toMs?: number;
}

export type Power = "on" | "off" | "asleep";

export interface DeviceState {
  readonly id: string;
  readonly engine: "node" | "xs";
  room: string;
  qos: number;
  /** Its samples have numbers in their messages: QoS 1 or 2, and not `payload` = `plain`. */
  isNumbered: boolean;
  intervalMs: number;
  power: Power;
  /** The power will be cut during the next write to flash. */
  isArmed: boolean;
  /** Since the process began; the diagnostics count those of the device's life. */
  boots: number;
  wakes: number;
  cause: string;
  bootedMs: number;
  wakesAtMs?: number;
  /** Where the last cut fell. */
  lastCut?: string;
  hasNetwork: boolean;
  isSensorThere: boolean;
  hasTimeServer: boolean;
  knowsTime: boolean;
  sleeps: boolean;
  /** Entries in flash, as the firmware counts them; undefined while it does not run. */
  unsettled?: number;
  air: { temperature: number; humidity: number; holdsTemperature: boolean; holdsHumidity: boolean };
  /** Samples of this run, those without a number included. */
  taken: number;
  refused: number;
  promptMode: "terminal" | "lines";
}

export interface BrokerState {
  /** "other": an external broker, which cannot be stopped from here. */
  kind: "embedded" | "other";
  address: string;
  isRunning: boolean;
  isSubscribed: boolean;
}

/** A block of the outbox. "clean": erased. "open": the newest. "spent": all its entries are settled, to be erased. */
export type BlockState = "clean" | "open" | "full" | "spent" | "torn";

export interface BlockView {
  readonly block: number;
  readonly state: BlockState;
  readonly erases: number;
  /** Entries by state. */
  readonly queued: number;
  readonly released: number;
  readonly done: number;
  /** Bytes of notes and counters, and of damage. */
  readonly others: number;
  readonly usedBytes: number;
  /** First and last number; undefined without entries. */
  readonly first?: number;
  readonly last?: number;
  /** Each record: o queued, r released, d done, n anything else. */
  readonly records: string;
}

export interface FlashTotals {
  readonly blocks: number;
  readonly blockLength: number;
  /** Since the process began. */
  programmedBytes: number;
  programs: number;
  erases: number;
  /** Numbers of the entries that were sent and are not settled yet. */
  inFlight: number[];
}

/** How the detail of a "link" begins when the device opens a connection. */
export const OPENS = "opens ";

/** One packet on the wire. */
export interface PacketView {
  readonly n: number;
  readonly atMs: number;
  readonly direction: "sent" | "received";
  /** "link": a connection opened or closed. */
  readonly type: string;
  readonly flags: string;
  readonly packetId?: number;
  readonly topic?: string;
  readonly detail: string;
  readonly bytes: number;
  /** A reason code that is a refusal. */
  readonly isRefusal?: boolean;
}

export interface Snapshot {
  readonly state: DeviceState;
  readonly samples: readonly SampleRecord[];
  readonly spans: readonly Span[];
  readonly blocks: readonly BlockView[];
  readonly flash: FlashTotals;
  readonly packets: readonly PacketView[];
  readonly serial: string;
}

export type ToPage =
  | {
      readonly type: "hello";
      readonly run: RunId;
      readonly version: string;
      readonly nowMs: number;
      readonly broker: BrokerState;
      readonly devices: readonly Snapshot[];
    }
  | { readonly type: "broker"; readonly broker: BrokerState }
  | { readonly type: "state"; readonly id: string; readonly state: DeviceState }
  | { readonly type: "sample"; readonly id: string; readonly sample: SampleRecord }
  /** After a factory reset: numbers start again. */
  | { readonly type: "anew"; readonly id: string }
  | { readonly type: "span"; readonly id: string; readonly span: Span }
  | { readonly type: "flash"; readonly id: string; readonly blocks: readonly BlockView[]; readonly flash: FlashTotals }
  | { readonly type: "packets"; readonly id: string; readonly packets: readonly PacketView[] }
  | { readonly type: "serial"; readonly id: string; readonly text: string };

/** Actions on a device. */
export type DeviceAction =
  | { readonly do: "sensor" | "timeServer" | "sleep"; readonly on: boolean }
  /** `quietly`: at a moment when nothing is in flight. */
  | { readonly do: "network"; readonly on: boolean; readonly quietly?: boolean }
  | { readonly do: "cut"; readonly when: "now" | "nextWrite" }
  | { readonly do: "powerOn" | "wake" | "reset" }
  | { readonly do: "hold"; readonly quantity: "temperature" | "humidity"; readonly value: number | undefined }
  | { readonly do: "pace"; readonly seconds: number | undefined }
  | { readonly do: "keys"; readonly text: string };

export type FromPage =
  | { readonly type: "device"; readonly id: string; readonly action: DeviceAction }
  | { readonly type: "broker"; readonly action: "start" | "stop" | "kill" };
