#!/usr/bin/env bash
# mosquitto 2.0.11 and mochi-mqtt 2.7.9 do not publish a delayed will when the session ends: after a return with Clean Start 1 it is never published.
#
# Expected: the will is published when the Will Delay Interval has passed or the session ends, whichever is first (MQTT 5, sections 3.1.2.5 and 3.1.3.2.2). With Session Expiry Interval 0, which is the default,
# the session ends with the connection: the will comes at once. A CONNECT with Clean Start 1 also ends the session (section 3.1.2.4). HiveMQ CE 2025.5 does both.
# Seen: a client without session expiry and with Will Delay 3 loses its connection: its will comes only after the delay. If it connects again with Clean Start 1 before that, the will is discarded, in a session without
# expiry as in one of an hour. (mochi-mqtt does as expected where the interval 0 is sent rather than left out.) Thus a device that restarts in a loop, always within its delay, appears online all the time, although none of its sessions goes on.
# What to do: do not rely on the will to count restarts; publish a boot count, or use no Will Delay without a session.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/ask.py" <<'PY'
import struct, sys, time
from wire import Peer, connect, length, packet, text

def joined(client, expiry, delay=None):
    """Clean Start 1; with a delay, there is a will on the topic "w"."""
    properties = b"\x11" + struct.pack(">I", expiry) if expiry else b""
    will = b"" if delay is None else length(5) + b"\x18" + struct.pack(">I", delay) + text("w") + text("gone")
    head = text("MQTT") + bytes([5, 2 if delay is None else 6]) + struct.pack(">H", 60)
    peer = Peer.to(int(sys.argv[1]))
    peer.send(packet(0x10, head + length(len(properties)) + properties + text(client) + will))
    peer.receive()
    return peer

observer = joined("observer", 0)
observer.send(packet(0x82, b"\0\1\0" + text("w") + b"\0"))
observer.receive()

def will(seconds):
    """When the will comes, after a connection that is lost now."""
    lost = time.monotonic()
    came = observer.receive(seconds)
    return "none" if came is None else "at once" if time.monotonic() - lost < 1.5 else "after the delay"

joined("a", 0, 3).close()
alone = will(10)
joined("b", 0, 3).close()
again = joined("b", 0)
without = will(8)
joined("c", 3600, 3).close()
again = joined("c", 3600)
print(f"no expiry: {alone}; and Clean Start 1 before the delay: {without}; with an hour's expiry: {will(8)}")
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto" "no expiry: after the delay; and Clean Start 1 before the delay: none; with an hour's expiry: none" "$(timeout 60 python3 "$work/ask.py" "$port")"
. support/mochi.bash
port=$(free_port)
background mochi "$mochi" "$port"
wait_for_port "$port"
seen "mochi-mqtt" "no expiry: after the delay; and Clean Start 1 before the delay: none; with an hour's expiry: none" "$(timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
