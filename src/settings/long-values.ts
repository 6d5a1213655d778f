/*
 * Values that are too long for a generation of the settings: certificates and keys. The generation contains a reference to the
 * value, "912 bytes, sha256 0123456789abcdef"; the bytes are in the same key-value store under a key of their own. Each setting
 * has two places there, and a save writes the one that is not in use. The bytes therefore change together with the generation,
 * and a power cut at any moment leaves the old value or the new one. Then the place no longer in use is deleted. A value: the
 * first 8 bytes of its SHA-256, which identify it for the reference, and the bytes.
 */
import { toHex } from "../common/ascii.js";
import { sha256 } from "../common/sha256.js";
import { type KeyValueStore, MAX_VALUE } from "./store.js";

const DIGEST_BYTES = 8;
/** The longest value, in bytes. */
export const MAX_LONG_VALUE = MAX_VALUE - DIGEST_BYTES;
const MIDDLE = " bytes, sha256 ";
const PLACES = Object.freeze([".a", ".b"] as const);

/** The beginning of the SHA-256 of `bytes`. */
function digestOf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, DIGEST_BYTES);
}

/** The text that refers to `bytes`. */
export function referenceTo(bytes: Uint8Array): string {
  return `${bytes.length}${MIDDLE}${toHex(digestOf(bytes))}`;
}

/** Whether `text` can be a reference, or is empty. */
export function isReference(text: string): boolean {
  return text === "" || /^[1-9]\d* bytes, sha256 [\da-f]{16}$/.test(text);
}

/** The value of `key` that `reference` identifies; undefined: it is not there. @throws the exceptions of the store */
export function readLong(store: KeyValueStore, key: string, reference: string): Uint8Array | undefined {
  const value = find(store, key, reference);
  return value?.subarray(DIGEST_BYTES);
}

/** Writes `bytes` to the place that `inForce` does not refer to. @throws the exceptions of the store */
export function writeLong(store: KeyValueStore, key: string, bytes: Uint8Array, inForce: string): void {
  const value = new Uint8Array(DIGEST_BYTES + bytes.length);
  value.set(digestOf(bytes));
  value.set(bytes, DIGEST_BYTES);
  const isFirstTaken = isAt(store, `${key}${PLACES[0]}`, inForce);
  store.write(`${key}${PLACES[isFirstTaken ? 1 : 0]}`, value.buffer);
  value.fill(0);
}

/** Deletes everything but the value that `reference` identifies; empty: everything. @throws the exceptions of the store */
export function keepLong(store: KeyValueStore, key: string, reference: string): void {
  PLACES.forEach((place) => {
    if (!isAt(store, `${key}${place}`, reference)) store.delete(`${key}${place}`);
  });
}

function find(store: KeyValueStore, key: string, reference: string): Uint8Array | undefined {
  const place = PLACES.find((one) => isAt(store, `${key}${one}`, reference));
  return place === undefined ? undefined : bytesAt(store, `${key}${place}`);
}

function isAt(store: KeyValueStore, place: string, reference: string): boolean {
  const value = reference === "" ? undefined : bytesAt(store, place);
  if (value === undefined) return false;
  const digest = toHex(value.subarray(0, DIGEST_BYTES));
  return reference === `${value.length - DIGEST_BYTES}${MIDDLE}${digest}`;
}

function bytesAt(store: KeyValueStore, place: string): Uint8Array | undefined {
  const value = store.read(place);
  return value === undefined || value instanceof Uint8Array ? value : new Uint8Array(value);
}
