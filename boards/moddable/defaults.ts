/*
 * Settings given at build time: `mcconfig -m -p esp32 room=kitchen mqtt.host=192.168.1.5`. They lie in `mc/config` among what
 * the SDK keeps there, so the schema says which of them are ours. What was saved at the prompt wins over them.
 * No key of the SDK has a dot: one that has is meant for us, and goes on to the settings, which say so if it is misspelt. One
 * without a dot is taken for a misspelt setting (`rom=kitchen`) if it is a text, nearly the name of one, and no key of the SDK.
 */
import config from "mc/config";
import { nearest } from "../../src/settings/nearest.js";
import { findSetting, keys, schema } from "../../src/settings/schema.js";

/** What every example of the SDK calls them. */
const ALIASES: Readonly<Record<string, string>> = { ssid: "wifi.ssid", password: "wifi.password" };

/** Texts that the SDK and the boards keep there under names that look like settings. */
const NOT_SETTINGS: readonly string[] = Object.freeze(["sntp", "flash", "prompt", "board", ...Object.keys(ALIASES)]);

export function buildDefaults(): Record<string, string> {
  const given: Readonly<Record<string, unknown>> = config;
  const defaults: Record<string, string> = {};
  for (const alias in ALIASES) take(given[alias], ALIASES[alias]);
  for (const { key } of schema) take(given[key], key);
  for (const key in given) if (key.includes(".") || isMisspelt(key)) take(given[key], key);
  return defaults;

  function take(value: unknown, key: string): void {
    if (typeof value === "string" && value !== "") defaults[key] = value;
  }
}

function isMisspelt(key: string): boolean {
  return !NOT_SETTINGS.includes(key) && findSetting(key) === undefined && nearest(key, keys) !== undefined;
}
