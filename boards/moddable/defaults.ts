/*
 * Settings given at build time: `mcconfig -m -p esp32 room=kitchen mqtt.host=192.168.1.5`. They are in `mc/config` together
 * with values of the SDK; the schema shows which of them are settings. Values saved at the prompt override them.
 * No key of the SDK has a dot. A key that has one is passed on to the settings, which report it if it is misspelt. A key
 * without a dot counts as a misspelt setting (`rom=kitchen`) if its value is a text, its name is nearly that of a setting, and
 * it is not a key of the SDK.
 * `updatekey=HEX` is the public key of firmware images.
 * `mqtt.ca` is given as PEM, `mqtt.ca="$(cat ca.crt)"`, and is in flash as text; it is decoded when it is read.
 */
import config from "mc/config";
import type { Board } from "../../src/board.js";
import { fromHex } from "../../src/common/ascii.js";
import { referenceTo } from "../../src/settings/long-values.js";
import { nearest } from "../../src/settings/nearest.js";
import { findSetting, keys, schema } from "../../src/settings/schema.js";
import { fromPEM } from "../../src/tls/pem.js";

/** Names in the SDK's examples. */
const ALIASES: Readonly<Record<string, string>> = { ssid: "wifi.ssid", password: "wifi.password" };

/** Texts of the SDK and the boards whose names look like settings. */
const NOT_SETTINGS: readonly string[] = Object.freeze([
  "sntp",
  "flash",
  "prompt",
  "board",
  "updatekey",
  ...Object.keys(ALIASES),
]);

const CA = "mqtt.ca";
const KEY_DIGITS = 64;

/** The CAs given at build time. */
export function buildCredentials(): Board["credentials"] {
  return { ca: buildCA(), certificate: undefined, key: undefined };
}

/** DER; undefined: none, or an invalid one, whose text the settings refuse. */
function buildCA(): Uint8Array | undefined {
  const given: Readonly<Record<string, unknown>> = config;
  const text = given[CA];
  if (typeof text !== "string" || text === "") return undefined;
  try {
    return fromPEM(text, "CERTIFICATE");
  } catch {
    return undefined;
  }
}

/** The public key of the build; undefined: it has none, or what was given is no key. */
export function buildUpdateKey(): Uint8Array | undefined {
  const given = config.updatekey;
  if (typeof given !== "string" || given === "") return undefined;
  if (given.length === KEY_DIGITS && /^[\da-f]+$/.test(given)) return fromHex(given);
  trace("updatekey: expected 64 hexadecimal digits: updates are off\n");
  return undefined;
}

/** The settings given at build time, as texts by key; `mqtt.ca` as a reference to its bytes. */
export function buildDefaults(): Record<string, string> {
  const given: Readonly<Record<string, unknown>> = config;
  const defaults: Record<string, string> = {};
  for (const alias in ALIASES) take(given[alias], ALIASES[alias]);
  for (const { key } of schema) take(given[key], key);
  for (const key in given) if (key.includes(".") || isMisspelt(key)) take(given[key], key);
  const ca = buildCA();
  if (ca !== undefined) defaults[CA] = referenceTo(ca);
  return defaults;

  function take(value: unknown, key: string): void {
    if (typeof value === "string" && value !== "") defaults[key] = value;
  }
}

function isMisspelt(key: string): boolean {
  return !NOT_SETTINGS.includes(key) && findSetting(key) === undefined && nearest(key, keys) !== undefined;
}
