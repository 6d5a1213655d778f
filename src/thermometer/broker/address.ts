/* The broker's port, from the settings. */
import type { Settings } from "../../settings/settings.js";

/** Default ports of MQTT, without TLS and with it (IANA: mqtt, secure-mqtt). */
const PORT = 1883;
const TLS_PORT = 8883;

/** The broker's TCP port; the default port if `mqtt.port` is 0. */
export function brokerPort(settings: Settings): number {
  return settings.get("mqtt.port") || (settings.get("mqtt.tls") ? TLS_PORT : PORT);
}
