/*
 * The broker in version 5: the version of the next attempt (choice.ts), the limits (limits.ts), the reasons for refusals
 * (reasons.ts), and the refused entries (refused.ts). For the client's option `ClientOptions.version5`. Its state survives
 * connections, not a reboot.
 * Source: MQTT 5 §3.1.2.11, §3.2.2, §3.14, §4.11 to §4.13.
 */
import type { Broker, Stage } from "../broker.js";
import type { LimitLayers, Limits } from "../delivery/limits.js";
import type { Ending } from "../delivery/options.js";
import type { RefusedOwner, ServerReason } from "../delivery/refusals.js";
import { NO_STORE, type OutboundEntry, type OutboundStore } from "../delivery/store.js";
import { NO_BROKER } from "../errors.js";
import type { ClientOptions, MQTTError } from "../options.js";
import type { Will } from "../wire/codec.js";
import type { Timers } from "../wire/io.js";
import type { Properties } from "../wire/properties.js";
import type { Protocol, TransmitLimits } from "../wire/protocol.js";
import type { Transmit } from "../wire/transmit.js";
import { version4 } from "../wire/version4.js";
import { Choice } from "./choice.js";
import { brokerLimits, effectiveLimits } from "./limits.js";
import { meaningOf, reasonText } from "./reasons.js";
import { Refused } from "./refused.js";
import { version5 } from "./version5.js";

const WEEK_S = 604_800;
const NO_LIMIT = 0xfff_ffff;
const FOR_EVER = 0xffff_ffff;
const NO_RETAIN = 0x9a;
const NO_QOS = 0x9b;

interface Server {
  readonly host: string;
  readonly port: number;
}

/** MQTT 5 for the client. Use the class itself as `ClientOptions.version5`; the client makes the instance. */
export class Broker5 implements Broker, RefusedOwner, LimitLayers {
  private readonly options: ClientOptions<OutboundEntry>;
  private choice: Choice;
  private hasBegun = false;
  readonly refusals: Refused;
  readonly retry: () => void;
  effective: Limits;
  lastReason: ServerReason | undefined;
  isExpired = false;
  /** Properties of its CONNACK in version 5. */
  private connackProperties: Properties | undefined;
  /** Limits that the server has shown otherwise: no QoS 2, no RETAIN. Kept until a reboot. */
  private learned: Properties = {};
  /** The server that it named, if that is to be followed. */
  private moved: Server | undefined;
  private reported: number | undefined;
  /** When the session ends without a connection, in milliseconds of uptime; Infinity: not known, or connected. */
  private expiresMs = Number.POSITIVE_INFINITY;

  /** @throws RangeError for a session that would end with its connection although it should last */
  constructor(options: ClientOptions<OutboundEntry>, retry: () => void) {
    const { sessionExpiryS } = options;
    if (sessionExpiryS === 0 && !options.clean) throw new RangeError("sessionExpiryS 0: expected 1 or more, or clean");
    this.options = options;
    this.retry = retry;
    this.choice = new Choice(options.version ?? "auto", undefined, options.uptimeMs());
    this.effective = effectiveLimits(this.ours, undefined, 5, false);
    this.refusals = new Refused(this);
  }

  get protocol(): Protocol {
    return this.choice.version === 5 ? version5 : version4;
  }

  get silenceMs(): number {
    return this.choice.silenceMs;
  }

  get outbound(): OutboundStore<OutboundEntry> {
    return this.options.outbound ?? NO_STORE;
  }

  get timers(): Timers {
    return this.options.timers;
  }

  begin<E extends OutboundEntry>(options: ClientOptions<E>): ClientOptions<E> {
    if (!this.hasBegun) this.recall();
    this.choice.begin(options.uptimeMs());
    this.compute();
    const { moved } = this;
    if (!moved) return options;
    // The options may be an object of a class: its getters must keep working.
    return Object.create(options, { host: { value: moved.host }, port: { value: moved.port } });
  }

  connect(isWipe: boolean): Uint8Array {
    const { id, user, password, keepAlive, receiveMaximum, maxPacketBytes, clean, will } = this.options;
    const { sessionExpiryS } = this.ours;
    const asked = { id, user, password, keepAlive, receiveMaximum, maxPacketBytes, sessionExpiryS };
    return this.protocol.connect(asked, isWipe || clean === true, isWipe ? undefined : this.willOf(will));
  }

  connack(code: number, properties: Properties | undefined): boolean {
    const { choice, options } = this;
    const nowMs = options.uptimeMs();
    const isUnsupported = choice.version === 5 ? !properties || code === 0x84 : code === 1;
    if (isUnsupported) return choice.ended("unsupported", nowMs);
    choice.ended("answered", nowMs);
    if (code > 127) {
      this.say("CONNACK", code, properties?.reason);
      this.follow(properties);
      if (this.learn(code)) return true;
    }
    if (code) return false;
    if (properties) this.connackProperties = properties;
    this.isExpired = nowMs > this.expiresMs;
    this.compute();
    const { proven } = choice;
    if (proven && proven !== this.reported) {
      this.reported = proven;
      options.onVersion?.(proven);
    }
    return false;
  }

  isLasting(code: number, stage: Stage): boolean {
    if (code < 128) return code !== 3; // of CONNACK in 3.1.1: server unavailable
    switch (meaningOf(code)) {
      case "moved":
        return !this.moved;
      case "taken over":
      case "not allowed":
        return true;
      case "later":
      case "limit":
      case "done":
        return false;
      default:
        return stage !== "connected";
    }
  }

