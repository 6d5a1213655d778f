#!/usr/bin/env bash
# mosquitto 2.0.11 sends the retained messages to a shared subscription, to each member of the group and at each SUBSCRIBE.
#
# Expected: none are sent when a shared subscription is made (MQTT 5, section 4.8.2), since each would reach every member, whereas the group is there to give each message to one
# of them. HiveMQ CE 2025.5 and mochi-mqtt 2.7.9 send none.
# Seen: two members subscribe to $share/g/t, and the first of them once more as after a reconnect: three copies of the retained message. One published then comes once. Workers that share
# the readings of devices store the last reading again at each start and reconnect. What to do: Retain Handling 2 in the SUBSCRIBE of each member (no copy then), or drop what has RETAIN 1.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, connect, packet, text

def connected(client):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, 5))
    peer.receive()
    return peer

def received(peer):
    count = 0
    while got := peer.receive(1):
        count += got[0] >> 4 == 3
    return count

def subscribed(peer, options):
    """How many messages come with the SUBACK."""
    peer.send(packet(0x82, b"\0\1\0" + text("$share/g/t") + bytes([options])))
    return received(peer)

publisher = connected("publisher")
publisher.send(packet(0x33, text("t") + b"\0\1\0kept"))
publisher.receive()
one, two = connected("one"), connected("two")
options = int(sys.argv[2])
retained = [subscribed(one, options), subscribed(two, options), subscribed(one, options)]
publisher.send(packet(0x30, text("t") + b"\0new"))
print(f"retained {retained}, new {received(one) + received(two)}")
PY
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
export PYTHONPATH=$PWD/support
seen "Retain Handling 0" "retained [1, 1, 1], new 1" "$(timeout 60 python3 "$work/ask.py" "$port" 0)"
seen "Retain Handling 2" "retained [0, 0, 0], new 1" "$(timeout 60 python3 "$work/ask.py" "$port" 32)"
exit "$differences"
