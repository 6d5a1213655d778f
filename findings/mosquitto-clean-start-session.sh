#!/usr/bin/env bash
# mosquitto 2.0.11 loses, in a clean restart, each session whose last CONNECT had Clean Start 1, whatever its Session Expiry Interval.
#
# Expected: in MQTT 5 Clean Start only means that an earlier session is discarded at this CONNECT (section 3.1.2.4); how long the new one is kept is stated by Session Expiry
# Interval (3.1.2.11.2), here a day. mosquitto.conf(5) says that persistence saves connection, subscription and message data and loads them at the start.
# Seen: two subscribers, identical except for Clean Start, disconnect; a QoS 1 message is published for each; the broker is ended by SIGTERM and started again with its file. The one with Clean Start 0 has
# its session and its message. The one with Clean Start 1 gets Session Present 0, and its message is gone. What to do: connect once more with Clean Start 0.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/session.py" <<'PY'
import sys
from wire import Peer, connect, packet, publish, text
part, port = sys.argv[1], int(sys.argv[2])
EXPIRY = b"\x11\0\1\x51\x80"
CLIENTS = {"Clean Start 0": False, "Clean Start 1": True}

def session(client, clean):
    peer = Peer.to(port)
    peer.send(connect(client, 5, clean, EXPIRY))
    return peer, peer.receive()[1][0]

if part == "leave":
    for client, clean in CLIENTS.items():
        peer, _ = session(client, clean)
        peer.send(packet(0x82, b"\0\1\0" + text(client) + b"\1"))
        peer.receive()
        peer.send(packet(0xE0))
        while peer.receive():
            pass
    other, _ = session("publisher", True)
    for number, client in enumerate(CLIENTS, 1):
        other.send(publish(client, b"x", 1, number, 5))
        other.receive()
else:
    found = []
    for client in CLIENTS:
        peer, present = session(client, False)
        peer.send(packet(0xC0))  # what was queued comes before the answer to this
        messages = 0
        while (got := peer.receive()) and got[0] >> 4 != 13:
            messages += got[0] >> 4 == 3
        found.append(f"{client}: session {present}, messages {messages}")
    print("; ".join(found))
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
persist() { mosquitto_2_0_11 "$1" "$port" <<<"persistence true"$'\n'"persistence_location $work/"; }
persist first
timeout 60 python3 "$work/session.py" leave "$port"
kill "${started[-1]}"
wait "${started[-1]}" || true
persist second
seen "after the restart" "Clean Start 0: session 1, messages 1; Clean Start 1: session 0, messages 0" "$(timeout 60 python3 "$work/session.py" return "$port")"
exit "$differences"
