#!/usr/bin/env bash
# mosquitto 2.0.11 with max_inflight_messages 0: after an orderly restart it publishes QoS 2 messages again whose PUBREL it has sent.
#
# Expected: the sender of a QoS 2 message must not send its PUBLISH again once it has sent PUBREL; after a reconnect it sends PUBREL again (MQTT 3.1.1,
# section 4.3.3). The subscriber has handed the message on at PUBREL and forgotten its packet id, as that section has it, so that it cannot know that the
# PUBLISH is an old one. mosquitto.conf(5) says of max_inflight_messages: "Set to 0 for no maximum"; it does not say that less is promised then.
# Seen: the broker is stopped by SIGTERM, after it has sent PUBREL and before it has read the PUBCOMP. It saves the state with the messages
# (persistence true). Started again, with the default of 20 or with 60000 it sends PUBREL. With 0, and with 65535, which is read as 0, it sends
# PUBLISH, with DUP and the same packet id: each subscriber that was in this state gets the message twice, at QoS 2.
# 2.0.22 and 2.1.2, built from source, do the same: they read a saved message as one that waits to be sent, if the quota of messages in flight is 0.
# What to do: a large number instead of 0. Where it was 0: a subscriber that must not count twice compares numbers in the messages.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/subscriber.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, publish
part, port = sys.argv[1], int(sys.argv[2])
names = {3: "PUBLISH", 6: "PUBREL"}
subscriber = Peer.to(port)
subscriber.send(connect("subscriber", clean=False))
subscriber.receive()
if part == "before":
    subscriber.send(b"\x82\x06\0\1\0\1t\2")
    subscriber.receive()
    publisher = Peer.to(port)
    publisher.send(connect("publisher"), publish("t", b"21.5", 2, 1), acknowledge(0x62, 1))
    first, body = subscriber.receive()
    packet_id = int.from_bytes(body[3:5], "big")
    subscriber.send(acknowledge(0x50, packet_id))
    released, body = subscriber.receive()
    print(names[first >> 4], names[released >> 4], int.from_bytes(body, "big") == packet_id)
else:
    first, body = subscriber.receive()
    print(names[first >> 4] + (" with DUP" if first & 8 else ""))
PY
export PYTHONPATH=$PWD/support

restarted() { # MAXIMUM: prints what the subscriber gets before and after a restart between PUBREL and PUBCOMP
  local name port configuration
  name="maximum$1"
  port=$(free_port)
  mkdir "$work/$name"
  configuration=$(printf 'persistence true\npersistence_location %s/\nmax_inflight_messages %s' "$work/$name" "$1")
  mosquitto_2_0_11 "$name" "$port" <<<"$configuration"
  before=$(timeout 60 python3 "$work/subscriber.py" before "$port")
  kill "${started[-1]}"
  wait "${started[-1]}" || true
  mosquitto_2_0_11 "$name" "$port" <<<"$configuration"
  after=$(timeout 60 python3 "$work/subscriber.py" after "$port")
}

for maximum in 20 60000 0 65535; do
  restarted "$maximum"
  seen "max_inflight_messages $maximum, before the restart" "PUBLISH PUBREL True" "$before"
  expected="PUBREL"
  [[ $maximum != 0 && $maximum != 65535 ]] || expected="PUBLISH with DUP"
  seen "max_inflight_messages $maximum, after it" "$expected" "$after"
done
exit "$differences"
