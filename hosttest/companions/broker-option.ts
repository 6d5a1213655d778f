/*
 * `--broker` and `--ca` of a companion, and the options of MQTT.js that follow from them.
 */
import { readFileSync } from "node:fs";
import type { IClientOptions, MqttClient } from "mqtt";
import { masked } from "../../boards/desktop/options/command-line.js";
import { messageOf } from "../../src/common/message-of.js";
import { option, text, UsageError } from "../support/command-line/command-line.js";

const FORM = "mqtt[s]://[user:pass@]host[:port]";
const PORTS = { mqtt: 1883, mqtts: 8883 };
const CONNECT_MS = 20_000;
const RETRY_MS = 2_000;
/** CONNACK of a broker without this version: the return code of 3.1.1 §3.2.2.3, and the reason code of 5 §3.2.2.2. */
const OTHER_VERSION: readonly unknown[] = [0x01, 0x84];

export interface Broker {
  readonly protocol: "mqtt" | "mqtts";
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export const BROKER_OPTIONS = {
  broker: option(FORM, "the broker; mqtts: with TLS", brokerOf),
  ca: text("FILE", "for TLS: certificates of CAs, PEM (default: the public ones)"),
};

/** @throws UsageError without the password */
export function brokerOf(given: string, name: string): Broker {
  const refused = new UsageError(`${name} ${masked(given)}: expected ${FORM}`);
  if (!URL.canParse(given)) throw refused;
  const { protocol: scheme, hostname, port, username, password, pathname, search, hash } = new URL(given);
  const protocol = scheme.slice(0, -1);
  const isBare = /^\/?$/.test(pathname) && search === "" && hash === "";
  if (!(protocol === "mqtt" || protocol === "mqtts") || hostname === "" || port === "0" || !isBare) throw refused;
  try {
    return {
      protocol,
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? PORTS[protocol] : Number(port),
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
    };
  } catch {
    throw refused; // a per cent sign that encodes nothing
  }
}

/** `host:port`, for a person. */
export function placeOf({ host, port }: Broker): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** @throws UsageError if a file cannot be read */
export function connectOptions(broker: Broker, ca: string | undefined): IClientOptions {
  if (ca !== undefined && broker.protocol === "mqtt") throw new UsageError("--ca: needs TLS: --broker mqtts://");
  return {
    ...broker,
    ...(ca === undefined ? {} : { ca: contentOf(ca, "--ca") }),
    protocolVersion: 5,
    connectTimeout: CONNECT_MS,
    reconnectPeriod: RETRY_MS,
    reconnectOnConnackError: true, // a broker that refuses today may accept later
    resubscribe: false,
  };
}

/** If `error` is the answer of a broker without MQTT 5, the next attempt is with 3.1.1: MQTT.js reads the version at each one. */
export function fallsBack({ options }: MqttClient, error: Error & { readonly code?: unknown }): boolean {
  if (options.protocolVersion !== 5 || !OTHER_VERSION.includes(error.code)) return false;
  options.protocolVersion = 4;
  return true;
}

/** @throws UsageError that names the option and the reason */
export function contentOf(file: string, name: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${name} ${file}: ${messageOf(error)}`);
  }
}
