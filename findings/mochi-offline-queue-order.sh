#!/usr/bin/env bash
# mochi-mqtt 2.7.9 delivers what it kept for an offline subscriber in random order, and all at once, whatever the subscriber's Receive Maximum.
#
# Expected: messages of one publisher, one topic and one QoS in the order in which they were published (MQTT 5, section 4.6, statements 4.6.0-5 and 4.6.0-6), and at
# most Receive Maximum of them unacknowledged (section 3.1.2.11.3, statement 3.3.4-9). mosquitto 2.0.11 and HiveMQ CE 2025.5 do so.
# Seen: a subscriber with a session and Receive Maximum 2 is away while 20 messages of QoS 1 are published on one topic. It returns, acknowledges nothing, and gets all 20, in an order that
# differs each time. They carry DUP 1, although each is sent for the first time. The cause (read in its source): the queue is sorted by the low 16 bits of a time in whole seconds, so that
# messages of one second come in any order, and older ones behind newer ones where these bits overflow, every 18 hours. What shows the last value received can end at an old value.
# What to do: a number or a time in the payload, and sort by it at the receiver.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/mochi.bash
cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, connect, packet, publish, text
COUNT = 20

def connected(client, clean, properties):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, 5, clean, properties))
    peer.receive()
    return peer

SESSION = b"\x11\0\0\x0e\x10\x21\0\2"  # expiry of an hour, Receive Maximum 2
subscriber = connected("subscriber", True, SESSION)
subscriber.send(packet(0x82, b"\0\1\0" + text("t") + b"\1"))
subscriber.receive()
subscriber.send(b"\xe0\0")
subscriber.close()
publisher = connected("publisher", True, b"")
for n in range(COUNT):
    publisher.send(publish("t", b"%02d" % n, 1, n + 1, 5))
    publisher.receive()
subscriber = connected("subscriber", False, SESSION)
came = []
while len(came) < COUNT and (got := subscriber.receive(5)):
    came.append((int(got[1][-2:]), got[0] >> 3 & 1))
numbers = [n for n, _ in came]
order = "in order" if numbers == sorted(numbers) else "out of order"
print(f"{len(set(numbers))} unacknowledged, {order}, DUP {sorted({dup for _, dup in came})}")
PY
port=$(free_port)
background mochi "$mochi" "$port"
wait_for_port "$port"
seen "20 messages kept, Receive Maximum 2" "20 unacknowledged, out of order, DUP [1]" "$(PYTHONPATH=$PWD/support timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
