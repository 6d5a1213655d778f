/*
 * Reads an image from a file, with its version and board: a desktop's image contains both, an ESP32's only its chip. Also the signing key.
 * Source: ESP-IDF 6.0, "Firmware Image Format": 0xE9 first, the chip's id at 12.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describedIn } from "../../../boards/parts/flash/image.js";
import { messageOf } from "../../../src/common/message-of.js";
import { type Offer, statementOf } from "../../../src/update/offer.js";
import { UsageError } from "../../support/command-line/command-line.js";

const ESP_MAGIC = 0xe9;
const CHIP_ID_AT = 12;
const CHIPS: Readonly<Record<number, string>> = { 0: "esp32", 5: "esp32c3", 9: "esp32s3" };
/** Chips of boards whose name does not begin with the chip's. */
const BOARDS: Readonly<Record<string, string>> = { m5atom: "esp32" };
/** Bytes of a public key at the end of its SPKI (RFC 8410, §4). */
const KEY_BYTES = 32;

export interface ImageFile {
  readonly bytes: Uint8Array;
  readonly version: string;
  /** The board that it is for. */
  readonly board: string;
}

/** `version`, `board`: as given on the command line. @throws UsageError */
export function readImage(path: string, version: string | undefined, board: string | undefined): ImageFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`--image ${path}: ${messageOf(error)}`);
  }
  const described = describedIn(bytes);
  if (described !== undefined) {
    const { version: own, chip } = described;
    if (version !== undefined && version !== own) throw new UsageError(`--version ${version}: the image has ${own}`);
    if (board !== undefined && board !== chip) throw new UsageError(`--board ${board}: the image is for ${chip}`);
    return { bytes, version: own, board: chip };
  }
  if (bytes[0] !== ESP_MAGIC || bytes.length < 256) throw new UsageError(`--image ${path}: is not a firmware image`);
  const chip = CHIPS[bytes[CHIP_ID_AT] | (bytes[CHIP_ID_AT + 1] << 8)];
  if (chip === undefined) throw new UsageError(`--image ${path}: is for a chip that is not supported`);
  if (version === undefined || board === undefined)
    throw new UsageError("--version and --board: expected both, because an ESP32's image does not contain them");
  const family = BOARDS[board] ?? board.split("_", 1)[0];
  if (family !== chip) throw new UsageError(`--board ${board}: the image is for ${chip}`);
  return { bytes, version, board };
}

/** The signed announcement. `id`: of this attempt. */
export function signedOffer(
  { bytes, version, board }: ImageFile,
  key: KeyObject,
  id: string,
  isForced: boolean,
): Offer {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const terms = { version, chip: board, size: bytes.length, sha256, ...(isForced ? { force: true } : {}) };
  return { id, ...terms, signature: sign(null, statementOf(terms), key).toString("hex") };
}

/** An Ed25519 private key, PEM. @throws UsageError */
export function readKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (error) {
    throw new UsageError(`--key ${path}: ${messageOf(error)}; --keygen creates one`);
  }
  throw new UsageError(`--key ${path}: is not an Ed25519 key; --keygen creates one`);
}

/** The public key in the form that the build expects: hexadecimal. */
export function publicHex(key: KeyObject): string {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-KEY_BYTES).toString("hex");
}

/** Creates a key pair: `path`, and beside it the public key in hexadecimal. @throws UsageError if one of the files exists */
export function makeKey(path: string): { readonly publicPath: string; readonly hex: string } {
  const publicPath = `${path.replace(/\.pem$/, "")}.pub`;
  const there = [path, publicPath].find((name) => existsSync(name));
  if (there !== undefined)
    throw new UsageError(`--keygen: ${there} exists: devices that trust it would accept no other key`);
  const { privateKey } = generateKeyPairSync("ed25519");
  const hex = publicHex(privateKey);
  writeFileSync(path, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600, flag: "wx" });
  writeFileSync(publicPath, `${hex}\n`, { flag: "wx" });
  return { publicPath, hex };
}
