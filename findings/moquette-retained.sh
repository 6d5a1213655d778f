#!/usr/bin/env bash
# moquette 0.17 does not retain a will that asks for it, and sends retained messages to subscriptions at QoS 1 and 2 without the RETAIN flag.
#
# Expected: "If Will Retain is set to 1, the Server MUST publish the Will Message as a retained message" (MQTT 3.1.1, section 3.1.2.7, statement 3.1.2-17), and RETAIN 1 in each message that is
# sent because of a new subscription (section 3.3.1.3, statement 3.3.1-8). mosquitto 2.0.11 does both. (That moquette retains nothing that was published at QoS 0 is allowed there.)
# Seen: a device publishes "online", retained at QoS 1, with a retained will "offline" at QoS 1, and loses its connection. Who is subscribed gets "offline"; who subscribes later gets "online",
# for good. The retained "online" has the RETAIN flag with a subscription at QoS 0 and not at 1 or 2: a receiver takes an old value for a new one. Both are what the usual availability
# topic rests on (Home Assistant's `availability`).
# What to do: judge a device by the time in its last reading, not by the retained state; to tell old messages from new ones, a time in the payload.
# Needs a JDK of 17 or later, and Maven; also mosquitto 2.0.11 (Debian bookworm), for comparison.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/moquette.bash
cat >"$work/ask.py" <<'PY'
import struct, sys, time
from wire import Peer, connect, packet, text
PORT = int(sys.argv[1])

def subscribed(name, qos):
    peer = Peer.to(PORT)
    peer.send(connect(name))
    peer.receive(10)
    peer.send(packet(0x82, b"\0\1" + text("state") + bytes([qos])))
    return peer

def messages(peer, seconds=2):
    out = []
    while got := peer.receive(seconds):
        if got[0] >> 4 == 3:
            if got[0] & 6:  # each was published at QoS 1
                peer.send(packet(0x40, got[1][7:9]))
            out.append(got[1][(9 if got[0] & 6 else 7) :].decode() + (" RETAIN" if got[0] & 1 else ""))
    return ", ".join(out) or "nothing"

device = Peer.to(PORT)
head = text("MQTT") + bytes([4, 0x2E]) + struct.pack(">H", 60)  # clean session, a will at QoS 1, retained
device.send(packet(0x10, head + text("device") + text("state") + text("offline")))
device.receive(10)
device.send(packet(0x33, text("state") + b"\0\1online"))
device.receive(10)
for qos in (0, 1, 2):
    print(messages(subscribed(f"subscriber{qos}", qos)), end="; ")
watcher = subscribed("watcher", 1)
messages(watcher)
device.close()
print(messages(watcher, 4), end="; ")
print(messages(subscribed("late", 0)))
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
moquette "$port"
what="retained at QoS 0, 1, 2; at the device's end; afterwards"
seen "moquette 0.17, $what" "online RETAIN; online; online; offline; online RETAIN" "$(timeout 60 python3 "$work/ask.py" "$port")"
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto 2.0.11, $what" "online RETAIN; online RETAIN; online RETAIN; offline; offline RETAIN" "$(timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
