/*
 * What a client is made with, and the checks of it: a mistake of the owner's throws at construction, with name, got and expected.
 * Source: MQTT 3.1.1 §3.1 (CONNECT).
 */
import type { Backoff } from "./backoff.js";
import type { Connect, QoS } from "./codec.js";
import type { MQTTError } from "./connection.js";
import type { ResolverConstructor, TCPConstructor, Timers } from "./io.js";
import type { SessionOptions } from "./session.js";
import type { OutboundEntry } from "./store.js";
import { encodeTopicName } from "./topics.js";
import { encodeUTF8, isUnsayable } from "./utf8.js";

/** "waiting": for the next attempt, or for the link. "connected": CONNACK came. */
export type ClientState = "stopped" | "waiting" | "connecting" | "connected";

/** What the server publishes when the connection ends without DISCONNECT (§3.1.2.5). */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface ClientOptions<E extends OutboundEntry> extends SessionOptions<E> {
  /** TCP class and what else its constructor wants. */
  readonly socket: { readonly io: TCPConstructor };
  /** Resolver class and its options, asked before every attempt. Without it `host` goes to the socket. */
  readonly dns?: { readonly io: ResolverConstructor };
  readonly host: string;
  readonly port: number;
  /** 1 to 23 letters and digits go everywhere; names the session at the server. Empty only with `clean`. */
  readonly id: string;
  readonly user?: string;
  /** Only with a user. */
  readonly password?: string | Uint8Array;
  /** Seconds, 0 to 65,535, default 60. 0: off, and a half-open connection is not noticed. */
  readonly keepAlive?: number;
  /** CleanSession 1 with every connection; default false. */
  readonly clean?: boolean;
  readonly will?: Will;
  /** Wipe the server's session once, before the first connection of CleanSession 0: nobody here knows what is in it. */
  readonly wipeFirst?: boolean;
  readonly backoff?: Partial<Backoff>;
  /** From the resolver's question to CONNACK; default 30,000. */
  readonly connectTimeoutMs?: number;
  /** From PINGREQ to PINGRESP; default 15,000. */
  readonly pingTimeoutMs?: number;
  /** Of the two buffers, 64 bytes or more; default 1,024. CONNECT must fit; longer payloads go through in pieces. */
  readonly bufferLength?: number;
  /** The longest topic that comes in, bytes; default 256. */
  readonly topicLength?: number;
  readonly timers: Timers;
  /** Milliseconds since boot, never jumping back. */
  uptimeMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  onState?(state: ClientState): void;
  /** An attempt or a connection ended, or `stop` did not get through. The client goes on by itself. */
  onError?(error: MQTTError): void;
}

/** The CONNECT that the options ask for. @throws RangeError */
export function connectOf<E extends OutboundEntry>(options: ClientOptions<E>): Connect {
  const { id, user, password, will, keepAlive = 60, clean = false } = options;
  if (!(keepAlive >= 0 && keepAlive <= 65_535)) throw new RangeError(`keepAlive ${keepAlive}: expected 0..65535 s`);
  if (id === "" && !clean) throw new RangeError("id: expected with a session that lasts"); // §3.1.3-7
  if (password !== undefined && user === undefined) throw new RangeError("password: expected with a user"); // §3.1.2-22
  if (will !== undefined && !(will.qos >= 0 && will.qos <= 2))
    throw new RangeError(`will QoS ${will.qos}: expected 0..2`);
  return {
    id: encodeField("id", id),
    clean,
    keepAlive: Math.trunc(keepAlive),
    user: user === undefined ? undefined : encodeField("user", user),
    password: typeof password === "string" ? encodeUTF8(password) : password,
    will: will && { ...will, topic: encodeTopicName(will.topic), payload: will.payload },
  };
}

function encodeField(name: string, text: string): Uint8Array {
  const bytes = encodeUTF8(text);
  if (isUnsayable(text) || bytes.length > 65_535) throw new RangeError(`${name}: cannot be said in MQTT`);
  return bytes;
}
