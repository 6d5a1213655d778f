/* Keys and announcements for tests, made by node:crypto, independently of the device's code. */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { type Offer, statementOf } from "../../../src/update/offer.js";

/** PKCS #8 of an Ed25519 key, before its 32 bytes (RFC 8410, §7). */
const PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

export interface KeyPair {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** The key pair of a number: the same each time. */
export function keyPair(number: number): KeyPair {
  const key = createPrivateKey({
    key: Buffer.concat([PREFIX, Buffer.alloc(32, number)]),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { publicKey: new Uint8Array(spki.subarray(-32)), sign: (message) => sign(null, message, key) };
}

/** X.509 of an Ed25519 public key, before its 32 bytes (RFC 8410, §4). */
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** A board's functions for updates, based on OpenSSL: the same results in a thousandth of the time. */
export function isSigned(message: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, key]), format: "der", type: "spki" });
  return verify(null, message, publicKey, signature);
}

/** The announcement of `image`, signed. */
export function offerOf(
  image: Uint8Array,
  {
    id = "00000001",
    version = "0.3.0",
    chip = "test",
    force,
    key = keyPair(1),
  }: Partial<Offer> & { key?: KeyPair } = {},
): Offer {
  const sha256 = createHash("sha256").update(image).digest("hex");
  const offer = { version, chip, size: image.length, sha256, ...(force ? { force } : {}) };
  return { id, ...offer, signature: Buffer.from(key.sign(statementOf(offer))).toString("hex") };
}
