/*
 * Firmware 0.1's own code (commit a57c10d), to read flash that a later firmware wrote on trial. Bundled by
 * esbuild --bundle --format=iife --global-name=firmware01 from the exports of the modules named in firmware-0.1.json, gzipped, base64.
 */
import { runInThisContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import type { Flash } from "../../../src/outbox/flash/flash.js";
import type { Entry } from "../../../src/outbox/outbox.js";
import type { KeyValueStore } from "../../../src/settings/store.js";
import firmware from "./firmware-0.1.json" with { type: "json" };

export interface OldStatistics {
  readonly entries: number;
  readonly damaged: number;
  readonly dropped: number;
  readonly refused: number;
  /** In the newest block, including records that it does not know. */
  readonly tornRecords: number;
}

export interface OldOutbox {
  readonly nextSequence: number;
  seek(from: number): Entry | undefined;
  settle(sequence: number): void;
  released(sequence: number): void;
  append(payload: Uint8Array, qos: 1 | 2): number;
  idle(): boolean;
  statistics(): OldStatistics;
  close(): void;
}

export interface OldJournal {
  readonly counters: { readonly boots: number };
  append(milliCelsius: number, decimals: number, qos: 1 | 2): number;
  render(entry: Entry): { payload: Uint8Array; payloadLength: number; topic: Uint8Array } | undefined;
  clockSet(): void;
}

interface Firmware01 {
  readonly Outbox: new (options: {
    flash: Flash;
    writeUnit?: 1 | 16;
    maxPayload: number;
    whenFull?: "dropOldest" | "refuse";
    onEvent(event: { kind: string; first: number; end: number }): void;
  }) => OldOutbox;
  readonly Journal: new (options: {
    store: OldOutbox;
    clock: { uptimeMs(): number; utcMs(): number | undefined };
    room: Uint8Array;
    format: "json";
    topicOf(room: Uint8Array): Uint8Array;
  }) => OldJournal;
  readonly Settings: new (options: {
    store: KeyValueStore;
    onProblem(text: string): void;
  }) => {
    get(key: string): unknown;
  };
  readonly Announcement: new (store: KeyValueStore) => { read(): { room: string; id: string }[] };
}

const code = gunzipSync(Buffer.from(firmware.script, "base64")).toString();

export const firmware01: Firmware01 = runInThisContext(`(() => { ${code}; return firmware01; })()`);