  limit(out: Transmit): void {
    if (this.choice.version !== 5) return;
    const { aliasMaximum, maxPacketBytes } = this.effective;
    const limited = out as Transmit & TransmitLimits;
    limited.aliasMaximum = aliasMaximum;
    limited.maxPacketBytes = maxPacketBytes;
  }

  disconnect(code: number, properties: Properties): Ending {
    if (code > 127) this.say("DISCONNECT", code, properties.reason);
    this.learn(code);
    this.follow(properties);
    switch (meaningOf(code)) {
      case "done":
      case "cannot":
      case "protocol":
      case "not allowed":
        return "peer"; // it may be caused by the last message
      default:
        return "other";
    }
  }

  ended(stage: Stage, error?: MQTTError): boolean {
    const nowMs = this.options.uptimeMs();
    switch (stage) {
      case "connected": {
        const expiryS = this.effective.sessionExpiryS ?? FOR_EVER;
        this.expiresMs = expiryS === FOR_EVER ? Number.POSITIVE_INFINITY : nowMs + expiryS * 1_000;
        return false;
      }
      case "greeted": {
        const isQuiet = error?.kind === "closed" || error?.kind === "timeout" || error?.kind === "protocol";
        return isQuiet && !error.message.startsWith(NO_BROKER) && this.choice.ended("quiet", nowMs);
      }
      case "opening":
        if (error) this.moved = undefined; // not there: the configured server is tried again
        return false;
      default:
        throw new TypeError(`stage: ${stage satisfies never}`);
    }
  }

  say(packet: ServerReason["packet"], code: number, reason: string | undefined): void {
    const text = reasonText(code);
    this.lastReason = { packet, code, text: reason ? `${text}: "${escaped(reason)}"` : text };
  }

  /** Uses what is known from before the boot. Not before the first attempt: by then the owner may know how long ago that was. */
  private recall(): void {
    const { version, knownVersion } = this.options;
    this.hasBegun = true;
    this.reported = knownVersion;
    this.choice = new Choice(version ?? "auto", knownVersion, this.options.uptimeMs());
  }

  /** Only the effective limits are stored; the others are computed for `status`. */
  get limits(): LimitLayers {
    return this;
  }

  get ours(): Limits {
    const { window = 8, keepAlive = 60, sessionExpiryS = WEEK_S, clean } = this.options;
    return {
      window,
      maxOpenQoS2: NO_LIMIT,
      receiveMaximum: 65_535,
      maxQoS: 2,
      retainAvailable: 1,
      maxPacketBytes: NO_LIMIT,
      aliasMaximum: 65_535,
      keepAliveS: keepAlive,
      sessionExpiryS: clean ? 0 : sessionExpiryS,
      wildcardAvailable: 1,
      sharedAvailable: 1,
      subscriptionIdAvailable: 1,
      assignedId: undefined,
    };
  }

  get broker(): Limits | undefined {
    const { connackProperties, learned } = this;
    const isKnown = connackProperties || learned.maxQoS !== undefined || learned.retainAvailable !== undefined;
    return isKnown ? brokerLimits({ ...connackProperties, ...learned }, this.ours) : undefined;
  }

  /** Computes the limits of this attempt, as far as they are known. */
  private compute(): void {
    const { ours, broker, choice } = this;
    this.effective = effectiveLimits(ours, broker, choice.version, choice.isGuess);
  }

  /** The server has shown, at CONNECT or later, that it has no QoS 2 or no RETAIN. Returns whether that is new. */
  private learn(code: number): boolean {
    const { learned } = this;
    if (code === NO_RETAIN && learned.retainAvailable !== 0) this.learned = { ...learned, retainAvailable: 0 };
    else if (code === NO_QOS && learned.maxQoS !== 1) this.learned = { ...learned, maxQoS: 1 };
    else return false;
    return true;
  }

  private willOf(will: Will | undefined): Will | undefined {
    const broker = this.broker;
    if (!will || !broker) return will;
    const { topic, payload, retain, properties } = will;
    const qos = will.qos > broker.maxQoS ? broker.maxQoS : will.qos;
    return { topic, payload, qos, retain: retain && broker.retainAvailable === 1, properties };
  }

  /** §4.11: "host", "host:port", "[address]:port", possibly several separated by blanks; the first one is used. */
  private follow(properties: Properties | undefined): void {
    const reference = properties?.serverReference;
    const { lastReason, options } = this;
    if (!reference || !lastReason) return;
    const text = `${lastReason.text}, server reference "${escaped(reference)}"`;
    this.lastReason = { packet: lastReason.packet, code: lastReason.code, text };
    if (!options.followReference) return;
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^\s:]+))(?::(\d+))?/.exec(reference) ?? [];
    const host = bracketed ?? plain;
    const number = port ? Number(port) : options.port;
    if (host && number > 0 && number <= 65_535) this.moved = { host, port: number };
  }
}

/** Outside text for a line of a log: control characters and characters that change the text direction are escaped. */
function escaped(text: string): string {
  let out = "";
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const isTurning = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    const isControl = code < 0x20 || (code > 0x7e && code < 0xa0);
    out += isTurning || isControl ? `\\u{${code.toString(16)}}` : character;
  }
  return out;
}
