/*
 * Parses the messages of a thermometer: `home/<room>/<channel>` and `home/<room>/<id>/status`.
 * Other programs may publish on these topics: for messages that are not a thermometer's it returns undefined, and never throws.
 */
import { channels } from "../../src/channels/channels.js";

export interface SampleMessage {
  readonly kind: "sample";
  readonly room: string;
  /** Last level of the topic: with `topics` = `each`, the channel of `value`. */
  readonly topicChannel: string;
  /** Values by channel name, in the channels' units. A sample may lack any. */
  readonly values: Readonly<Record<string, number>>;
  /** When it was measured, milliseconds since 1970; undefined: the device did not know. */
  readonly tsMs: number | undefined;
  /** The device's count; undefined at QoS 0 and with `payload` = `plain`. */
  readonly seq: number | undefined;
}

export interface StatusMessage {
  readonly kind: "status";
  readonly room: string;
  readonly id: string;
  /** The payload: `online` or `offline`. Empty: the device has another name now. */
  readonly status: string;
}

export type Message = SampleMessage | StatusMessage;

export function messageFrom(topic: string, payload: Uint8Array): Message | undefined {
  const levels = topic.split("/");
  const text = Buffer.from(payload).toString("utf8");
  if (levels.length === 3) return sampleFrom(levels[1], levels[2], text);
  if (levels.length === 4 && levels[3] === "status")
    return { kind: "status", room: levels[1], id: levels[2], status: text };
  return undefined;
}

function sampleFrom(room: string, topicChannel: string, text: string): SampleMessage | undefined {
  if (!channels.some(({ name }) => name === topicChannel)) return undefined;
  const json = parsed(text);
  if (typeof json === "number") return { ...bare(room, topicChannel), values: { [topicChannel]: json } };
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const fields = json as Readonly<Record<string, unknown>>;
  const values: Record<string, number> = {};
  for (const { name, key } of channels) {
    const value = fields[key];
    if (typeof value === "number") values[key === "value" ? topicChannel : name] = value;
  }
  const { seq, ts } = fields;
  const isNumbered = Number.isSafeInteger(seq) && (seq as number) >= 0;
  if (Object.keys(values).length === 0 && !isNumbered) return undefined;
  const tsMs = typeof ts === "string" ? Date.parse(ts) : Number.NaN;
  return {
    ...bare(room, topicChannel),
    values,
    tsMs: Number.isNaN(tsMs) ? undefined : tsMs,
    seq: isNumbered ? (seq as number) : undefined,
  };
}

function bare(room: string, topicChannel: string): Omit<SampleMessage, "values"> {
  return { kind: "sample", room, topicChannel, tsMs: undefined, seq: undefined };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
