/*
 * The settings for the broker: its address, the device's identity, and the options agreed with it.
 * Sources: keep-alive MQTT 3.1.1 §3.1.2.10; MQTT 5 §3.1.2.11.2 (session expiry), §3.3.2.3.3 (message expiry), §3.3.2.3.9
 * (content type), §4.13.2 (server redirection); the checks: texts.ts.
 */
import type { PEMKind } from "../tls/pem.js";
import { isReference, MAX_LONG_VALUE } from "./long-values.js";
import type { SettingRow } from "./setting.js";
import {
  anyText,
  hostFlaw,
  isHost,
  isMQTTText,
  isSHA256,
  normalizeFingerprint,
  normalizeHost,
  strayCharacter,
} from "./texts.js";

/** Values in force. */
export interface BrokerValues {
  /** Empty: no broker yet. */
  "mqtt.host": string;
  /** 0: the default port. */
  "mqtt.port": number;
  "mqtt.user": string;
  "mqtt.password": string;
  "mqtt.tls": boolean;
  /** 64 lower-case hexadecimal digits; empty: none. */
  "mqtt.fingerprint": string;
  /** Empty: `mqtt.host`. */
  "mqtt.name": string;
  /** Each is a reference to bytes (Settings.bytes); empty: none. */
  "mqtt.ca": string;
  "mqtt.cert": string;
  "mqtt.key": string;
  "mqtt.qos": 0 | 1 | 2;
  /** 0: off. */
  "mqtt.keepalive": number;
  /** "auto": 5, and 3.1.1 at a broker that has no 5. */
  "mqtt.version": "auto" | "5" | "3.1.1";
  /** Days. */
  "mqtt.session": number;
  /** 0: never. */
  "mqtt.expiry": number;
  "mqtt.contenttype": boolean;
  "mqtt.follow": boolean;
}

/** Settings that are pasted. */
export type PastedKey = "mqtt.ca" | "mqtt.cert" | "mqtt.key";

/** The largest Message Expiry Interval, which has four bytes, in seconds. */
const MAX_EXPIRY_S = 0xffff_ffff;

const MAX_REFERENCE = 40;

/** A setting for pasted PEM. */
function pasted<K extends PastedKey>(key: K, kind: PEMKind, help: string): SettingRow<K, string> {
  return {
    key,
    type: {
      kind: "text",
      maxBytes: MAX_REFERENCE,
      expects: `PEM (${kind}), ${MAX_LONG_VALUE} bytes decoded at most: paste it with "set ${key}"; or nothing`,
      accepts: isReference,
      pasted: kind,
    },
    default: "",
    help,
    inForce: "saved",
  };
}

/** The rows of the schema. */
export function brokerSettings(): { [K in keyof BrokerValues]: SettingRow<K, BrokerValues[K]> }[keyof BrokerValues][] {
  return [
    {
      key: "mqtt.host",
      type: {
        kind: "text",
        maxBytes: 128,
        expects: "a host name or an IP address alone (the port is mqtt.port)",
        accepts: isHost,
        normalize: normalizeHost,
        flaw: hostFlaw,
      },
      default: "",
      help: "The MQTT broker",
      inForce: "rebooted",
      asked: true,
    },
    {
      key: "mqtt.port",
      type: { kind: "number", unit: "", min: 0, max: 65_535, decimals: 0 },
      default: 0,
      help: "The broker's TCP port; 0: 1883, with mqtt.tls 8883",
      inForce: "rebooted",
      asked: true,
    },
    {
      key: "mqtt.user",
      type: {
        kind: "text",
        maxBytes: 64,
        expects: "64 bytes at most, without control characters",
        accepts: isMQTTText,
        flaw: strayCharacter,
      },
      default: "",
      help: "User name at the broker; empty: none",
      inForce: "rebooted",
      asked: true,
    },
    {
      key: "mqtt.password",
      type: { kind: "text", maxBytes: 128, expects: "128 bytes at most", accepts: anyText },
      default: "",
      help: "Password at the broker; empty: none",
      inForce: "rebooted",
      secret: true,
      asked: true,
    },
    {
      key: "mqtt.tls",
      type: { kind: "switch" },
      default: false,
      help: "Encrypts the connection to the broker, and verifies the broker",
      inForce: "rebooted",
    },
    {
      key: "mqtt.fingerprint",
      type: {
        kind: "text",
        maxBytes: 64,
        expects: "a SHA-256 in hexadecimal: 64 digits, colons between them or none; or nothing",
        accepts: isSHA256,
        normalize: normalizeFingerprint,
      },
      default: "",
      help: "SHA-256 of the broker's public key: TLS accepts no other; empty: any",
      inForce: "rebooted",
    },
    {
      key: "mqtt.name",
      type: {
        kind: "text",
        maxBytes: 128,
        expects: "a host name or an IP address alone, or nothing",
        accepts: isHost,
        normalize: normalizeHost,
        flaw: hostFlaw,
      },
      default: "",
      help: "The name in the broker's certificate; empty: as mqtt.host",
      inForce: "rebooted",
    },
    pasted("mqtt.ca", "CERTIFICATE", "CAs that may sign the broker's certificate; empty: the public ones"),
    pasted("mqtt.cert", "CERTIFICATE", "This device's certificate, and what signed it; empty: none"),
    { ...pasted("mqtt.key", "PRIVATE KEY", "The private key of mqtt.cert; empty: none"), secret: true },
    {
      key: "mqtt.qos",
      type: { kind: "choice", values: [0, 1, 2] },
      default: 1,
      help: "0: may be lost, 1: arrives, perhaps twice, 2: arrives once",
      inForce: "rebooted",
      asked: true,
    },
    {
      key: "mqtt.keepalive",
      type: { kind: "number", unit: "s", min: 0, max: 65_535, decimals: 0 },
      default: 60,
      help: "Silence after which the connection is tested; 0: never",
      inForce: "rebooted",
    },
    {
      key: "mqtt.version",
      type: { kind: "choice", values: ["auto", "5", "3.1.1"] },
      default: "auto",
      help: "MQTT 5 or 3.1.1; auto: 5, and 3.1.1 where the broker has no 5",
      inForce: "rebooted",
    },
    {
      key: "mqtt.session",
      type: { kind: "number", unit: "d", min: 1, max: 3_650, decimals: 0 },
      default: 90,
      help: "MQTT 5: how long the broker is asked to remember a device that is away",
      inForce: "rebooted",
    },
    {
      key: "mqtt.expiry",
      type: { kind: "number", unit: "s", min: 0, max: MAX_EXPIRY_S, decimals: 0 },
      default: 0,
      help: "MQTT 5: the broker drops a reading not delivered for this long; 0: never",
      inForce: "rebooted",
    },
    {
      key: "mqtt.contenttype",
      type: { kind: "switch" },
      default: false,
      help: "MQTT 5: each reading states its type, application/json or text/plain",
      inForce: "rebooted",
    },
    {
      key: "mqtt.follow",
      type: { kind: "switch" },
      default: false,
      help: "MQTT 5: goes to another broker when this one asks for it",
      inForce: "rebooted",
    },
  ];
}
