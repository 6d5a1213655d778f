/*
 * The shapes of the network hardware, as boards give it: Wi-Fi and NTP, ECMA-419 style. Types only, no byte code.
 * They match `embedded:network/interface/wifi` (esp32) and `embedded:network/ntp/client` of the Moddable SDK 8.2, so that a
 * board passes the SDK's classes as they are. What those classes do beyond their typings is told here, where it matters.
 */

/** What `timers.set` returns. Opaque. */
export type TimerId = object | number;

/** One-shot timers, as Moddable's `timer` module has them. */
export interface Timers {
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}

/** `WiFi.connection`: ECMA-419 leaves room between the values, so compare with < and >=. */
export const DISCONNECTED = 200;
/** Associated with the access point, no address yet. */
export const ASSOCIATED = 400;
/** Associated, with its addresses: sockets work. */
export const CONNECTED = 500;

/** An access point, as heard by a scan. `security` is missing from the SDK's typings. */
export interface ScanResult {
  readonly SSID: string;
  readonly channel: number;
  /** dBm. */
  readonly RSSI: number;
  /** "none" for an open network. */
  readonly security?: string;
}

export interface WiFi {
  /** The chip stays associated; call `disconnect` first. */
  close(): void;
  /** Throws while another scan runs, and while the chip joins a network. */
  scan(options: { onFound(result: ScanResult): void; onComplete(): void }): void;
  /**
   * Throws while it is connecting. `password`: empty for an open network; `undefined` would be a password of nine letters to the
   * SDK. How an attempt ended shows in `connection` alone: the SDK does not tell why one failed.
   */
  connect(options: { SSID: string; password: string }): void;
  /** At once, without a callback. The chip's own event follows later and ends a `connect` made in between. */
  disconnect(): void;
  configure(options: { hostname?: string }): void;
  /** 200 idle, 300 connecting, 400 associated, 500 connected. */
  readonly connection: number;
  readonly address: string | undefined;
  /** undefined while not associated. Asked of the chip, so true even where an event was lost. */
  readonly SSID: string | undefined;
  /** dBm; undefined while not associated. */
  readonly RSSI: number | undefined;
}

export type WiFiConstructor = new (options: { onChanged(property: "connection" | "address"): void }) => WiFi;

/** What TimeSync is given: the io class, and the options that only the board knows, handed through. */
export interface NTPPort {
  readonly io: NTPConstructor;
  /** `{io}` of a UDP class, and of a resolver: the SDK's client wants both. */
  readonly socket?: object;
  readonly dns?: object;
}

export interface NTPClient {
  /**
   * Calls back once: with an error, or with null and milliseconds since 1970. The SDK's client checks nothing of an answer but
   * its being there. Throws while an earlier question is open; after `close` there is no callback.
   */
  getTime(callback: (error: Error | null, utcMs?: number) => void): void;
  close(): void;
}

/** `socket` and `dns` are between the board and its class; of type never, any class's demands are met by them. */
export interface NTPOptions {
  servers: string[];
  socket: never;
  dns: never;
}

export type NTPConstructor = new (options: NTPOptions) => NTPClient;
