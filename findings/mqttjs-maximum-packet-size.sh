#!/usr/bin/env bash
# MQTT.js 5.16.0 sends a message above the server's Maximum Packet Size, is disconnected, and sends it again on each new connection: no later message is delivered.
#
# Expected: a client must not send a packet larger than the Maximum Packet Size in CONNACK (MQTT 5, section 3.2.2.3.6); MQTT.js has the property, and can give the callback of
# `publish` an error, as it does for other refusals. Other messages are sent.
# Seen: mosquitto 2.0.11 with max_packet_size 100 states it in CONNACK. A QoS 1 message of 500 bytes is sent all the same; mosquitto closes the connection. MQTT.js keeps the message and
# sends it first on each of the next five connections; neither its callback nor that of the short message behind it is called. What to do: check the
# size against `connack.properties.maximumPacketSize` before publishing.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages mqtt@5.16.0
cat >"$work/npm/client.cjs" <<'JS'
const options = { protocolVersion: 5, clientId: "device", clean: false, reconnectPeriod: 50, properties: { sessionExpiryInterval: 100 } };
const client = require("mqtt").connect({ host: "127.0.0.1", port: Number(process.argv[2]), ...options });
const called = (name) => (error) => console.log(`${name}: ${error ? error.message : "delivered"}`);
let connections = 0;
client.on("error", () => {});
client.once("connect", ({ properties }) => {
  console.log(`Maximum Packet Size ${properties.maximumPacketSize}`);
  client.publish("t", "x".repeat(500), { qos: 1 }, called("500 bytes"));
  client.publish("t", "short", { qos: 1 }, called("short"));
});
client.on("packetreceive", ({ cmd }) => {
  if (cmd === "connack") connections++;
});
client.on("close", () => {
  if (connections < 6) return;
  console.log("six connections");
  process.exit();
});
JS
port=$(free_port)
mosquitto_2_0_11 broker "$port" <<<"max_packet_size 100"
seen "500 bytes, then a short message" "Maximum Packet Size 100; six connections; " "$(timeout 60 node "$work/npm/client.cjs" "$port" | sed 's/$/;/' | tr '\n' ' ')"
exit "$differences"
