#!/usr/bin/env bash
# mosquitto 2.0.11 acknowledges a QoS 2 message that it discards, if a 3.1.1 client has more than 20 unreleased ones.
#
# Expected: a message answered by PUBREC and PUBCOMP was accepted by the broker and reaches its subscribers (MQTT 3.1.1, section 4.3.3: the
# receiver of a QoS 2 PUBLISH that answers PUBREC has accepted ownership). A broker that will not take more can stop reading, or close.
# mosquitto.conf(5) describes max_inflight_messages as how many QoS 1 and 2 messages can be in the process of being transmitted at once,
# and does not say that more are dropped. With MQTT 5 a client learns the number as Receive Maximum; 3.1.1 has nothing of the kind.
# Seen: 24 at once, then 24 PUBREL: 24 PUBREC, 24 PUBCOMP, and 20 messages at the subscriber. The log says that PUBREC had reason 151 (quota
# exceeded), which a 3.1.1 packet does not carry. And with max_queued_messages 0 ("no maximum", a common setting where nothing may be lost) the
# same 24 end the connection, before an acknowledgement of the 21st. What to do: at most as many unreleased messages as the broker's limit.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/burst.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, publish
port, count = int(sys.argv[1]), 24
subscriber, publisher = Peer.to(port), Peer.to(port)
subscriber.send(connect("subscriber"), b"\x82\x06\0\1\0\1t\2")
subscriber.receive(), subscriber.receive()
publisher.send(connect("publisher"))
publisher.receive()
publisher.send(*(publish("t", b"%d" % n, 2, n) for n in range(1, count + 1)))
recorded = 0
while recorded < count and publisher.receive():
    recorded += 1
if recorded < count:
    print("the connection ends")
    sys.exit()
publisher.send(*(acknowledge(0x62, n) for n in range(1, count + 1)))
completed = sum(publisher.receive() is not None for _ in range(count))
# What was sent comes in order: a last message, behind all others, says that no more will come.
publisher.send(publish("t", b"last", 2, 100))
publisher.receive()
publisher.send(acknowledge(0x62, 100))
arrived = 0
while packet := subscriber.receive():
    first, body = packet
    if first >> 4 == 3:
        if body.endswith(b"last"):
            break
        arrived += 1
        subscriber.send(acknowledge(0x50, int.from_bytes(body[3:5], "big")))
    elif first >> 4 == 6:
        subscriber.send(acknowledge(0x70, int.from_bytes(body, "big")))
print(f"{recorded} PUBREC, {completed} PUBCOMP, {arrived} delivered")
PY
export PYTHONPATH=$PWD/support

port=$(free_port)
mosquitto_2_0_11 limited "$port" </dev/null
seen "24 unreleased QoS 2 messages, default limits" "24 PUBREC, 24 PUBCOMP, 20 delivered" "$(timeout 60 python3 "$work/burst.py" "$port")"
port=$(free_port)
mosquitto_2_0_11 unlimited "$port" <<<"max_queued_messages 0"
seen "the same with max_queued_messages 0" "the connection ends" "$(timeout 60 python3 "$work/burst.py" "$port")"
exit "$differences"
