/*
 * The TLS of one connection, as the socket (socket.ts) uses it: bytes in, bytes out, no socket, no clock. Types only, no byte
 * code. boards/esp32/tls implements it in C; engine.h has the details.
 */

/** A connection's state in the engine. Freed by `free`, or by the garbage collector. */
export type TLSHandle = object;

/** The engine's functions. A handle is valid from `open` to `free`. */
export interface TLSEngine {
  /** `pin`: hexadecimal digits, or empty. Undefined: not enough memory. Unusable certificates or keys are refused at once: see `state`. */
  readonly open: (
    ca: Uint8Array | undefined,
    certificate: Uint8Array | undefined,
    key: Uint8Array | undefined,
    name: string,
    pin: string,
    session: ArrayBuffer | undefined,
  ) => TLSHandle | undefined;
  readonly free: (handle: TLSHandle) => void;
  /** One step with this ciphertext, or without any. Returns how many bytes were consumed. */
  readonly feed: (handle: TLSHandle, bytes: Uint8Array, from: number, to: number) => number;
  /** No ciphertext will follow. */
  readonly feedEnd: (handle: TLSHandle) => void;
  /** Fills the buffer from `from` on with ciphertext to be sent; returns how many bytes. */
  readonly take: (handle: TLSHandle, bytes: Uint8Array, from: number) => number;
  /** The connection's state: one of socket.ts. */
  readonly state: (handle: TLSHandle) => number;
  readonly readable: (handle: TLSHandle) => number;
  /** Bytes that one write accepts; 0 while ciphertext waits to be taken. */
  readonly writable: (handle: TLSHandle) => number;
  /** Most bytes that encryption adds to a write. */
  readonly overhead: (handle: TLSHandle) => number;
  /** Fills the buffer. @throws Error if there is less */
  readonly read: (handle: TLSHandle, buffer: Uint8Array) => void;
  /** @throws Error if it cannot accept all */
  readonly write: (handle: TLSHandle, buffer: Uint8Array) => void;
  /** Prepares close_notify, to be fetched with `take`. */
  readonly close: (handle: TLSHandle) => void;
  /** The data that resumes the session: a secret. Undefined: none, or the same as before. */
  readonly session: (handle: TLSHandle) => ArrayBuffer | undefined;
  /** 0: version, 1: cipher, 2: name in the server's certificate, 3: details of the refusal. */
  readonly text: (handle: TLSHandle, which: number) => string;
  /** When the server's certificate expires, milliseconds since 1970; 0: not known. */
  readonly ends: (handle: TLSHandle) => number;
  readonly isResumed: (handle: TLSHandle) => boolean;
  /** Why the engine refused: an index of REFUSALS in socket.ts, whose order is engine.h's. */
  readonly refusal: (handle: TLSHandle) => number;
}
