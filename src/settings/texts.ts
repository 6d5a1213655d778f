/*
 * The checks for the texts of settings. Pure. By character, never by index: in XS a character beyond U+FFFF is one unit, in
 * other engines it is two.
 * Sources: MQTT strings and topic levels MQTT 3.1.1 §1.5.3 and §4.7, client ids §3.1.3.1; host names RFC 1123 §2.1, addresses
 * RFC 3986 §3.2.2; passphrases IEEE 802.11-2016 §J.4.1; non-characters Unicode 15 §23.7.
 */

/** Accepts any text within the length of its setting. */
export function anyText(): boolean {
  return true;
}

/** One level of a topic: not empty, no separator, no wildcard, no character that brokers refuse. */
export function isTopicLevel(text: string): boolean {
  return text.length > 0 && every(text, (code) => isMQTTCharacter(code) && !isTopicMark(code) && code !== SLASH);
}

/** One topic level or several: no wildcard, no empty level. */
export function isTopic(text: string): boolean {
  return text.split("/").every(isTopicLevel);
}

/** A text that is valid in an MQTT string. */
export function isMQTTText(text: string): boolean {
  return every(text, isMQTTCharacter);
}

/** Names the character in `text` that MQTT strings must not contain; undefined: there is none. */
export function strayCharacter(text: string): string | undefined {
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (isMQTTCharacter(code)) continue;
    const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    return isControl(code) ? `${name} is a control character` : `${name} is not a character`;
  }
  return undefined;
}

/** A normalized host name or IPv4 address, or empty. URLs, host:port and IPv6 addresses are refused. */
export function isHost(text: string): boolean {
  if (text === "") return true;
  const labels = text.split(".");
  if (!labels.every((label) => label !== "" && every(label, isIdCharacter))) return false;
  return !endsInNumber(labels) || isIPv4(labels);
}

/** No top-level domain is a number, so such a text is meant as an address. */
function endsInNumber(labels: readonly string[]): boolean {
  const last = labels[labels.length - 1];
  return last !== "" && every(last, isDigit);
}

/** A leading zero is refused: some programs read such a number as octal. */
function isIPv4(labels: readonly string[]): boolean {
  return labels.length === 4 && labels.every((label) => String(Number(label)) === label && Number(label) <= 255);
}

/** A host name for the resolvers of all boards: lower case ("NAS.LOCAL" would not be found), no dot at the end. */
export function normalizeHost(text: string): string {
  const lower = text.toLowerCase();
  return lower.length > 1 && lower.endsWith(".") && !lower.endsWith("..") ? lower.slice(0, -1) : lower;
}

/** Hosts separated by commas, or empty. */
export function isHostList(text: string): boolean {
  return text === "" || text.split(",").every((host) => host !== "" && isHost(host));
}

/** Normalizes each host, and removes blanks beside commas. */
export function normalizeHostList(text: string): string {
  return normalizeList(text).split(",").map(normalizeHost).join(",");
}

/** One or more names separated by commas. */
export function isNameList(text: string): boolean {
  return text.split(",").every((name) => name !== "" && isName(name));
}

/** Removes blanks beside commas. */
export function normalizeList(text: string): string {
  return text
    .split(",")
    .map((item) => item.trim())
    .join(",");
}

/** The fault of a text that is not a host, if it is a known one. */
export function hostFlaw(text: string): string | undefined {
  const colons = text.split(":").length - 1;
  const isIPv6 = colons > 1 && every(text, (code) => isHexDigit(code) || code === COLON || code === DOT);
  if (isIPv6 || text.startsWith("[")) return "IPv6 is not supported, only IPv4 is";
  const labels = text.split(".");
  const isAddress =
    endsInNumber(labels) && !isIPv4(labels) && every(text, (code) => isIdCharacter(code) || code === DOT);
  return isAddress ? "an IP address is four numbers from 0 to 255, without leading zeros" : undefined;
}

/** Empty, or a label of a host name. */
export function isHostLabel(text: string): boolean {
  if (text.startsWith("-") || text.endsWith("-")) return false;
  return every(text, (code) => isIdCharacter(code) && code !== UNDERSCORE);
}

/** Letters, digits, - and _; or empty. */
export function isName(text: string): boolean {
  return every(text, isIdCharacter);
}

/** A Wi-Fi password: 8 to 63 bytes, 64 hexadecimal digits, or empty (IEEE 802.11-2016 §J.4.1). */
export function isPassphrase(text: string): boolean {
  const bytes = utf8Length(text);
  return bytes === 0 || (bytes >= 8 && bytes <= 63) || (bytes === 64 && every(text, isHexDigit));
}

/** A SHA-256 as a normalized fingerprint, or empty. */
export function isSHA256(text: string): boolean {
  return text === "" || (text.length === 64 && every(text, isHexDigit));
}

/** Lower case, without the colons and blanks that tools print between the digits. */
export function normalizeFingerprint(text: string): string {
  return text.toLowerCase().replace(/[: ]/g, "");
}

/** Whether `text` is ASCII without U+0000. Then it is read by index, which takes a third of the time. */
export function isPlain(text: string): boolean {
  return !OTHER.test(text);
}

const OTHER = /[^\x01-\x7f]/; // XS 13.3 treats a class that begins with \0 as empty

/** Length of `text` in UTF-8 bytes. A lone surrogate counts as three. */
export function utf8Length(text: string): number {
  if (isPlain(text)) return text.length;
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;

function isTopicMark(code: number): boolean {
  return code === 0x2b || code === 0x23; // + and #
}

/** §1.5.3 warns of these; a broker may refuse them: mosquitto ends the connection. */
function isMQTTCharacter(code: number): boolean {
  return !isControl(code) && !isNonCharacter(code);
}

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

function isNonCharacter(code: number): boolean {
  return (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
}

function isIdCharacter(code: number): boolean {
  return isLetterOrDigit(code) || code === DASH || code === UNDERSCORE;
}

function isLetterOrDigit(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function every(text: string, accepts: (code: number) => boolean): boolean {
  if (isPlain(text)) {
    for (let n = 0; n < text.length; n++) if (!accepts(text.charCodeAt(n))) return false;
    return true;
  }
  for (const character of text) {
    if (!accepts(character.codePointAt(0)!)) return false;
  }
  return true;
}
