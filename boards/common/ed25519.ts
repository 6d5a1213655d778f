/*
 * Verifies Ed25519 signatures. No value here is secret, so the code need not run in constant time. It uses the engine's
 * big integers: some 4,000 products, once or twice in an update. For ESP32s it is written in C: boards/esp32/native/ed25519.c.
 * Source: RFC 8032, §5.1 (parameters, decoding, verification); extended coordinates: Hisil and others, "Twisted Edwards Curves
 * Revisited", §3.1, whose addition is complete on this curve.
 */
import { sha512 } from "./sha512.js";

/** Length of a public key, in bytes. */
export const KEY_BYTES = 32;
/** Length of a signature, in bytes (RFC 8032 §5.1.6). */
export const SIGNATURE_BYTES = 64;

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n; // -121665 / 121666
const BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n; // 4 / 5
const BITS = 253;

/** X, Y, Z, T: x = X / Z, y = Y / Z, x y = T / Z. */
type Point = readonly [x: bigint, y: bigint, z: bigint, t: bigint];

/** Whether `signature` is that of `message` by the private key that belongs to `key`. No input throws. */
export function isSigned(message: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const s = numberOf(signature.subarray(32));
  const point = pointOf(key);
  if (point === undefined || s >= ORDER) return false;
  const hashed = new Uint8Array(64 + message.length);
  hashed.set(signature.subarray(0, 32));
  hashed.set(key, 32);
  hashed.set(message, 64);
  const k = numberOf(sha512(hashed)) % ORDER;
  const base = pointOf(bytesOf(BASE_Y)) as Point;
  const negated: Point = [P - point[0], point[1], 1n, P - point[3]];
  const both = sum(base, negated);
  // R = s B - k A, both products at once
  let found: Point = [0n, 1n, 1n, 0n];
  for (let bit = BigInt(BITS - 1); bit >= 0n; bit--) {
    found = sum(found, found);
    const isInS = (s >> bit) & 1n;
    if ((k >> bit) & 1n) found = sum(found, isInS ? both : negated);
    else if (isInS) found = sum(found, base);
  }
  const inverse = power(found[2], P - 2n);
  const x = mod(found[0] * inverse);
  const bytes = bytesOf(mod(found[1] * inverse) | ((x & 1n) << 255n));
  return bytes.every((byte, n) => byte === signature[n]);
}

function sum([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = (y1 - x1) * (y2 - x2);
  const b = (y1 + x1) * (y2 + x2);
  const c = mod(2n * D * t1) * t2;
  const d = 2n * z1 * z2;
  const e = mod(b - a);
  const f = mod(d - c);
  const g = mod(d + c);
  const h = mod(b + a);
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** The point that `bytes` encode; undefined: they encode none. */
function pointOf(bytes: Uint8Array): Point | undefined {
  const all = numberOf(bytes);
  const y = BigInt.asUintN(255, all);
  const sign = all >> 255n;
  if (y >= P) return;
  const u = mod(y * y - 1n);
  const v = mod(D * mod(y * y) + 1n);
  const v3 = mod(mod(v * v) * v);
  let x = mod(mod(u * v3) * power(mod(mod(u * v3) * mod(v3 * v)), (P - 5n) / 8n));
  const square = mod(v * mod(x * x));
  if (square !== u) {
    if (square !== mod(-u)) return;
    x = mod(x * power(2n, (P - 1n) / 4n));
  }
  if (x === 0n && sign === 1n) return;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(value: bigint, exponent: bigint): bigint {
  let product = 1n;
  for (let square = value; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) product = mod(product * square);
    square = mod(square * square);
  }
  return product;
}

/** Little-endian. */
function numberOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let n = bytes.length - 1; n >= 0; n--) value = (value << 8n) | BigInt(bytes[n]);
  return value;
}

function bytesOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let n = 0; n < 32; n++, value >>= 8n) bytes[n] = Number(value & 255n);
  return bytes;
}
