/*
 * Settings given at build time: `mcconfig -m -p esp32 room=kitchen mqtt.host=192.168.1.5`. They lie in `mc/config` among what
 * the SDK keeps there, so the schema says which of them are ours. What was saved at the prompt wins over them.
 * No key of the SDK has a dot: one that has is meant for us, and goes on to the settings, which say so if it is misspelt.
 */
import config from "mc/config";
import { schema } from "../../src/settings/schema.js";

/** What every example of the SDK calls them. */
const ALIASES: Readonly<Record<string, string>> = { ssid: "wifi.ssid", password: "wifi.password" };

export function buildDefaults(): Record<string, string> {
  const given: Readonly<Record<string, unknown>> = config;
  const defaults: Record<string, string> = {};
  for (const alias in ALIASES) take(given[alias], ALIASES[alias]);
  for (const { key } of schema) take(given[key], key);
  for (const key in given) if (key.includes(".")) take(given[key], key);
  return defaults;

  function take(value: unknown, key: string): void {
    if (typeof value === "string" && value !== "") defaults[key] = value;
  }
}
