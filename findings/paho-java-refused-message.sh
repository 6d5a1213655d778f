#!/usr/bin/env bash
# Eclipse Paho's Java client for MQTT 5 (1.2.5): one refused QoS 2 message ends each connection, and all others in flight are reported as failed, although they are sent again; at QoS 1 a refusal is a success.
#
# Expected: PUBACK and PUBREC of 0x80 or more are about their packet only, without consequences for others (MQTT 5, section 4.13.2); the message is done, without PUBREL (section 4.3.3, statement 4.3.3-4), and the caller
# is told: onFailure, or an exception from waitForCompletion.
# Seen: m1 is answered by PUBREC 0x87 (not authorized), and m2, behind it, by PUBREC 0. The client closes the connection at the first of them, calls onFailure with 0x87 for both, connects again (automatic reconnect), and
# publishes both again with DUP, and so on: nothing at QoS 2 gets through any more, as long as the server refuses m1. The server has taken m2 each time, and never gets its PUBREL. A program that trusts onFailure
# and publishes m2 again has it twice once m1 is accepted. At QoS 1, onSuccess is called for the refused message, and the code is only in getReasonCodes.
# What to do: QoS 1, and look at getReasonCodes in onSuccess and behind waitForCompletion.
# Needs a JDK of 17 or later, and Maven.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

maven_packages "$work/paho" org.eclipse.paho:org.eclipse.paho.mqttv5.client:1.2.5
cat >"$work/paho/Publisher.java" <<'JAVA'
import org.eclipse.paho.mqttv5.client.*;
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence;
import org.eclipse.paho.mqttv5.common.MqttException;

public class Publisher {
  public static void main(String[] words) throws Exception {
    java.util.logging.LogManager.getLogManager().reset();
    MqttAsyncClient client = new MqttAsyncClient("tcp://127.0.0.1:" + words[0], "publisher", new MemoryPersistence());
    MqttConnectionOptions options = new MqttConnectionOptions();
    options.setCleanStart(false);
    options.setSessionExpiryInterval(3600L);
    options.setAutomaticReconnect(true);
    client.connect(options).waitForCompletion();
    for (String message : new String[] {"m1", "m2"}) {
      client.publish("t", message.getBytes(), Integer.parseInt(words[1]), false, null, new MqttActionListener() {
        public void onSuccess(IMqttToken token) {
          System.out.println(message + " success with " + token.getReasonCodes()[0]);
        }
        public void onFailure(IMqttToken token, Throwable error) {
          System.out.println(message + " failure with " + ((MqttException) error).getReasonCode());
        }
      });
    }
    Thread.currentThread().join();
  }
}
JAVA
cat >"$work/server.py" <<'PY'
"""Refuses m1, takes m2, on up to three connections; prints what comes."""
import socket, sys
from wire import Peer, packet
qos = int(sys.argv[2])
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
connections = []
while len(connections) < 3 and not (connections and connections[-1].endswith("open")):
    peer = Peer(server.accept()[0])
    if not peer.receive(20):  # the connection that asks whether somebody listens
        continue
    peer.send(packet(0x20, bytes([1 if connections else 0, 0, 0])))
    came, answers = [], b""
    while len(came) < 2 and (got := peer.receive(20)):
        came.append(got[1][-2:].decode() + (" DUP" if got[0] & 8 else ""))
        answers += packet(0x40 if qos == 1 else 0x50, got[1][3:5] + (b"\x87\0" if got[1].endswith(b"m1") else b""))
    peer.send(answers)
    came += ["more"] * (peer.receive(5) is not None)
    peer.socket.settimeout(1)
    try:
        connections.append(", ".join(came) + (", closed" if not peer.socket.recv(1) else ", ?"))
    except TimeoutError:
        connections.append(", ".join(came) + ", open")
print("; ".join(connections))
PY
publishes() { # QOS: what the server gets, and what the client reports
  local port server
  port=$(free_port)
  PYTHONPATH=$PWD/support timeout 100 python3 "$work/server.py" "$port" "$1" >"$work/came" &
  server=$!
  started+=("$server")
  wait_for_port "$port"
  background "client$1" java -Xmx256m -cp "$work/paho/lib/*" "$work/paho/Publisher.java" "$port" "$1"
  wait "$server"
  result="$(cat "$work/came"); reported: $(sort -u "$work/client$1.log" | paste -sd , | sed 's/,/, /g')"
}
publishes 2
seen "QoS 2" "m1, m2, closed; m1 DUP, m2 DUP, closed; m1 DUP, m2 DUP, closed; reported: m1 failure with 135, m2 failure with 135" "$result"
publishes 1
seen "QoS 1" "m1, m2, open; reported: m1 success with 135, m2 success with 0" "$result"
exit "$differences"
