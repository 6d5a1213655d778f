#!/usr/bin/env bash
# moquette 0.17 loses messages that a subscriber has not acknowledged if others have arrived before it returns: these get the same packet ids.
#
# Expected: when a client is back with its session, the server sends again what was not acknowledged, with the original packet ids, and after that what has come meanwhile (MQTT 3.1.1, sections
# 4.4 and 4.6, statement 4.4.0-1); an id is free for a new message only when the acknowledgement is there (section 2.3.1). mosquitto 2.0.11 does so.
# Seen: a subscriber has m1, m2, m3 (ids 1, 2, 3) and has acknowledged none when its connection is lost. m4 and m5 are published. It is back (Session Present 1), acknowledges all that comes, and pings: m4 and m5 come as ids
# 1 and 2, after five seconds m3 as id 3 with DUP, and m1 and m2 never, at QoS 1 and at QoS 2. The publisher has an acknowledgement for all five. If nothing is published meanwhile, all three come again.
# What to do: another broker; or a sequence number in the payload, by which a subscriber notices what is missing.
# Needs a JDK of 17 or later, and Maven; also mosquitto 2.0.11 (Debian bookworm), for comparison.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/moquette.bash
cat >"$work/ask.py" <<'PY'
import sys, time
from wire import Peer, acknowledge, connect, packet, publish, text
qos, meanwhile = int(sys.argv[2]), int(sys.argv[3])
name = f"s{qos}-{meanwhile}"

def connected(client, clean):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, 4, clean))
    return peer, peer.receive(10)[1][0]

def messages(peer, seconds, acknowledged):
    """Ids and payloads of what comes within this time, with a ping each second of silence."""
    out, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        if (got := peer.receive(1)) is None:
            peer.send(b"\xc0\0")
        elif got[0] >> 4 == 3:
            at = len(text(name))
            packet_id = int.from_bytes(got[1][at : at + 2], "big")
            out.append(f"{packet_id}={got[1][at + 2:].decode()}")
            if acknowledged:
                peer.send(acknowledge(0x40 if qos == 1 else 0x50, packet_id))
        elif got[0] >> 4 == 6:
            peer.send(acknowledge(0x70, int.from_bytes(got[1][:2], "big")))
    return " ".join(out) or "nothing"

def published(numbers):
    for number in numbers:
        publisher.send(publish(name, f"m{number}".encode(), qos, number))
        assert publisher.receive(10)
        if qos == 2:
            publisher.send(acknowledge(0x62, number))
            assert publisher.receive(10)

publisher, _ = connected("publisher" + name, True)
subscriber, _ = connected(name, False)
subscriber.send(packet(0x82, b"\0\1" + text(name) + bytes([qos])))
subscriber.receive(10)
published(range(1, 4))
seen = [messages(subscriber, 3, False)]
subscriber.close()
time.sleep(1)
published(range(4, 4 + meanwhile))
for seconds in (12, 8):
    subscriber, present = connected(name, False)
    seen.append(f"Session Present {present}, {messages(subscriber, seconds, True)}")
    subscriber.close()
    time.sleep(1)
print("; ".join(seen))
PY
export PYTHONPATH=$PWD/support
asked() { timeout 60 python3 "$work/ask.py" "$port" "$@"; } # QOS MEANWHILE
port=$(free_port)
moquette "$port"
what="lost connection, return, another return"
first="1=m1 2=m2 3=m3; Session Present 1,"
again="; Session Present 1, nothing"
seen "moquette 0.17, QoS 1, $what" "$first 1=m4 2=m5 3=m3$again" "$(asked 1 2)"
seen "moquette 0.17, QoS 2, $what" "$first 1=m4 2=m5 3=m3$again" "$(asked 2 2)"
seen "moquette 0.17, QoS 1, nothing published meanwhile, $what" "$first 1=m1 2=m2 3=m3$again" "$(asked 1 0)"
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto 2.0.11, QoS 1, $what" "$first 1=m1 2=m2 3=m3 4=m4 5=m5$again" "$(asked 1 2)"
exit "$differences"
