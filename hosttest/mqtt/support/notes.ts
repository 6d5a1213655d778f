/*
 * Records the calls of a parser in short form: a line for each call.
 */
import { expect } from "vitest";
import type { InboundMessage, LinkReader, MessageReader, Parser } from "../../../src/mqtt/wire/parser.js";
import type { Properties } from "../../../src/mqtt/wire/properties.js";

export class Notes implements LinkReader, MessageReader {
  readonly awaited = [-1];
  readonly head = 0;
  readonly lines: string[] = [];
  bytes = 0;
  acknowledge(): undefined {}
  connack(present: boolean, code: number, properties?: Properties): undefined {
    return this.#note(`connack ${present} ${code}${shown(properties)}`);
  }
  disconnected(code: number, properties: Properties): undefined {
    return this.#note(`disconnected ${code}${shown(properties)}`);
  }
  acknowledgement(word: number, code: number, reason?: string): undefined {
    const shownCode = word >>> 28 === 9 || code ? ` ${code}` : "";
    return this.#note(`ack ${word >>> 28} ${word & 0xffff}${shownCode}${reason === undefined ? "" : ` ${reason}`}`);
  }
  pingresp(): undefined {
    return this.#note("pingresp");
  }
  message({ topic, qos, totalBytes, offsetBytes, payload, last, properties }: InboundMessage, id: number): undefined {
    if (offsetBytes === 0) {
      this.bytes = 0;
      this.#note(`publish ${topic} ${qos} ${id} ${totalBytes}${shown(properties)}`);
    }
    expect(offsetBytes).toBe(this.bytes);
    this.bytes += payload.length;
    if (last) this.#note(`published ${this.bytes}`);
  }
  skipped(qos: number, id: number): undefined {
    return this.#note(`skipped ${qos} ${id}`);
  }
  #note(line: string): undefined {
    this.lines.push(line);
  }
}

/** Properties, if any; data as an array of bytes. */
function shown(properties: Properties | undefined): string {
  if (!properties) return "";
  return ` ${JSON.stringify(properties, (_, value) => (value instanceof Uint8Array ? [...value] : value))}`;
}

export function feed(parser: Parser, receive: Uint8Array, bytes: Uint8Array): string | undefined {
  receive.set(bytes);
  return parser.feed(bytes.length);
}

/** Feeds in pieces, whose sizes repeat, until an error or the end of the parser. Returns the error. */
export function feedInPieces(
  parser: Parser,
  receive: Uint8Array,
  bytes: Uint8Array,
  sizes: readonly number[],
): string | undefined {
  for (let at = 0, n = 0; at < bytes.length && parser.state !== ENDED; n++) {
    const size = Math.min(sizes[n % sizes.length], receive.length, bytes.length - at);
    const fault = feed(parser, receive, bytes.subarray(at, at + size));
    if (fault !== undefined) return fault;
    at += size;
  }
  return undefined;
}

const ENDED = 4; // as in parser.ts
