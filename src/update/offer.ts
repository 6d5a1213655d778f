/*
 * The announcement of an image, and why it is refused. The signature is over a SHA-256 digest of a statement that names chip, version,
 * size, and the image's own digest: nothing of these can be changed, nor can an older image that was signed once be passed for a wanted
 * one. It is checked before the first byte is erased, and once more before the switch.
 *
 *   {"id":"0badcafe","version":"0.3.0","chip":"esp32","size":1048576,"sha256":"<64 digits>","signature":"<128 digits>","force":true}
 *
 * `id`, eight hexadecimal digits: of this attempt; a chunk names it, and the same announcement again is only answered. `force`: also a
 * version that is no newer. `wait`: not yet; it is shown as available until it is announced without that, or taken back. Not signed: who
 * may announce may announce the same image without it.
 */
import { fromASCII, fromHex, toASCII } from "../common/ascii.js";
import { sha256 } from "../common/sha256.js";
import type { UpdateOptions } from "./io.js";

/** The longest announcement, bytes. */
export const MAX_OFFER_BYTES = 512;

/** An announcement, as it was sent. */
export interface Offer {
  readonly id: string;
  readonly version: string;
  readonly chip: string;
  /** Bytes of the image. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly signature: string;
  readonly force?: boolean;
  readonly wait?: boolean;
}

/** What an offer is measured by. */
export interface OfferTerms {
  readonly update: UpdateOptions;
  /** The version that runs. */
  readonly version: string;
  /** Bytes of the other slot. */
  readonly slotBytes: number;
}

/** The announcement in `bytes`; undefined: there is none of this form. */
export function parseOffer(bytes: Uint8Array): Offer | undefined {
  let offer: Offer;
  try {
    offer = JSON.parse(fromASCII(bytes) as string);
  } catch {
    return;
  }
  return isOffer(offer) ? offer : undefined;
}

/** Also of what a record in flash holds. */
export function isOffer(offer: Offer | null | undefined): offer is Offer {
  return (
    typeof offer === "object" &&
    offer !== null &&
    isText(/^[\da-f]{8}$/, offer.id) &&
    isText(/^\d{1,5}\.\d{1,5}\.\d{1,5}(-[\da-z.-]{1,20})?$/, offer.version) &&
    isText(/^[\da-z_-]{1,20}$/, offer.chip) &&
    isText(/^[\da-f]{64}$/, offer.sha256) &&
    isText(/^[\da-f]{128}$/, offer.signature) &&
    Number.isInteger(offer.size) &&
    offer.size > 0
  );
}

/** A regular expression takes whatever it is given for a text. */
function isText(form: RegExp, value: unknown): boolean {
  return typeof value === "string" && form.test(value);
}

/** What is signed: 32 bytes. */
export function statementOf({
  version,
  chip,
  size,
  sha256: digest,
  force,
}: Omit<Offer, "id" | "signature" | "wait">): Uint8Array {
  const how = force ? "at any rate" : "if newer";
  return sha256(
    toASCII(`home-thermometer image\nchip ${chip}\nversion ${version}, ${how}\nsize ${size}\nsha256 ${digest}`),
  );
}

/** Is the announcement signed for the key of the build? */
export function isGenuine(offer: Offer, update: UpdateOptions): boolean {
  return update.key !== undefined && update.isSigned(statementOf(offer), fromHex(offer.signature), update.key);
}

/** Whether it is worth showing: its signature is not looked at before it is to be taken. */
export function isFitting(offer: Offer, { chip }: UpdateOptions, version: string): boolean {
  return offer.chip === chip && (offer.force === true || compareVersions(offer.version, version) > 0);
}

/** Why it is not taken, for people; undefined: it is. */
export function objectionTo(offer: Offer, terms: OfferTerms): string | undefined {
  const { version, slotBytes } = terms;
  const { chip, key } = terms.update;
  if (key === undefined) return "this build has no public key: updates are off";
  if (offer.chip !== chip) return `wrong chip: it is for ${offer.chip}, this is ${chip}`;
  if (offer.size > slotBytes) return `too large: ${offer.size} bytes, the slot has ${slotBytes}`;
  const order = compareVersions(offer.version, version);
  if (order < 0 && !offer.force) return `older: ${offer.version}, installed is ${version}`;
  if (order === 0 && !offer.force) return `${version} is installed`;
  if (!isGenuine(offer, terms.update)) return "wrong signature: not made with the key that this build trusts";
  if (terms.update.isBatteryLow?.()) return "the battery is low";
  return;
}

/** Below 0: `a` is before `b`. By semantic versioning's numbers; what is before a release (0.3.0-dev) by its letters. */
export function compareVersions(a: string, b: string): number {
  const [partsOfA, beforeA] = partsOf(a);
  const [partsOfB, beforeB] = partsOf(b);
  for (let n = 0; n < 3; n++) {
    const difference = Number(partsOfA[n]) - Number(partsOfB[n]);
    if (difference !== 0) return difference;
  }
  if (beforeA === beforeB) return 0;
  if (beforeA === "" || beforeB === "") return beforeA === "" ? 1 : -1;
  return beforeA < beforeB ? -1 : 1;
}

function partsOf(version: string): [numbers: string[], before: string] {
  const at = version.indexOf("-");
  return at < 0 ? [version.split("."), ""] : [version.slice(0, at).split("."), version.slice(at + 1)];
}
