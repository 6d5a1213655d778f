/*
 * A firmware image of a simulated device: its version, board and fault, followed by padding of any length. The
 * program is the same for all images; they differ in the version that it reports and in the fault that the board simulates.
 *
 *   0 magic (4), 4 length of all (4), 8 length of the description (4), 12- the description, JSON in ASCII; padding; the last 4: CRC-32 of all before
 */
import { crc32 } from "../crc32.js";

const MAGIC = 0x31495448; // "HTI1"
const HEAD = 12;
const CHECK = 4;

/** "crash": ends at once; "hang": does nothing until the hardware watchdog resets it; "deaf": never joins the network; "blind": finds no sensor. */
export type ImageFault = "crash" | "hang" | "deaf" | "blind";

export interface ImageDescription {
  readonly version: string;
  readonly chip: string;
  readonly fault?: ImageFault;
}

/** An image of `length` bytes, or longer if necessary. */
export function makeImage(description: ImageDescription, length = 0): Uint8Array {
  const text = JSON.stringify(description);
  const bytes = new Uint8Array(Math.max(length, HEAD + text.length + CHECK));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, text.length, true);
  for (let n = 0; n < text.length; n++) bytes[HEAD + n] = text.charCodeAt(n);
  let state = crc32(bytes.subarray(0, HEAD + text.length));
  for (let n = HEAD + text.length; n < bytes.length - CHECK; n++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[n] = state >>> 24;
  }
  view.setUint32(bytes.length - CHECK, crc32(bytes.subarray(0, -CHECK)), true);
  return bytes;
}

/** The description of a complete image at the start of `bytes`; undefined: there is none. */
export function describedIn(bytes: Uint8Array): ImageDescription | undefined {
  if (bytes.length < HEAD + CHECK) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(4, true);
  const textEnd = HEAD + view.getUint32(8, true);
  if (view.getUint32(0, true) !== MAGIC || length > bytes.length || textEnd + CHECK > length) return undefined;
  if (view.getUint32(length - CHECK, true) !== crc32(bytes.subarray(0, length - CHECK))) return undefined;
  return JSON.parse(String.fromCharCode(...bytes.subarray(HEAD, textEnd)));
}
