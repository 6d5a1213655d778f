/*
 * Options and callbacks of a TCP class with TLS, beyond those of a plain one. Types only, no byte code.
 * Source: RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 5280 (certificates).
 */

/** Why a connection was refused, by us or by the server. */
export type TLSRefusalKind =
  /** No chain from the server's certificate to a known CA. */
  | "unknownCA"
  /** The certificate is for another host. */
  | "wrongName"
  /** A certificate of the chain has expired. */
  | "expired"
  /** A certificate of the chain is not valid yet. */
  | "notYetValid"
  /** The certificate is not meant for servers. */
  | "wrongUsage"
  /** The signer of a certificate of the chain is not a CA. */
  | "noCA"
  /** Another key than the pinned one. */
  | "wrongKey"
  /** A key or a signature of the chain is too weak, or broken. */
  | "weak"
  /** No version or no cipher in common. */
  | "noCommon"
  /** The server speaks another protocol. */
  | "noTLS"
  /** The server requires a client certificate, or refuses the one it got. */
  | "client"
  /** Closed by the server during the handshake. */
  | "closed"
  /** The received data is not valid TLS: damaged or forged in transit. */
  | "broken"
  /** The stored CA, client certificate or key cannot be used. */
  | "unusable"
  /** A record or a message of the handshake does not fit a device's memory. */
  | "tooLarge"
  /** There is not enough memory for TLS. */
  | "noMemory";

/** Why TLS with this server failed. */
export interface TLSRefusal {
  readonly kind: TLSRefusalKind;
  /** The names in the certificate, its date, the library's text; may contain outside text. */
  readonly detail?: string | undefined;
}

/** How a connection is secured. */
export interface TLSFacts {
  /** For example "TLSv1.3". */
  readonly version: string;
  /** The cipher suite's name. */
  readonly cipher: string;
  /** The name in the server's certificate: outside text. Empty if a resumed session does not show it. */
  readonly name: string;
  /** When the server's certificate expires, milliseconds since 1970; undefined: not known. */
  readonly endsMs: number | undefined;
  /** An earlier session was resumed: no certificate was sent. */
  readonly isResumed: boolean;
}

/**
 * What a connection must be secured with, and callbacks for the result. The class reads each property once, when a connection
 * is made, because certificates and key are read from flash.
 */
export interface TLSDemand {
  /** Certificates of CAs, DER, concatenated; undefined: the public ones, if the board has them. */
  readonly ca: Uint8Array | undefined;
  /** The SHA-256 of the server's public key (SubjectPublicKeyInfo), 64 lower-case hexadecimal digits; empty: any key. */
  readonly fingerprint: string;
  /** The name that the certificate must have: a host name or an IPv4 address. */
  readonly name: string;
  /** The client's certificate and its issuers, DER, concatenated. */
  readonly certificate: Uint8Array | undefined;
  /** Its private key, DER: PKCS #8, SEC 1 or PKCS #1. */
  readonly key: Uint8Array | undefined;
  /** Data that the class stores to resume the session. A secret. Written by the class. */
  session: unknown;
  /** The TCP connection is open, the handshake begins. */
  onHandshake(): void;
  /** The server is verified: from here on data may be sent. */
  onSecured(facts: TLSFacts): void;
  /** Called before the socket's `onError`. */
  onRefused(refusal: TLSRefusal): void;
}

/** A stream of bytes to a server, like ECMA-419's TCP class (2nd edition, clause 12) with `format` "buffer". */
export interface Stream {
  /** Fills the buffer, which must not be longer than the readable bytes. */
  read(buffer: Uint8Array): unknown;
  /** Accepts the whole buffer, which must not be longer than the writable bytes; returns the bytes writable afterwards. */
  // biome-ignore lint/suspicious/noConfusingVoidType: ECMA-419 lets a class return nothing
  write(buffer: Uint8Array): number | undefined | void;
  close(): void;
}

/** The options of a TCP class that TLS needs (ECMA-419 clause 12). */
export interface StreamOptions {
  address?: string;
  host: string;
  port: number;
  format: "buffer";
  onReadable(bytes: number): void;
  onWritable(bytes: number): void;
  onError(reason?: "refused" | "unreachable"): void;
}

/** A TCP class on which TLS can be used. */
export type StreamConstructor = new (options: StreamOptions) => Stream;
