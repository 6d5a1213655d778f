/*
 * The settings of the broker: where it is, as whom the device comes, and what is agreed with it.
 * Sources: keep alive MQTT 3.1.1 §3.1.2.10; the checks: texts.ts.
 */
import type { SettingRow } from "./setting.js";
import { anyText, hostFlaw, isHost, isMQTTText, mendHost, strayCharacter } from "./texts.js";

/** Values in force. */
export interface BrokerValues {
  /** Empty: no broker yet. */
  "mqtt.host": string;
  "mqtt.port": number;
  "mqtt.user": string;
  "mqtt.password": string;
  "mqtt.tls": boolean;
  "mqtt.qos": 0 | 1 | 2;
  /** 0: off. */
  "mqtt.keepalive": number;
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
        mend: mendHost,
        flaw: hostFlaw,
      },
      default: "",
      help: "The MQTT broker",
      inForce: "rebooted",
      asked: true,
    },
    {
      key: "mqtt.port",
      type: { kind: "number", unit: "", min: 1, max: 65_535, decimals: 0 },
      default: 1883,
      help: "The broker's TCP port",
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
      help: "Encrypts the connection to the broker",
      inForce: "rebooted",
    },
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
  ];
}
