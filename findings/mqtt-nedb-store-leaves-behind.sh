#!/usr/bin/env bash
# mqtt-nedb-store 0.1.1, a store on disk for MQTT.js, sends 1,000 of a backlog of 1,200 messages; the others wait for the next connection. Their order is that of the packet ids, not of publishing.
#
# Expected: messages of QoS 1 that were published without a connection are all sent when there is one (MQTT.js's README names this store), and in the order in which they were published, which MQTT
# 3.1.1 (section 4.6) demands of those that are sent again.
# Seen: the store hands its messages over in pages of 500 and counts from the start for each page, while those that are acknowledged leave it: the third page begins behind the end. MQTT.js takes that
# for the end and reports `connect`; the other 200 are sent when the connection is lost and made again, perhaps days later, behind all newer ones. Where the packet ids pass 65,535 in the backlog, the
# messages behind that are sent before those in front of it. With mqtt-level-store 3.1.0 both are right. What to do: use that one.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages mqtt@5.16.0 mqtt-nedb-store@0.1.1 mqtt-level-store@3.1.0
cat >"$work/npm/device.cjs" <<'JS'
// COUNT messages from packet id FIRST on while nobody listens, until the store has them all; or none, until the server ends it all.
const mqtt = require("mqtt");
const [, , store, folder, port, count, first] = process.argv;
const manager = require(store)(folder);
const ids = new mqtt.DefaultMessageIdProvider();
ids.nextId = Number(first);
let stored = 0;
const put = manager.outgoing.put.bind(manager.outgoing);
manager.outgoing.put = (packet, done) => put(packet, (...result) => {
  if (++stored === Number(count)) setTimeout(() => process.exit(0), 500);
  done(...result);
});
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
  clientId: "device", clean: false, messageIdProvider: ids, reconnectPeriod: 200, incomingStore: manager.incoming, outgoingStore: manager.outgoing,
});
client.on("error", () => {});
for (let n = 0; n < Number(count); n++) client.publish("t", String(n), { qos: 1 });
JS
cat >"$work/server.py" <<'PY'
"""Acknowledges each message of three connections, and ends each when nothing has come for five seconds; prints what came."""
import socket, sys
from wire import Peer, acknowledge, packet

def runs(numbers):
    """As in "5-11 0-4"."""
    out = []
    for number in numbers:
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return " ".join(f"{low}-{high}" for low, high in out) or "nothing"

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
seen = []
for _ in range(3):
    peer = Peer(server.accept()[0])
    numbers = []
    while got := peer.receive(5):
        if got[0] >> 4 == 1:
            peer.send(packet(0x20, b"\0\0"))
        elif got[0] >> 4 == 3:
            numbers.append(int(got[1][5:]))
            peer.send(acknowledge(0x40, int.from_bytes(got[1][3:5], "big")))
    seen.append(runs(numbers))
    peer.close()
print("; ".join(seen), flush=True)
PY
run() { # STORE COUNT FIRST
  local folder port
  folder=$(mktemp -d "$work/store.XXXX")
  port=$(free_port)
  timeout 60 node "$work/npm/device.cjs" "$1" "$folder" "$port" "$2" "$3"
  PYTHONPATH=support timeout 100 python3 "$work/server.py" "$port" >"$folder.out" &
  local server=$!
  wait_for_output "$folder.out"
  timeout 100 node "$work/npm/device.cjs" "$1" "$folder" "$port" 0 1 >/dev/null 2>&1 &
  local device=$!
  wait "$server" || true
  kill "$device" 2>/dev/null || true
  wait "$device" 2>/dev/null || true
  sed -n '$p' "$folder.out"
}
seen "nedb, 1,200 messages, three connections" "0-999; 1000-1199; nothing" "$(run mqtt-nedb-store 1200 1)"
seen "nedb, 12 messages, packet ids 65531 to 65535 and 1 to 7" "5-11 0-4; nothing; nothing" "$(run mqtt-nedb-store 12 65531)"
seen "level, 1,200 messages" "0-1199; nothing; nothing" "$(run mqtt-level-store 1200 1)"
seen "level, 12 messages" "0-11; nothing; nothing" "$(run mqtt-level-store 12 65531)"
exit "$differences"
