/*
 * Text to value and back, with the same check and message for the prompt, the command line and mcconfig. An error is one line:
 * the key, the value given, the expected values, and for an unknown key the nearest one. A secret is never quoted. Pure.
 */
import { nearest } from "./nearest.js";
import { findSetting, type Key, type Setting, type SettingType, schema, type Value, type Values } from "./schema.js";
import { isPlain, utf8Length } from "./texts.js";

const MAX_QUOTED = 40; // characters of a wrong value that a message repeats
const REPLACEMENT = "\ufffd"; // a decoder's result for bytes that are not UTF-8

/** A text that is not valid as the value of a setting. `message` is one line, ready to be shown. */
export class SettingError extends Error {
  readonly key: string;

  constructor(key: string, message: string) {
    super(`${key}: ${message}`);
    this.key = key;
  }
}

/** The row of `key`. @throws SettingError that suggests the nearest key */
export function requireSetting(key: string): Setting {
  const setting = findSetting(key);
  if (setting !== undefined) return setting;
  const guess = nearest(
    key,
    schema.map((row) => row.key),
  );
  const name = key.length <= MAX_QUOTED ? key : `${key.slice(0, MAX_QUOTED)}…`;
  throw new SettingError(
    JSON.stringify(name).slice(1, -1),
    guess === undefined ? `no such setting ("show" lists them)` : `no such setting, did you mean ${guess}?`,
  );
}

/** The value of the setting `key` for `text`. @throws SettingError */
export function parseSetting<K extends Key>(key: K, text: string): Values[K];
export function parseSetting(key: string, text: string): Value;
export function parseSetting(key: string, text: string): Value {
  const setting = requireSetting(key);
  const value = parse(setting.type, text);
  if (value === undefined) throw refusal(setting, text);
  return value as Value;
}

/** The text that parseSetting reads as `value`. */
export function formatValue(value: Value): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "number" ? formatNumber(value) : value;
}

/** The texts that the type accepts: continues after "expected". */
export function expectation(type: SettingType): string {
  switch (type.kind) {
    case "text":
      return type.expects;
    case "number": {
      const kind = type.decimals === 0 ? "a whole number" : "a number";
      const unit = type.unit === "" ? "" : ` (${type.unit})`;
      return `${kind} from ${type.min} to ${type.max}${unit}`;
    }
    case "choice": {
      const last = type.values.length - 1;
      return `${type.values.slice(0, last).join(", ")} or ${type.values[last]}`;
    }
    case "switch":
      return "on or off";
    default:
      throw new TypeError(`type: ${JSON.stringify(type satisfies never)}`);
  }
}

/** Texts to suggest for the type: all of a choice, some of a text, none of a number. */
export function suggestions(type: SettingType): readonly string[] {
  switch (type.kind) {
    case "text":
      return type.examples ?? [];
    case "number":
      return [];
    case "choice":
      return type.values.map(String);
    case "switch":
      return ["on", "off"];
    default:
      throw new TypeError(`type: ${JSON.stringify(type satisfies never)}`);
  }
}

function parse(type: SettingType, text: string): string | number | boolean | undefined {
  switch (type.kind) {
    case "text":
      return parseText(type, text);
    case "number":
      return parseNumber(text, type.min, type.max, type.decimals);
    case "choice": {
      const wanted = text.toLowerCase();
      return type.values.find((value) => String(value).toLowerCase() === wanted);
    }
    case "switch":
      return parseSwitch(text.toLowerCase());
    default:
      throw new TypeError(`type: ${JSON.stringify(type satisfies never)}`);
  }
}

function parseText(type: SettingType & { readonly kind: "text" }, text: string): string | undefined {
  if (!isWellFormed(text)) return undefined;
  const normalized = type.normalize?.(text) ?? text;
  return utf8Length(normalized) <= type.maxBytes && type.accepts(normalized) ? normalized : undefined;
}

function parseSwitch(text: string): boolean | undefined {
  if (text === "on" || text === "true" || text === "yes" || text === "1") return true;
  if (text === "off" || text === "false" || text === "no" || text === "0") return false;
  return undefined;
}

/** Digits with at most one decimal point and a sign; other forms that Number() accepts (1e3, 0x10, blanks) are refused. */
function parseNumber(text: string, min: number, max: number, decimals: number): number | undefined {
  let point = -1;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) digits += 1;
    else if (code === 0x2e && point < 0) point = i;
    else if (i > 0 || (code !== 0x2d && code !== 0x2b)) return undefined;
  }
  if (digits === 0) return undefined;
  if (point >= 0 && text.length - 1 - point > decimals) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

/** Plain decimals; String() would write small numbers with an exponent, which parseNumber refuses. */
function formatNumber(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(4) : text;
}

/** Unicode text: no lone surrogate, no NUL (MQTT 3.1.1 §1.5.3; it ends C strings), no decoding error. */
function isWellFormed(text: string): boolean {
  if (isPlain(text)) return true;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || character === REPLACEMENT) return false;
  }
  return true;
}

function refusal(setting: Setting, text: string): SettingError {
  const { key, type } = setting;
  if (type.kind === "text" && !isWellFormed(text)) {
    return new SettingError(key, "got characters that are not UTF-8: set the terminal to UTF-8");
  }
  const expected = `${expectation(type)}${finer(type, text)}`;
  const flaw = type.kind === "text" ? type.flaw?.(text) : undefined;
  return new SettingError(key, `got ${quote(setting, text)}, expected ${expected}${flaw ? `: ${flaw}` : ""}`);
}

function quote(setting: Setting, text: string): string {
  const isPasted = setting.type.kind === "text" && setting.type.pasted !== undefined;
  if (setting.secret || isPasted) return bytesOf(utf8Length(text));
  const shown = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  const bytes = setting.type.kind === "text" ? utf8Length(text) : 0;
  return bytes > MAX_QUOTED ? `${JSON.stringify(shown)} (${bytesOf(bytes)})` : JSON.stringify(shown);
}

function bytesOf(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** A number in range was refused because it has too many digits: the message must show this. */
function finer(type: SettingType, text: string): string {
  if (type.kind !== "number" || type.decimals === 0) return "";
  const fits = parseNumber(text, type.min, type.max, Number.POSITIVE_INFINITY);
  return fits === undefined ? "" : ` with ${type.decimals} decimals at most`;
}
