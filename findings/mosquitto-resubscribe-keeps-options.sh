#!/usr/bin/env bash
# mosquitto 2.0.11: a second SUBSCRIBE to the same filter changes the QoS, but not the options No Local and Retain As Published.
#
# Expected: a SUBSCRIBE with the filter of an existing subscription replaces that by a new one (MQTT 5, section 3.8.4, statement 3.8.4-3), with the options that it states. mosquitto 2.1.2 does so
# (tried by hand).
# Seen: a client subscribes without options, and then with QoS 1, No Local and Retain As Published. The QoS is 1 from then on, but its own messages still come, and what is published with RETAIN comes
# without. The other way round, both options stay on. They stay over a reconnect, too, as long as the session lives: a new version of a program that sets No Local still gets its own messages, which a
# bridge or a controller may send round and round.
# What to do: UNSUBSCRIBE before a SUBSCRIBE with other options.
# Needs mosquitto 2.0.11 (Debian bookworm).
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, connect, packet, text
NOTHING_AT_SUBSCRIBE = 0x20  # Retain Handling 2

def connected(client, clean=True):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, 5, clean, b"\x11\0\0\x0e\x10"))
    peer.receive()
    return peer

def messages():
    """What the subscriber gets within a second: payload, QoS and flag RETAIN of each PUBLISH, which is acknowledged; its own PUBACK is passed over."""
    out = []
    while got := subscriber.receive(1):
        if got[0] >> 4 == 3:
            qos = got[0] >> 1 & 3
            if qos:
                subscriber.send(packet(0x40, got[1][3:5]))
            out.append(f"{got[1][6 if qos else 4:].decode()} QoS {qos}" + (" RETAIN" if got[0] & 1 else ""))
    return " + ".join(out) or "nothing"

def told(*options):
    """SUBSCRIBE with these options, one after the other; what then comes of a message of its own, and of one that another client publishes with RETAIN."""
    for option in options:
        subscriber.send(packet(0x82, b"\0\1\0" + text("t") + bytes([option | NOTHING_AT_SUBSCRIBE])))
        subscriber.receive()
    subscriber.send(packet(0x32, text("t") + b"\0\7\0own"))
    own = messages()
    other.send(packet(0x33, text("t") + b"\0\7\0other"))
    other.receive()
    return f"own: {own.removeprefix('own ')}, other's: {messages().removeprefix('other ')}"

other = connected("other")
for options in ((0,), (13,), (13, 0), (0, 13)):
    subscriber = connected("subscriber")
    print(told(*options))
subscriber.send(b"\xe0\0")
subscriber.close()
subscriber = connected("subscriber", False)
print(told(13))
subscriber.send(packet(0xA2, b"\0\1\0" + text("t")))
subscriber.receive()
print(told(13))
PY
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
PYTHONPATH=$PWD/support timeout 60 python3 "$work/ask.py" "$port" >"$work/seen"
line() { sed -n "$1p" "$work/seen"; }
seen "QoS 0" "own: QoS 0, other's: QoS 0" "$(line 1)"
seen "QoS 1, No Local, Retain As Published" "own: nothing, other's: QoS 1 RETAIN" "$(line 2)"
seen "the latter, then the former" "own: nothing, other's: QoS 0 RETAIN" "$(line 3)"
seen "the former, then the latter" "own: QoS 1, other's: QoS 1" "$(line 4)"
seen "the latter again, on the next connection" "own: QoS 1, other's: QoS 1" "$(line 5)"
seen "the latter, after an UNSUBSCRIBE" "own: nothing, other's: QoS 1 RETAIN" "$(line 6)"
exit "$differences"
