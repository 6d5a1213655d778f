/*
 * The schema: every setting, with its type, range, default and help. The prompt, the desktop's command line, mcconfig's
 * key=value and the table in README.md are all made from it. Settings are texts for the user; parse.ts converts them to the
 * values below. Texts are limited in UTF-8 bytes, so that all settings together fit one value of the key-value store.
 * Sources: client ids MQTT 3.1.1 §3.1.3.1; SSIDs IEEE 802.11-2016 §9.4.2.2; the checks: texts.ts.
 */
import { LOG_LEVELS, type LogLevel } from "../common/log-levels.js";
import { type BrokerValues, brokerSettings } from "./broker-settings.js";
import {
  type ChannelValues,
  changeSettings,
  deadbandSettings,
  offsetSettings,
  resolutionSettings,
} from "./channel-settings.js";
import type { SettingRow } from "./setting.js";
import { type SleepValues, sleepSettings } from "./sleep-settings.js";
import {
  anyText,
  hostFlaw,
  isHostLabel,
  isHostList,
  isName,
  isNameList,
  isPassphrase,
  isTopic,
  isTopicLevel,
  normalizeHostList,
  normalizeList,
  strayCharacter,
} from "./texts.js";

/** The values in force, by key. Times are in seconds, except where another unit is stated. */
export interface Values extends BrokerValues, ChannelValues, SleepValues {
  room: string;
  /** Empty: made from the MAC address. */
  id: string;
  /** Empty: no Wi-Fi. */
  "wifi.ssid": string;
  "wifi.password": string;
  interval: number;
  filter: "off" | "median" | "average";
  "filter.samples": number;
  /** 0: off. */
  heartbeat: number;
  payload: "json" | "plain";
  /** A sample is one message, or each of its channels is one. */
  topics: "sample" | "each";
  "outbox.full": "dropOldest" | "refuse";
  "outbox.window": number;
  /** "auto", or names of drivers with commas between them. */
  sensor: string;
  /** Empty: made from the id. */
  hostname: string;
  /** The device is announced to Home Assistant. */
  discovery: boolean;
  "discovery.prefix": string;
  /** Empty: the clock is not set. */
  ntp: string;
  /** The commands that are allowed over MQTT. */
  remote: "off" | "basic" | "on";
  log: LogLevel;
}

export type { SettingType } from "./setting.js";
/** Name of a setting. */
export type Key = keyof Values;
/** Value of any setting. */
export type Value = Values[Key];

/** The row of one setting. */
export type SettingOf<K extends Key> = SettingRow<K, Values[K]>;

/** A row of the schema. */
export type Setting = { [K in Key]: SettingOf<K> }[Key];

const SECONDS_A_DAY = 86_400;

/** Deeply frozen, so that a device keeps all of it in flash. */
function frozen<T extends object>(value: T): T {
  Object.values(value).forEach((part) => typeof part === "object" && frozen(part));
  return Object.freeze(value);
}

