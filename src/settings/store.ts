/*
 * The settings on flash: two generations, each one value of a key-value store, so that a power cut at any byte of a save leaves
 * the old settings or the new ones. A save overwrites the older one and reads it back. The newest undamaged generation is in
 * force; if it is damaged, the one before it is. Settings are texts by key; their meaning is not known here, so that keys of a
 * newer firmware survive loading and saving.
 *
 * A value, little-endian:
 *
 *   0      format version (1)
 *   1-3    zero
 *   4-7    number of the generation
 *   8-11   CRC-32 of all other bytes
 *   12-    JSON
 *
 * The JSON is one object, escaped to ASCII, so that it can be read without UTF-8. NVS, the key-value store of the ESP32, has
 * keys of up to 15 characters and values of up to 4,000 bytes, and writes each atomically.
 */

/** As `embedded:storage/key-value` with format "buffer" (ECMA-419, 2nd edition). */
export interface KeyValueStore {
  /** The bytes of `key`; undefined if there are none. Throws if the value is of another type. */
  read(key: string): ArrayBuffer | Uint8Array | undefined;
  /** Stores the bytes; throws if there is no free space. */
  write(key: string, value: ArrayBuffer): void;
  /** Deletes the key; no error if there is none. */
  delete(key: string): void;
  close?(): void;
}

/** Contents of a generation: JSON values by key. Known keys have texts. */
export type Stored = { [key: string]: unknown };

/** Result of `load`. `problem`: one line for the log; the settings can still be used. */
export interface Loaded {
  readonly settings: Stored;
  /** Number of the generation in force, 0 if none is. */
  readonly generation: number;
  readonly problem?: string;
}

/** The keys of the two generations in the key-value store. */
export const GENERATION_KEYS = Object.freeze(["settings.a", "settings.b"] as const);
/** The longest value, header included, in bytes (NVS). */
export const MAX_VALUE = 4_000;

const FORMAT_VERSION = 1;
const VERSION_AT = 0;
const GENERATION_AT = 4;
const CRC_AT = 8;
const JSON_AT = 12;
/** Characters made in one call: each needs a slot of the stack. */
const PIECE = 32;

/** The content of one of the two keys. */
type Generation =
  | { readonly kind: "whole"; readonly number: number; readonly settings: Stored }
  | { readonly kind: "absent" }
  | { readonly kind: "damaged" }
  | { readonly kind: "newer"; readonly version: number; readonly number: number };

/** Two generations in `store`. Owns nothing but the two keys; the caller closes the store. */
export class GenerationStore {
  private readonly store: KeyValueStore;
  private current = 0; // which of the two keys is in force
  private generation = 0;

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /**
   * The newest undamaged generation; at the first boot there is none, which is not a problem. Never throws. `isBrief`: if the
   * one with the higher number is undamaged, the other one is not read, and not reported if it is damaged.
   */
  load(isBrief = false): Loaded {
    const newest = isBrief ? this.newest() : undefined;
    if (newest !== undefined) return newest;
    const generations = [this.read(0), this.read(1)];
    let settings: Stored = {};
    this.current = generations[0].kind === "absent" ? 1 : 0; // the first save goes to the other one
    this.generation = 0;
    for (let i = 0; i < 2; i++) {
      const found = generations[i];
      if (found.kind !== "whole" || found.number <= this.generation) continue;
      this.current = i;
      this.generation = found.number;
      settings = found.settings;
    }
    const other = generations[1 - this.current];
    if (this.generation === 0) {
      const worst = generations.find((one) => one.kind !== "absent");
      return { settings, generation: 0, problem: worst === undefined ? undefined : `${reason(worst)}: defaults apply` };
    }
    // The other generation was older, or is an interrupted save: nothing in use was lost.
    const lost = other.kind === "newer" || other.kind === "damaged";
    return {
      settings,
      generation: this.generation,
      problem: lost ? `${reason(other)}: the previous ones apply` : undefined,
    };
  }

  /**
   * Writes the next generation and reads it back; it is in force when `save` returns.
   * @throws RangeError if the settings are too long, Error if the store fails; then the old ones stay in force
   */
  save(settings: Stored): void {
    const next = this.generation + 1;
    const target = 1 - this.current;
    const value = encode(settings, next);
    this.store.write(GENERATION_KEYS[target], value);
    if (this.load().generation !== next) throw new Error("settings were written, but do not read back");
  }

