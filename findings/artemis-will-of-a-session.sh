#!/usr/bin/env bash
# Artemis 2.55.0 does not publish the will of an MQTT 5 client whose session outlasts the connection, unless the will has a delay; and none at DISCONNECT with reason 0x04.
#
# Expected: a client with a session of an hour and a will without Will Delay Interval loses its connection: the will comes at once ("If the Will Delay Interval is absent, the default value is 0
# and there is no delay", MQTT 5, section 3.1.3.2.2). DISCONNECT with 0x04 asks for the will (section 3.14.2.1, "Disconnect with Will Message"). mosquitto 2.0.11 does both.
# Seen: with the session of an hour nothing comes in 20 s, with the delay absent or 0; with a delay of 2 s the will comes. With a session of 3 s it comes when the session has ended, and without
# a session at once, as with MQTT 3.1.1. At 0x04 it never comes, with or without a session. A device that sleeps or loses its network stays "online" for as long as its session lasts.
# What to do: a Will Delay Interval of at least a second.
# Needs a JDK of 17 or later, and Maven; also mosquitto 2.0.11 (Debian bookworm), for comparison.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/artemis.bash
cat >"$work/ask.py" <<'PY'
import struct, sys, time
from wire import Peer, length, packet, text

def device(name, expiry, delay=None, level=5):
    """A client whose will is published to w/NAME at QoS 1."""
    peer = Peer.to(int(sys.argv[1]))
    session = b"" if expiry is None else b"\x11" + struct.pack(">I", expiry)
    wait = b"" if delay is None else b"\x18" + struct.pack(">I", delay)
    flags = 0x0C | (0 if level == 4 and expiry else 2)
    head = text("MQTT") + bytes([level, flags]) + struct.pack(">H", 60)
    if level == 5:
        head += length(len(session)) + session
    will = (length(len(wait)) + wait if level == 5 else b"") + text(f"w/{name}") + text("offline")
    peer.send(packet(0x10, head + text(name) + will))
    peer.receive(10)
    return peer

watcher = device("watcher", None)
watcher.send(packet(0x82, b"\0\1\0" + text("w/+") + b"\1"))
watcher.receive(10)
lost = {
    "hour": device("hour", 3600), "hour-delay-0": device("hour-delay-0", 3600, 0), "hour-delay-2": device("hour-delay-2", 3600, 2),
    "short": device("short", 3), "none": device("none", None), "3.1.1": device("3.1.1", 3600, level=4),
}
leaving = [device("asked", None), device("asked-hour", 3600)]
for peer in lost.values():
    peer.close()
for peer in leaving:
    peer.send(b"\xe0\2\4\0")
came = set()
end = time.monotonic() + 20
while (left := end - time.monotonic()) > 0:
    got = watcher.receive(left)
    if got and got[0] >> 4 == 3:
        size = int.from_bytes(got[1][:2], "big")
        came.add(got[1][2 : 2 + size].decode().removeprefix("w/"))
        watcher.send(packet(0x40, got[1][2 + size : 4 + size]))
print(*sorted(came))
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
artemis "$port"
seen "Artemis 2.55.0, wills that came" "3.1.1 hour-delay-2 none short" "$(timeout 60 python3 "$work/ask.py" "$port")"
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto 2.0.11" "3.1.1 asked asked-hour hour hour-delay-0 hour-delay-2 none short" "$(timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