/** All settings, in the order of `show`. */
export const schema: readonly Setting[] = frozen<Setting[]>([
  {
    key: "room",
    type: {
      kind: "text",
      maxBytes: 64,
      expects: "one topic level: 1 to 64 bytes, without / + # and control characters",
      accepts: isTopicLevel,
      flaw: strayCharacter,
    },
    default: "livingroom",
    help: "Readings go to home/<room>/temperature",
    inForce: "rebooted",
    asked: true,
  },
  {
    key: "id",
    type: {
      kind: "text",
      maxBytes: 23,
      expects: "letters, digits, - and _, 23 at most, or nothing",
      accepts: isName,
    },
    default: "",
    help: "MQTT client id; empty: made from the MAC address",
    inForce: "rebooted",
  },
  {
    key: "wifi.ssid",
    type: { kind: "text", maxBytes: 32, expects: "32 bytes at most", accepts: anyText },
    default: "",
    help: "Name of the Wi-Fi network",
    inForce: "saved",
    asked: true,
  },
  {
    key: "wifi.password",
    type: {
      kind: "text",
      maxBytes: 64,
      expects: "8 to 63 bytes, or 64 hexadecimal digits, or nothing for an open network",
      accepts: isPassphrase,
    },
    default: "",
    help: "Password of the Wi-Fi network; empty: an open network",
    inForce: "saved",
    secret: true,
    asked: true,
  },
  ...brokerSettings(),
  {
    key: "interval",
    type: { kind: "number", unit: "s", min: 0.01, max: SECONDS_A_DAY, decimals: 3 },
    default: 60,
    help: "Time between two readings",
    inForce: "saved",
    asked: true,
  },
  ...offsetSettings(),
  ...resolutionSettings(),
  {
    key: "filter",
    type: { kind: "choice", values: ["off", "median", "average"] },
    default: "off",
    help: "median: removes single outliers; average: reduces noise",
    inForce: "saved",
  },
  {
    key: "filter.samples",
    type: { kind: "number", unit: "", min: 3, max: 15, decimals: 0 },
    default: 3,
    help: "Number of latest samples that the filter combines",
    inForce: "saved",
  },
  ...deadbandSettings(),
  {
    key: "heartbeat",
    type: { kind: "number", unit: "s", min: 0, max: SECONDS_A_DAY, decimals: 3 },
    default: 600,
    help: "A sample is sent at least this often, in spite of the deadband; 0: off",
    inForce: "saved",
  },
  ...sleepSettings(),
  ...changeSettings(),
  {
    key: "payload",
    type: { kind: "choice", values: ["json", "plain"] },
    default: "json",
    help: "json: values, time, sequence number; plain: the temperature alone",
    inForce: "saved",
  },
  {
    key: "topics",
    type: { kind: "choice", values: ["sample", "each"] },
    default: "sample",
    help: "all values in one message, or each alone on home/<room>/<channel>",
    inForce: "saved",
  },
  {
    key: "discovery",
    type: { kind: "switch" },
    default: true,
    help: "Home Assistant finds the device by itself; off: its entities are removed",
    inForce: "saved",
  },
  {
    key: "discovery.prefix",
    type: {
      kind: "text",
      maxBytes: 64,
      expects: "a topic: 1 to 64 bytes, without + # and control characters",
      accepts: isTopic,
      flaw: strayCharacter,
    },
    default: "homeassistant",
    help: "Topic under which Home Assistant looks for devices",
    inForce: "saved",
  },
  {
    key: "remote",
    type: { kind: "choice", values: ["off", "basic", "on"] },
    default: "basic",
    help: "Commands by MQTT; basic: those that change no setting; on: all",
    inForce: "saved",
  },
  {
    key: "outbox.full",
    type: { kind: "choice", values: ["dropOldest", "refuse"] },
    default: "dropOldest",
    help: "What is discarded when the flash is full: the oldest readings or the new one",
    inForce: "saved",
  },
  {
    key: "outbox.window",
    type: { kind: "number", unit: "", min: 1, max: 64, decimals: 0 },
    default: 8,
    help: "Readings in flight; QoS 2 in MQTT 3.1.1: 8 at most; never above the broker's",
    inForce: "rebooted",
  },
  {
    key: "sensor",
    type: {
      kind: "text",
      maxBytes: 47,
      expects: "auto, or drivers' names (see sensors) with commas between them",
      accepts: isNameList,
      normalize: normalizeList,
      examples: ["auto", "tmp117", "sht3x"],
    },
    default: "auto",
    help: "auto: all that answer, the best for each value; or names, preferred first",
    inForce: "rebooted",
  },
  {
    key: "hostname",
    type: {
      kind: "text",
      maxBytes: 32,
      expects: "letters, digits and - inside, 32 at most, or nothing",
      accepts: isHostLabel,
    },
    default: "",
    help: "Host name in the network; empty: made from the id",
    inForce: "rebooted",
  },
  {
    key: "ntp",
    type: {
      kind: "text",
      maxBytes: 128,
      expects: "host names or IP addresses with commas between them, or nothing",
      accepts: isHostList,
      normalize: normalizeHostList,
      flaw: hostFlaw,
    },
    default: "0.pool.ntp.org,1.pool.ntp.org,2.pool.ntp.org",
    help: "Time servers, two or more: two must agree; empty: no time",
    inForce: "rebooted",
  },
  {
    key: "log",
    type: { kind: "choice", values: LOG_LEVELS },
    default: "info",
    help: "How much is logged",
    inForce: "saved",
  },
]);

/** All keys, in the order of the schema. */
export const keys: readonly Key[] = Object.freeze(schema.map((setting) => setting.key));

/** The rows by key. Without prototype, so that only keys are found. */
const rows: Readonly<Record<string, Setting | undefined>> = Object.freeze(
  Object.assign(Object.create(null), Object.fromEntries(schema.map((setting) => [setting.key, setting]))),
);

/** The defaults by key. Without prototype, so that only keys are found. */
export const defaultValues: Readonly<Record<string, Value>> = Object.freeze(
  Object.assign(Object.create(null), Object.fromEntries(schema.map((setting) => [setting.key, setting.default]))),
);

/** The row of `key`; undefined if there is none. */
export function findSetting(key: string): Setting | undefined {
  return rows[key];
}
