/*
 * The hardware that this library takes in its options, as types. No byte code.
 * Source: ECMA-419, 2nd edition, clause 12 (TCP socket) and clause 20 (DNS resolver); Moddable's `timer` module.
 */

/** A class, and further options for its constructor. */
export interface Port<Class> {
  readonly io: Class;
  readonly [option: string]: unknown;
}

/** Why a connection was not made. The SDK's classes do not report it; boards/desktop does. */
export type NoConnection = "refused" | "unreachable";

/** Options of a TCP socket. The client adds host, address, port and callbacks to the owner's options. */
export interface TCPOptions {
  /** Numeric address; undefined if the class has to resolve `host` itself. */
  address?: string;
  /** As the owner wrote it, for classes that need the name (SNI) beside the address. */
  host: string;
  port: number;
  format: "buffer";
  /** `bytes` can be read now. */
  onReadable(bytes: number): void;
  /** `bytes` can be written now; the first call means that the connection is open. */
  onWritable(bytes: number): void;
  /** The connection is over: refused, closed by the peer, or broken. `reason`: from a class that knows why none was made. */
  onError(reason?: NoConnection): void;
}

/** One TCP connection, `format` "buffer". */
export interface TCP {
  /** Fills the buffer, which must not be longer than the readable bytes. */
  read(buffer: Uint8Array): unknown;
  /** Accepts the whole buffer, which must not be longer than the writable bytes; returns the bytes writable afterwards. */
  // biome-ignore lint/suspicious/noConfusingVoidType: ECMA-419 lets a class return nothing
  write(buffer: Uint8Array): number | undefined | void;
  close(): void;
}

/** The class of a TCP socket (ECMA-419 clause 12). */
export interface TCPConstructor {
  new (options: TCPOptions): TCP;
}

/** One question to the resolver. `address` is numeric. The SDK's resolver passes the name to `onError`; others need not. */
export interface ResolveOptions {
  host: string;
  onResolved(host: string, address: string): void;
  onError(host?: string): void;
}

/** A DNS resolver (ECMA-419 clause 20). */
export interface Resolver {
  resolve(options: ResolveOptions): void;
  close?(): void;
}

/** The class of a DNS resolver. */
export interface ResolverConstructor {
  new (options: Readonly<Record<string, unknown>>): Resolver;
}

/** The result of `Timers.set`, only to be passed to `clear`. */
export type TimerId = unknown;

/** One-shot timers, as in Moddable's `timer` module. */
export interface Timers {
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
