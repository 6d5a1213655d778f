#!/usr/bin/env bash
# HiveMQ CE 2025.5 delivers a QoS 2 message twice if it is restarted between PUBLISH and PUBREL, although the publisher's session is kept.
#
# Expected: the packet id of a QoS 2 message that is not completely acknowledged is part of the session (MQTT 5, section 4.1), and until PUBREL the server answers the same PUBLISH by PUBREC again and
# delivers nothing more (section 4.3.3, statement 4.3.3-10). At Session Present 1 the publisher goes on with it: that is how QoS 2 delivers exactly once. mosquitto 2.0.11 with persistence does so over
# a restart.
# Seen: a publisher has sent a message with id 77, and does not get the PUBREC. It returns, and sends it again with DUP: the subscriber has it once. If the server is ended in an orderly way in between
# and started again, with its persistence in files (its default), CONNACK has Session Present 1, and the subscriber gets the message twice. The ids of messages under way to the server are in memory
# only, while sessions, subscriptions and waiting messages are kept. The same at 3.1.1 (tried by hand). With a restart of this server QoS 2 is QoS 1 with two more packets.
# What to do: a sequence number or the time of the reading in the payload, compared at the receiver.
# Needs a JDK of 17 or later, and Maven; also mosquitto 2.0.11 (Debian bookworm), for comparison.
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
    EmbeddedHiveMQ broker = EmbeddedHiveMQ.builder().withConfigurationFolder(folder).withDataFolder(folder.resolve("data"))
        .withExtensionsFolder(folder.resolve("extensions")).build();
    broker.start().join();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> broker.stop().join()));
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
import sys
from wire import Peer, acknowledge, connect, packet, publish, text
port, step = int(sys.argv[1]), sys.argv[2]

def connected(client, clean):
    peer = Peer.to(port)
    peer.send(connect(client, 5, clean, b"\x11\0\0\x0e\x10"))
    return peer, peer.receive(10)[1][0]

def leave(peer):
    peer.send(b"\xe0\0")
    peer.close()

def renewed(client):
    """A new session. The second CONNECT is because mosquitto 2.0.11 does not keep one whose last CONNECT had Clean Start 1 (mosquitto-clean-start-session.sh)."""
    leave(connected(client, True)[0])
    return connected(client, False)[0]

if step == "first":
    subscriber = renewed("subscriber")
    subscriber.send(packet(0x82, b"\0\1\0" + text("t") + b"\2"))
    subscriber.receive(10)
    leave(subscriber)
    publisher = renewed("publisher")
    publisher.send(publish("t", b"x", 2, 77, 5))
    publisher.receive(10)  # for this script only: the server has it
    publisher.close()
else:
    publisher, present = connected("publisher", False)
    publisher.send(publish("t", b"x", 2, 77, 5, True))
    publisher.receive(10)
    publisher.send(acknowledge(0x62, 77))
    publisher.receive(10)
    leave(publisher)
    subscriber, _ = connected("subscriber", False)
    count = 0
    while got := subscriber.receive(5):
        if got[0] >> 4 == 3:
            count += 1
            subscriber.send(acknowledge(0x50, int.from_bytes(got[1][3:5], "big")))
        elif got[0] >> 4 == 6:
            subscriber.send(acknowledge(0x70, int.from_bytes(got[1][:2], "big")))
    leave(subscriber)
    print(f"Session Present {present}, delivered {count}")
PY
start_hivemq() { # NAME
  local _
  background "$1" java -Xmx512m -cp "$work/lib/*" "$work/Broker.java" "$work/home"
  for _ in 1 2 3 4 5 6; do if wait_for_port "$port" 2>/dev/null; then return; fi; done
  cat "$work/$1.log" >&2
  return 2
}
start_other() { mosquitto_2_0_11 "$1" "$port" <<<"persistence true
persistence_location $work/"; }
end() { # in an orderly way
  kill "${started[-1]}"
  wait "${started[-1]}" || true
}
export PYTHONPATH=$PWD/support
for broker in hivemq other; do
  "start_$broker" "$broker.first"
  python3 "$work/ask.py" "$port" first
  python3 "$work/ask.py" "$port" second >"$work/$broker.reconnect"
  python3 "$work/ask.py" "$port" first
  sleep 2
  end
  "start_$broker" "$broker.second"
  python3 "$work/ask.py" "$port" second >"$work/$broker.restart"
  end
done
seen "HiveMQ, a new connection" "Session Present 1, delivered 1" "$(cat "$work/hivemq.reconnect")"
seen "HiveMQ, a restart" "Session Present 1, delivered 2" "$(cat "$work/hivemq.restart")"
seen "mosquitto, a new connection" "Session Present 1, delivered 1" "$(cat "$work/other.reconnect")"
seen "mosquitto, a restart" "Session Present 1, delivered 1" "$(cat "$work/other.restart")"
exit "$differences"
