/*
 * A network between devices and one broker, on virtual time: byte streams in order, with latency, that can be refused,
 * reset, delayed, dropped (black hole) or cut on one side only (half open).
 * The device's end is an ECMA-419 TCP class; the broker's end is a `Peer`. As TCP promises, nothing is lost or reordered while a
 * stream is open; its failure is reported to the ends late, or to one of them, or to none.
 * Source: ECMA-419 clause 12; RFC 9293 for what an end can detect.
 */
import type { TCP, TCPOptions } from "../../src/mqtt/wire/io.js";
import type { VirtualTime } from "../support/virtual-time.js";
import type { Random } from "./random.js";

/** The broker's end of a stream. */
export interface Peer {
  /** Sends bytes; does nothing after the end of the stream. */
  send(bytes: Uint8Array): void;
  /** Ends the stream: the other end is notified after the bytes in flight. */
  close(): void;
}

/** The broker's handlers of a stream. */
export interface Acceptor {
  data(bytes: Uint8Array): void;
  /** The stream has ended for this end. */
  ended(): void;
}

export interface Weather {
  /** One way, milliseconds. */
  latencyMs: number;
  /** Nothing arrives, in either direction, and neither end is notified. */
  blackHole: boolean;
  /** Connections are refused. */
  refusing: boolean;
  /** Bytes that a device may write before some of them have been sent. */
  roomBytes: number;
}

export class Network {
  readonly weather: Weather = { latencyMs: 20, blackHole: false, refusing: false, roomBytes: 1460 };
  readonly #time: VirtualTime;
  readonly #listen: (peer: Peer) => Acceptor | undefined;
  readonly #streams = new Set<Stream>();

  /** `listen`: the broker; undefined: it is down, and connections are refused. */
  constructor(time: VirtualTime, listen: (peer: Peer) => Acceptor | undefined) {
    this.#time = time;
    this.#listen = listen;
  }

