#!/usr/bin/env bash
# MQTT.js 5.16.0 sends messages published before the connection one at a time, each after the acknowledgement of the previous one.
#
# Expected: QoS 1 messages given to `publish` before the connection are stored and sent when it is open, like those given afterwards: 100 at once, all are on the wire
# (MQTT 3.1.1, section 4.6: order has to be kept, which needs no waiting for PUBACK). MQTT.js says of its outgoing store only that it keeps packets in flight.
# Seen: a server that acknowledges nothing for two seconds sees 100 PUBLISH if they were given after `connect`, and 1 if before. So a backlog drains at one message a round trip:
# 1,000 at 100 ms are 100 s. What to do: hold a backlog above the client and publish it on the event `connect`.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages mqtt@5.16.0
cat >"$work/server.py" <<'PY'
"""Acknowledges nothing; prints how many PUBLISH have come when the client has nothing more to say but a ping (keep-alive 2)."""
import socket, sys
from wire import Peer, packet
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", file=sys.stderr, flush=True)
server.settimeout(60)
peer = Peer(server.accept()[0])
peer.receive()
peer.send(packet(0x20, b"\0\0"))
published = 0
while (got := peer.receive(30)) and got[0] >> 4 != 12:
    published += got[0] >> 4 == 3
print(published, flush=True)
PY
cat >"$work/npm/client.cjs" <<'JS'
const [port, when] = process.argv.slice(2);
const client = require("mqtt").connect({ host: "127.0.0.1", port: Number(port), keepalive: 2, reconnectPeriod: 0, manualConnect: true });
const fill = () => {
  for (let n = 0; n < 100; n++) client.publish("t", String(n), { qos: 1 });
};
client.on("error", () => {});
client.on("close", () => process.exit());
if (when === "before") {
  fill();
  setImmediate(() => client.connect());
} else {
  client.on("connect", fill);
  client.connect();
}
JS
in_flight() { # WHEN
  local port
  port=$(free_port)
  PYTHONPATH=$PWD/support timeout 90 python3 "$work/server.py" "$port" >"$work/$1.count" 2>"$work/$1.ready" &
  started+=($!)
  wait_for_output "$work/$1.ready"
  timeout 60 node "$work/npm/client.cjs" "$port" "$1" || true
  wait "${started[-1]}"
}
in_flight after
seen "published after connecting: unacknowledged on the wire" 100 "$(cat "$work/after.count")"
in_flight before
seen "published before connecting" 1 "$(cat "$work/before.count")"
exit "$differences"
