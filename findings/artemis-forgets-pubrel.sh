#!/usr/bin/env bash
# Artemis 2.55.0 does not send PUBREL again: a QoS 2 message is lost if the connection is lost between its PUBREC and its PUBREL. QoS 1 messages come again as if they were new.
#
# Expected: when a client is back with its session, the server sends again what was not acknowledged, PUBLISH and PUBREL, with the original packet ids (MQTT 3.1.1 and 5, section 4.4, statement
# 4.4.0-1), and PUBLISH with DUP 1 (section 3.3.1.1). mosquitto 2.0.11 does so.
# Seen: the subscriber has answered PUBREC, and the connection is lost before the PUBREL is acknowledged. It is back (Session Present 1) once, and once more: no PUBREL, no PUBLISH, at 3.1.1 and at 5.
# A client that delivers at PUBREL, as paho-mqtt and MQTT.js do (see qos2-delivered-twice.sh), never delivers the message. Unacknowledged QoS 1 messages come again, with new packet ids
# and DUP 0: a receiver cannot see that they are repeated.
# What to do: QoS 1, and a sequence number or the time of the reading in the payload, by which a receiver knows repetitions.
# Needs a JDK of 17 or later, and Maven; also mosquitto 2.0.11 (Debian bookworm), for comparison.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/artemis.bash
cat >"$work/ask.py" <<'PY'
import sys, time
from wire import Peer, acknowledge, connect, packet, publish, text

def connected(client, level, clean):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, level, clean, b"\x11\0\0\x0e\x10"))
    peer.receive(10)
    return peer

def described(peer, seconds):
    """What comes until nothing has come for so many seconds. Each PUBLISH has the topic "t"."""
    out = []
    while got := peer.receive(seconds):
        if got[0] >> 4 == 3:
            out.append(f"PUBLISH {int.from_bytes(got[1][3:5], 'big')}" + (" DUP" if got[0] & 8 else ""))
        elif got[0] >> 4 == 6:
            out.append(f"PUBREL {int.from_bytes(got[1][:2], 'big')}")
    return ", ".join(out) or "nothing"

level, qos = int(sys.argv[2]), int(sys.argv[3])
name = f"subscriber{level}{qos}"
subscriber = connected(name, level, False)
subscriber.send(packet(0x82, b"\0\1" + (b"\0" if level == 5 else b"") + text("t") + bytes([qos])))
subscriber.receive(10)
publisher = connected("publisher", level, True)
for packet_id in (1, 2) if qos == 1 else (1,):
    publisher.send(publish("t", b"21.5", qos, packet_id, level))
    publisher.receive(10)
    if qos == 2:
        publisher.send(acknowledge(0x62, packet_id))
        publisher.receive(10)
seen = [described(subscriber, 2)]
if qos == 2:
    subscriber.send(acknowledge(0x50, int(seen[0].split()[1])))
    seen[0] += ", " + described(subscriber, 2)
for _ in range(2):
    subscriber.close()
    time.sleep(1)
    subscriber = connected(name, level, False)
    seen.append(described(subscriber, 5))
subscriber.send(b"\xe0\0")
print("; ".join(seen))
PY
export PYTHONPATH=$PWD/support
asked() { timeout 60 python3 "$work/ask.py" "$port" "$@"; } # LEVEL QOS: what the subscriber gets on three connections
port=$(free_port)
artemis "$port"
seen "Artemis 2.55.0, 3.1.1, QoS 2" "PUBLISH 1, PUBREL 1; nothing; nothing" "$(asked 4 2)"
seen "Artemis 2.55.0, 5, QoS 2" "PUBLISH 1, PUBREL 1; nothing; nothing" "$(asked 5 2)"
seen "Artemis 2.55.0, 3.1.1, QoS 1" "PUBLISH 1, PUBLISH 2; PUBLISH 3, PUBLISH 4; PUBLISH 5, PUBLISH 6" "$(asked 4 1)"
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto 2.0.11, 3.1.1, QoS 2" "PUBLISH 1, PUBREL 1; PUBREL 1; PUBREL 1" "$(asked 4 2)"
seen "mosquitto 2.0.11, 3.1.1, QoS 1" "PUBLISH 1, PUBLISH 2; PUBLISH 1 DUP, PUBLISH 2 DUP; PUBLISH 1 DUP, PUBLISH 2 DUP" "$(asked 4 1)"
exit "$differences"
