/* Every broker that the suite knows, in the order of its table. */
import { ejabberd, mosquitto, rabbitMQ } from "./debian.js";
import type { Peer } from "./peer.js";
import { aedes, amqtt, hiveMQ, mochi, rumqttd } from "./registries.js";

export const CATALOGUE: readonly Peer[] = [
  mosquitto("2.0", "apt-get install mosquitto (Debian bookworm)"),
  mosquitto("2.1"),
  rabbitMQ("4."),
  ejabberd("26."),
  hiveMQ,
  aedes,
  amqtt,
  mochi,
  rumqttd("3.1.1"),
  rumqttd("5"),
];
