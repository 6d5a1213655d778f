/*
 * The network hardware, as boards supply it: Wi-Fi, and UDP for NTP, in ECMA-419 style. Types only, no byte code. They match
 * `embedded:network/interface/wifi` (esp32) and `embedded:io/socket/udp` of the Moddable SDK 8.2, so that a board can pass the
 * SDK's classes unchanged. What the typings do not show is documented here.
 */

/** `WiFi.connection`: ECMA-419 leaves gaps between the values, so compare with < and >=. */
export const DISCONNECTED = 200;
/** Associated with the access point, no address yet. */
export const ASSOCIATED = 400;
/** Associated, with its addresses: sockets work. */
export const CONNECTED = 500;

/** An access point found by a scan. `security` is missing from the SDK's typings. */
export interface ScanResult {
  readonly SSID: string;
  readonly channel: number;
  /** dBm. */
  readonly RSSI: number;
  /** "none" for an open network. */
  readonly security?: string;
}

/** The Wi-Fi interface of a chip, as in the SDK (`embedded:network/interface/wifi`, ESP32). */
export interface WiFi {
  /** The chip stays associated; call `disconnect` first. */
  close(): void;
  /** Throws while another scan runs, and while the chip joins a network. */
  scan(options: { onFound(result: ScanResult): void; onComplete(): void }): void;
  /**
   * Throws while it is connecting. `password`: empty for an open network; the SDK would convert `undefined` to a password of
   * nine letters. `channel`: 1 to 13, at which the scan begins; absent: at channel 1. The result of an attempt is only visible in
   * `connection`: the SDK does not report why one failed.
   */
  connect(options: { SSID: string; password: string; channel?: number }): void;
  /** Takes effect at once, without a callback. The chip's own event follows later and ends a `connect` made in between. */
  disconnect(): void;
  configure(options: { hostname?: string }): void;
  /** 200 idle, 300 connecting, 400 associated, 500 connected. */
  readonly connection: number;
  readonly address: string | undefined;
  /** undefined while not associated. Read from the chip, so it is correct even if an event was lost. */
  readonly SSID: string | undefined;
  /** dBm; undefined while not associated. */
  readonly RSSI: number | undefined;
  /** Of the access point; undefined while not associated. */
  readonly channel: number | undefined;
}

/** The class of a Wi-Fi interface. */
export type WiFiConstructor = new (options: { onChanged(property: "connection" | "address"): void }) => WiFi;

/** A datagram of the SDK's UDP class: its bytes, and its sender. */
export type Datagram = ArrayBuffer & { readonly address: string; readonly port: number };

/** ECMA-419's UDP socket, `embedded:io/socket/udp`. */
export interface UDP {
  /** undefined: none is waiting. */
  read(): Datagram | undefined;
  /** Throws if there is no route. */
  write(packet: ArrayBuffer, address: string, port: number): void;
  close(): void;
}

/** The class of a UDP socket (ECMA-419 clause 12). */
export type UDPConstructor = new (options: { onReadable(packets: number): void }) => UDP;

/** A DNS resolver (ECMA-419 clause 20). */
export interface Resolver {
  /** `address` is numeric. */
  resolve(options: { host: string; onResolved(host: string, address: string): void; onError(): void }): void;
  close?(): void;
}

/** The class of a DNS resolver. */
export type ResolverConstructor = new (options: Readonly<Record<string, unknown>>) => Resolver;

/** The UDP and resolver classes for time servers. */
export interface NTPPort {
  readonly socket: { readonly io: UDPConstructor };
  /** Absent: servers are given as addresses. */
  readonly dns?: { readonly io: ResolverConstructor };
  /** Default 123. */
  readonly port?: number;
}
