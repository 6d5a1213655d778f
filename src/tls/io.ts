/*
 * What a TCP class with TLS on it takes beyond a plain one, and what it reports. Types only, no byte code.
 * Source: RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 5280 (certificates).
 */

/** Why a connection was refused, by us or by the server. */
export type TLSRefusalKind =
  /** No chain from the server's certificate to a CA that is known here. */
  | "unknownCA"
  /** The certificate is for another host. */
  | "wrongName"
  /** A certificate of the chain has ended. */
  | "expired"
  /** A certificate of the chain has not begun. */
  | "notYetValid"
  /** The certificate is not meant for servers. */
  | "wrongUsage"
  /** A certificate of the chain is signed by one that is not a CA. */
  | "noCA"
  /** Another key than the pinned one. */
  | "wrongKey"
  /** A key or a signature of the chain is too weak, or broken. */
  | "weak"
  /** No version or no cipher in common. */
  | "noCommon"
  /** What answers speaks another protocol. */
  | "noTLS"
  /** The server wants a client certificate, or does not take the one it got. */
  | "client"
  /** Closed by the server during the handshake. */
  | "closed"
  /** What came is no valid TLS: damaged or forged on its way. */
  | "broken"
  /** What is kept here (CA, client certificate, key) cannot be used. */
  | "unusable"
  /** A record or a message of the handshake is larger than what a device has memory for. */
  | "tooLarge"
  /** There is not enough memory for TLS. */
  | "noMemory";

/** Why there is no TLS with this server. */
export interface TLSRefusal {
  readonly kind: TLSRefusalKind;
  /** The names in the certificate, its date, the library's words; may hold text from outside. */
  readonly detail?: string | undefined;
}

/** What a connection was secured with. */
export interface TLSFacts {
  /** "TLSv1.3" */
  readonly version: string;
  /** The cipher suite's name. */
  readonly cipher: string;
  /** The name in the server's certificate: text from outside. Empty where a resumed session does not show it. */
  readonly name: string;
  /** When the server's certificate ends, milliseconds since 1970; undefined: not known. */
  readonly endsMs: number | undefined;
  /** An earlier session went on: no certificate was sent. */
  readonly isResumed: boolean;
}

/**
 * What a connection is to be secured by, and who hears how that went. The class reads it when a connection is made, each property once:
 * certificates and key come from flash then.
 */
export interface TLSDemand {
  /** Certificates of CAs, DER, one behind the other; undefined: the public ones, where the board has them. */
  readonly ca: Uint8Array | undefined;
  /** The SHA-256 of the server's public key (SubjectPublicKeyInfo), 64 lower-case hexadecimal digits; empty: any key. */
  readonly fingerprint: string;
  /** The name that the certificate must have: a host name or an IPv4 address. */
  readonly name: string;
  /** The client's certificate, and what signed it, DER, one behind the other. */
  readonly certificate: Uint8Array | undefined;
  /** Its private key, DER: PKCS #8, SEC 1 or PKCS #1. */
  readonly key: Uint8Array | undefined;
  /** What the class keeps of a session to resume it. A secret. Written by the class. */
  session: unknown;
  /** The TCP connection is open, the handshake begins. */
  onHandshake(): void;
  /** The server is the right one: from here on data may be sent. */
  onSecured(facts: TLSFacts): void;
  /** Called before the socket's `onError`. */
  onRefused(refusal: TLSRefusal): void;
}

/** A stream of bytes to a server, as ECMA-419's TCP class (2nd edition, clause 12) has it, `format` "buffer". */
export interface Stream {
  /** Fills the buffer, which must not be longer than what is readable. */
  read(buffer: Uint8Array): unknown;
  /** Takes the whole buffer, which must not be longer than what is writable; returns what is writable then. */
  // biome-ignore lint/suspicious/noConfusingVoidType: ECMA-419 lets a class return nothing
  write(buffer: Uint8Array): number | undefined | void;
  close(): void;
}

/** What a TCP class takes, as far as TLS needs it (ECMA-419 clause 12). */
export interface StreamOptions {
  address?: string;
  host: string;
  port: number;
  format: "buffer";
  onReadable(bytes: number): void;
  onWritable(bytes: number): void;
  onError(reason?: "refused" | "unreachable"): void;
}

/** A TCP class that TLS can stand on. */
export type StreamConstructor = new (options: StreamOptions) => Stream;
