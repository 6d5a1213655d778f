/*
 * One question to one time server: resolves its name, sends a datagram, waits for the answer, and calls `onEnd` once. It has a
 * socket only meanwhile. Datagrams that do not answer this question (another sender, another time stamp) are ignored.
 */

import { messageOf } from "../common/message-of.js";
import type { TimerId, Timers } from "../common/timers.js";
import type { NTPPort, Resolver, UDP } from "./io.js";
import { NTP_PORT, newQuestion, type Reply, readReply } from "./sntp.js";

/** Time limit for resolving the name, in milliseconds: the SDK's resolver takes up to ten seconds. */
export const RESOLVE_MS = 12_000;
/** Time limit for the answer, in milliseconds. The time is taken from the middle of the round trip, so its error is at most half of this. */
export const ANSWER_MS = 4_000;

/** How one question ended. */
export type Outcome =
  | Exclude<Reply, { kind: "time" } | { kind: "foreign" }>
  /** Milliseconds since 1970 at uptime 0, according to the server at this address. */
  | { readonly kind: "time"; readonly bootMs: number; readonly address: string }
  | { readonly kind: "silent" }
  | { readonly kind: "unknownHost" }
  | { readonly kind: "failed"; readonly message: string };

/** What a question needs: UDP and resolver, timers, random numbers from 0 to 1, and the clock in milliseconds of uptime. */
export interface QuestionOptions {
  readonly ntp: NTPPort;
  readonly timers: Timers;
  random(): number;
  uptimeMs(): number;
}

/** One question to one server. `onEnd` is called once. */
export class TimeQuestion {
  private readonly options: QuestionOptions;
  private readonly onEnd: (outcome: Outcome) => void;
  private question: DataView | undefined;
  private address = "";
  private sentMs = 0;
  private socket: UDP | undefined;
  private resolver: Resolver | undefined;
  private timer: TimerId | undefined;
  private isOver = false;

  /** Asks at once. `onEnd` is called once, possibly before the constructor returns; never after `close`. */
  constructor(host: string, options: QuestionOptions, onEnd: (outcome: Outcome) => void) {
    this.options = options;
    this.onEnd = onEnd;
    this.attempt(() => this.resolve(host));
  }

  /** No callback from here on; socket, resolver and timer are released. */
  close(): void {
    this.isOver = true;
    this.stopTimer();
    const socket = this.socket;
    const resolver = this.resolver;
    this.socket = this.resolver = undefined;
    closed(socket);
    closed(resolver);
  }

  private resolve(host: string): void {
    const dns = this.options.ntp.dns;
    this.startTimer(RESOLVE_MS, { kind: "unknownHost" });
    if (dns === undefined) {
      this.send(host);
      return;
    }
    this.resolver = new dns.io(dns as unknown as Readonly<Record<string, unknown>>);
    this.resolver.resolve({
      host,
      onResolved: (_host, address) => this.attempt(() => this.send(address)),
      onError: () => this.end({ kind: "unknownHost" }),
    });
  }

  private send(address: string): void {
    if (this.question !== undefined) return;
    const { ntp, random, uptimeMs } = this.options;
    const question = newQuestion(() => random.call(this.options));
    this.question = question;
    this.address = address;
    this.startTimer(ANSWER_MS, { kind: "silent" });
    this.socket = new ntp.socket.io({
      ...ntp.socket,
      onReadable: (packets: number) => this.attempt(() => this.read(packets)),
    });
    this.sentMs = uptimeMs.call(this.options);
    this.socket.write(question.buffer as ArrayBuffer, address, this.port);
  }

  private get port(): number {
    return this.options.ntp.port ?? NTP_PORT;
  }

  private read(packets: number): void {
    for (let i = 0; i < packets && !this.isOver; i++) {
      const datagram = this.socket?.read();
      if (datagram === undefined || this.question === undefined) return;
      if (datagram.address !== this.address || datagram.port !== this.port) continue;
      const reply = readReply(new DataView(datagram), this.question);
      if (reply.kind === "time") this.end(this.timeOf(reply.receivedMs, reply.sentMs));
      else if (reply.kind !== "foreign") this.end(reply);
    }
  }

  /** RFC 4330 §5: the offset is taken from the middle of the round trip. */
  private timeOf(receivedMs: number, answeredMs: number): Outcome {
    const nowMs = this.options.uptimeMs();
    const thereAndBackMs = nowMs - this.sentMs;
    const heldMs = answeredMs - receivedMs; // by the server, measured by its clock, whose drift does not matter here
    if (!(heldMs >= 0 && heldMs <= thereAndBackMs + 1)) {
      return { kind: "unusable", why: "its time stamps contradict each other" };
    }
    const bootMs = Math.round((receivedMs + answeredMs - this.sentMs - nowMs) / 2);
    return { kind: "time", bootMs, address: this.address };
  }

  /** An exception of socket or resolver ends the question, here and in their callbacks. */
  private attempt(action: () => void): void {
    if (this.isOver) return;
    try {
      action();
    } catch (error) {
      this.end({ kind: "failed", message: messageOf(error) });
    }
  }

  private end(outcome: Outcome): void {
    if (this.isOver) return;
    this.close();
    this.onEnd(outcome);
  }

  private startTimer(delayMs: number, outcome: Outcome): void {
    this.stopTimer();
    this.timer = this.options.timers.set(() => {
      this.timer = undefined;
      this.end(outcome);
    }, delayMs);
  }

  private stopTimer(): void {
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
  }
}

function closed(io: { close?(): void } | undefined): void {
  try {
    io?.close?.();
  } catch {
    // it was closed already
  }
}