  /**
   * An ECMA-419 TCP class for one device. It works while `isOn`: a device without power receives and sends nothing.
   * `isReached`: its link is up; bytes sent while it is down are dropped.
   */
  socketClass(isOn: () => boolean, isReached: () => boolean = () => true): new (options: TCPOptions) => TCP {
    const open = (options: TCPOptions): Stream => {
      const stream = new Stream(this.#time, this.weather, options, isOn, isReached, this.#listen);
      this.#streams.add(stream);
      stream.onOver = () => this.#streams.delete(stream);
      return stream;
    };
    return class implements TCP {
      readonly #stream: Stream;
      constructor(options: TCPOptions) {
        this.#stream = open(options);
      }
      read(buffer: Uint8Array): number {
        return this.#stream.read(buffer);
      }
      write(buffer: Uint8Array): number {
        return this.#stream.write(buffer);
      }
      close(): void {
        this.#stream.closeDevice();
      }
    };
  }

  /** Resets every stream; both ends are notified. */
  resetAll(): void {
    for (const stream of [...this.#streams]) stream.reset("both");
  }

  /** The devices disappear: the broker's end of every stream is not notified. */
  loseDevices(): void {
    for (const stream of [...this.#streams]) stream.reset("device");
  }

  /** Every stream ends on one side only: for the other side it stays open. */
  halfOpenAll(random: Random): void {
    for (const stream of [...this.#streams]) stream.reset(random.pick(["device", "broker"] as const));
  }
}

const CLOSED = new Error("closed");

/** One TCP stream. */
class Stream {
  onOver: () => void = () => {};
  readonly #time: VirtualTime;
  readonly #weather: Weather;
  readonly #options: TCPOptions;
  readonly #isOn: () => boolean;
  readonly #isReached: () => boolean;
  #acceptor: Acceptor | undefined;
  #arrived: Uint8Array[] = []; // at the device, not read yet
  #arrivedBytes = 0;
  #room: number; // bytes that the device may write now
  #deviceOpen = true;
  #brokerOpen = false;
  #severed = false; // nothing is forwarded any more, whatever the state of the ends
  #lastArrivalMs = 0; // keeps the order when the latency falls

  constructor(
    time: VirtualTime,
    weather: Weather,
    options: TCPOptions,
    isOn: () => boolean,
    isReached: () => boolean,
    listen: (peer: Peer) => Acceptor | undefined,
  ) {
    this.#time = time;
    this.#weather = weather;
    this.#options = options;
    this.#isOn = isOn;
    this.#isReached = isReached;
    this.#room = weather.roomBytes;
    this.#after(2 * weather.latencyMs, () => {
      if (!this.#deviceOpen || !isOn() || this.#isSwallowed()) return;
      const acceptor = weather.refusing
        ? undefined
        : listen({ send: (bytes) => this.#toDevice(bytes), close: () => this.#closeBroker() });
      if (acceptor === undefined) {
        this.#failDevice();
        return;
      }
      this.#acceptor = acceptor;
      this.#brokerOpen = true;
      this.#options.onWritable(this.#room);
    });
  }

  read(buffer: Uint8Array): number {
    if (!this.#deviceOpen) throw CLOSED;
    if (buffer.length > this.#arrivedBytes) throw new Error("invalid");
    let at = 0;
    while (at < buffer.length) {
      const first = this.#arrived[0];
      const take = Math.min(first.length, buffer.length - at);
      buffer.set(take === first.length ? first : first.subarray(0, take), at);
      if (take === first.length) this.#arrived.shift();
      else this.#arrived[0] = first.subarray(take);
      at += take;
    }
    this.#arrivedBytes -= at;
    return at;
  }

  write(buffer: Uint8Array): number {
    if (!this.#deviceOpen) throw CLOSED;
    if (buffer.length > this.#room) throw new Error("would block");
    if (!this.#isOn()) return this.#room;
    this.#room -= buffer.length;
    const bytes = buffer.slice();
    const { length } = bytes;
    this.#deliver(() => {
      if (this.#brokerOpen) this.#acceptor?.data(bytes);
      this.#after(this.#weather.latencyMs, () => {
        if (!this.#deviceOpen || !this.#isOn() || this.#isSwallowed()) return;
        this.#room += length;
        this.#options.onWritable(this.#room);
      });
    });
    return this.#room;
  }

  /** The device closes: the broker is notified, if the network works. */
  closeDevice(): void {
    if (!this.#deviceOpen) return;
    this.#deviceOpen = false;
    if (!this.#isOn()) this.#severed = true; // no power: not even a FIN
    this.#deliver(() => this.#endBroker());
    this.#overIfOver();
  }

  /** The stream breaks; `informed`: which ends are notified now. The other one must detect it itself. */
  reset(informed: "both" | "device" | "broker"): void {
    this.#severed = true;
    if (informed !== "device") this.#endBroker();
    if (informed !== "broker") this.#after(0, () => this.#failDevice());
  }

  #toDevice(bytes: Uint8Array): void {
    if (!this.#brokerOpen) return;
    this.#deliver(() => {
      if (!this.#deviceOpen || !this.#isOn()) return;
      this.#arrived.push(bytes);
      this.#arrivedBytes += bytes.length;
      this.#options.onReadable(this.#arrivedBytes);
    });
  }

  #closeBroker(): void {
    if (!this.#brokerOpen) return;
    this.#brokerOpen = false;
    this.#deliver(() => this.#failDevice());
  }

  #endBroker(): void {
    if (!this.#brokerOpen) return;
    this.#brokerOpen = false;
    this.#acceptor?.ended();
    this.#overIfOver();
  }

  #failDevice(): void {
    if (!this.#deviceOpen) return;
    this.#deviceOpen = false;
    if (this.#isOn()) this.#options.onError();
    this.#overIfOver();
  }

  #overIfOver(): void {
    if (!this.#deviceOpen && !this.#brokerOpen) this.onOver();
  }

  /** Bytes in flight when the network fails are lost with all later ones: TCP does not deliver after a gap. */
  #deliver(arrive: () => void): void {
    if (this.#isSwallowed()) this.#severed = true;
    if (this.#severed) return;
    const arrivalMs = Math.max(this.#lastArrivalMs, this.#time.nowMs + this.#weather.latencyMs);
    this.#lastArrivalMs = arrivalMs;
    this.#after(arrivalMs - this.#time.nowMs, () => {
      if (this.#isSwallowed()) this.#severed = true;
      if (!this.#severed) arrive();
    });
  }

  #isSwallowed(): boolean {
    return this.#weather.blackHole || !this.#isReached();
  }

  /** The network's own timers; a device without power has no callbacks. */
  #after(delayMs: number, callback: () => void): void {
    this.#time.timers.set(callback, delayMs);
  }
}