  /** Deletes both generations, the older one first: a power cut in between leaves the settings unchanged. */
  erase(): void {
    this.store.delete(GENERATION_KEYS[1 - this.current]);
    this.store.delete(GENERATION_KEYS[this.current]);
    this.current = 1;
    this.generation = 0;
  }

  /** The generation with the higher number; undefined: there are not two, or it is damaged. */
  private newest(): Loaded | undefined {
    try {
      const [first, second] = [this.bytes(0), this.bytes(1)];
      if (first === undefined || second === undefined) return undefined;
      const current = numberIn(first) > numberIn(second) ? 0 : 1;
      const found = decode(current === 0 ? first : second);
      if (found.kind !== "whole") return undefined;
      this.current = current;
      this.generation = found.number;
      return { settings: found.settings, generation: found.number };
    } catch {
      return undefined;
    }
  }

  private read(which: number): Generation {
    try {
      const value = this.bytes(which);
      return value === undefined ? { kind: "absent" } : decode(value);
    } catch {
      return { kind: "damaged" };
    }
  }

  private bytes(which: number): Uint8Array | undefined {
    const value = this.store.read(GENERATION_KEYS[which]);
    return value === undefined || value instanceof Uint8Array ? value : new Uint8Array(value);
  }
}

function reason(generation: Generation): string {
  switch (generation.kind) {
    case "newer":
      return `settings of a newer firmware (format ${generation.version}) cannot be read`;
    case "damaged":
      return "settings on flash are damaged";
    case "absent":
    case "whole":
      return "";
    default:
      throw new TypeError(`generation: ${JSON.stringify(generation satisfies never)}`);
  }
}

function encode(settings: Stored, generation: number): ArrayBuffer {
  const json = toASCII(JSON.stringify(settings));
  const length = JSON_AT + json.length;
  if (length > MAX_VALUE) throw new RangeError(`settings take ${length} bytes, ${MAX_VALUE} fit: shorten some texts`);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[VERSION_AT] = FORMAT_VERSION;
  view.setUint32(GENERATION_AT, generation, true);
  for (let i = 0; i < json.length; i++) bytes[JSON_AT + i] = json.charCodeAt(i);
  view.setUint32(CRC_AT, checksum(bytes), true);
  return bytes.buffer;
}

/** @throws RangeError for too few bytes */
function numberIn({ buffer, byteOffset, length }: Uint8Array): number {
  return new DataView(buffer, byteOffset, length).getUint32(GENERATION_AT, true);
}

function decode(bytes: Uint8Array): Generation {
  if (bytes.length < JSON_AT) return { kind: "damaged" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(CRC_AT, true) !== checksum(bytes)) return { kind: "damaged" };
  const version = bytes[VERSION_AT];
  const number = view.getUint32(GENERATION_AT, true);
  if (version !== FORMAT_VERSION) return { kind: "newer", version, number };
  let json = "";
  for (let i = JSON_AT; i < bytes.length; i += PIECE) {
    json += String.fromCharCode.apply(undefined, bytes.subarray(i, i + PIECE) as unknown as number[]);
  }
  const settings: unknown = JSON.parse(json);
  if (settings === null || typeof settings !== "object" || Array.isArray(settings)) return { kind: "damaged" };
  return { kind: "whole", number, settings: settings as Stored };
}

/** JSON with everything beyond ASCII escaped: one byte per character. By character, because XS has no surrogate pairs. */
function toASCII(json: string): string {
  let ascii = "";
  for (const character of json) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) ascii += character;
    else if (code <= 0xffff) ascii += escaped(code);
    else ascii += escaped(0xd7c0 + (code >> 10)) + escaped(0xdc00 + (code & 0x3ff)); // RFC 8259 §7: as a pair
  }
  return ascii;
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

/** CRC-32 (IEEE 802.3, reflected) of all bytes except the CRC itself. With a table, because each report of a sleeper waits for it. */
function checksum(bytes: Uint8Array): number {
  let crc = -1;
  let at = 0;
  for (const end of [CRC_AT, bytes.length]) {
    for (; at < end; at++) crc = (crc >>> 8) ^ CRC_OF_BYTE[(crc ^ bytes[at]) & 0xff];
    at = JSON_AT;
  }
  return ~crc >>> 0;
}

/** Made when the module is loaded; for a device that is at build time, so it is in flash. */
const CRC_OF_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});
