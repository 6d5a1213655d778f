#!/usr/bin/env bash
# HiveMQ CE 2025.5 sends a retained message with the whole Message Expiry Interval that it was published with, however old it is.
#
# Expected: the interval that was received less the time that the message has waited in the server (MQTT 5, section 3.3.2.3.3, statement 3.3.2-6). The message of a subscriber that was
# offline is counted down, and mosquitto 2.0.11 and mochi-mqtt 2.7.9 count down both.
# Seen: published with 10 s, and read 3 s later: 10 from the retained store, 7 from the queue of a session. The store itself removes the message in time. A receiver that takes the interval as
# the remaining life, a bridge or a second broker above all, keeps a value for up to twice the intended time, and again with each further such server.
# What to do: put the time of the reading, or of its end, into the payload, if old values must not be shown.
# Needs a JDK of 17 or later, and Maven.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

maven_packages "$work" com.hivemq:hivemq-community-edition-embedded:2025.5
cat >"$work/Broker.java" <<'JAVA'
import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Path;

public class Broker {
  public static void main(String[] words) throws Exception {
    Path folder = Path.of(words[0]);
    EmbeddedHiveMQ.builder().withConfigurationFolder(folder).withDataFolder(folder.resolve("data"))
        .withExtensionsFolder(folder.resolve("extensions")).build().start().join();
    Thread.currentThread().join();
  }
}
JAVA
port=$(free_port)
mkdir -p "$work/home/data" "$work/home/extensions"
cat >"$work/home/config.xml" <<XML
<?xml version="1.0"?>
<hivemq><listeners><tcp-listener><port>$port</port><bind-address>127.0.0.1</bind-address></tcp-listener></listeners>
<anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics></hivemq>
XML
cat >"$work/ask.py" <<'PY'
import struct, sys, time
from wire import Peer, connect, packet, text

def connected(client, clean=True):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, 5, clean, b"\x11\0\0\x0e\x10"))
    peer.receive(10)
    return peer

def subscribe(peer):
    peer.send(packet(0x82, b"\0\1\0" + text("t") + b"\1"))
    peer.receive(10)

def interval(peer, seconds=5):
    """The Message Expiry Interval of the next PUBLISH at QoS 1, its only property here."""
    came = peer.receive(seconds)
    return "none" if came is None else struct.unpack_from(">I", came[1], 7)[0] if came[1][6] == 2 else "?"

away = connected("away")
subscribe(away)
away.send(b"\xe0\0")
away.close()
publisher = connected("publisher")
publisher.send(packet(0x33, text("t") + b"\0\1" + b"\5\2" + struct.pack(">I", 10) + b"x"))
publisher.receive()
published = time.monotonic()
time.sleep(3.3)
queued = interval(connected("away", False))
late = connected("late")
subscribe(late)
retained = interval(late)
time.sleep(max(0, published + 13 - time.monotonic()))
last = connected("last")
subscribe(last)
# A packet more or less of a busy computer makes a second.
print(f"queued {'counted down' if queued in (5, 6, 7) else queued}, retained {retained}, after 13 s {interval(last, 2)}")
PY
HIVEMQ_HOME=$work/home background hivemq java -Xmx512m -cp "$work/lib/*" "$work/Broker.java" "$work/home"
for _ in 1 2 3 4 5 6; do wait_for_port "$port" 2>/dev/null && break; done
seen "published with 10 s, read after 3 s" "queued counted down, retained 10, after 13 s none" "$(PYTHONPATH=$PWD/support timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
