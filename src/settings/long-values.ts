/*
 * Values that are too long for a generation of the settings: certificates and keys. In the generation lies a text that refers to
 * one, "912 bytes, sha256 0123456789abcdef"; the bytes lie in the same key-value store under a key of their own.
 * Each setting has two places there, and a save takes the one that is not in force: so the bytes change when the generation does, and
 * a cut at any moment leaves the old value or the new one. What is not in force is deleted then.
 * A value: the first 8 bytes of its SHA-256, by which the text finds it, and the bytes.
 */
import { toHex } from "../common/ascii.js";
import { sha256 } from "../common/sha256.js";
import { type KeyValueStore, MAX_VALUE } from "./store.js";

const DIGEST_BYTES = 8;
/** The longest value, in bytes. */
export const MAX_LONG_VALUE = MAX_VALUE - DIGEST_BYTES;
const MIDDLE = " bytes, sha256 ";
const PLACES = Object.freeze([".a", ".b"] as const);

/** The beginning of their SHA-256. */
function digestOf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, DIGEST_BYTES);
}

/** The text that refers to `bytes`. */
export function referenceTo(bytes: Uint8Array): string {
  return `${bytes.length}${MIDDLE}${toHex(digestOf(bytes))}`;
}

/** A text that may refer to a value, or nothing. */
export function isReference(text: string): boolean {
  return text === "" || /^[1-9]\d* bytes, sha256 [\da-f]{16}$/.test(text);
}

/** The value of `key` that `reference` names; undefined: it is not there. @throws what the store throws */
export function readLong(store: KeyValueStore, key: string, reference: string): Uint8Array | undefined {
  const value = find(store, key, reference);
  return value?.subarray(DIGEST_BYTES);
}

/** Writes `bytes` where what `inForce` refers to does not lie. @throws what the store throws if it cannot keep them */
export function writeLong(store: KeyValueStore, key: string, bytes: Uint8Array, inForce: string): void {
  const value = new Uint8Array(DIGEST_BYTES + bytes.length);
  value.set(digestOf(bytes));
  value.set(bytes, DIGEST_BYTES);
  const isFirstTaken = isAt(store, `${key}${PLACES[0]}`, inForce);
  store.write(`${key}${PLACES[isFirstTaken ? 1 : 0]}`, value.buffer);
  value.fill(0);
}

/** Deletes what is not the value that `reference` names: empty: all. @throws what the store throws */
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
