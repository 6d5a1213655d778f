/*
 * Where the broker listens, as the settings say it.
 */
import type { Settings } from "../../settings/settings.js";

/** The usual ports of MQTT, without TLS and with it (IANA: mqtt, secure-mqtt). */
const PORT = 1883;
const TLS_PORT = 8883;

/** The broker's TCP port; with `mqtt.port` 0 the usual one. */
export function brokerPort(settings: Settings): number {
  return settings.get("mqtt.port") || (settings.get("mqtt.tls") ? TLS_PORT : PORT);
}
