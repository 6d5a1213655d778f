#!/usr/bin/env bash
# mosquitto 2.0.11 with `max_queued_messages 0` closes the connection at each message that its access rules forbid, at any QoS, in MQTT 3.1.1 and 5.
#
# Expected: 0 means no maximum (mosquitto.conf(5)), and changes nothing but the length of queues. A message that the rules forbid is dropped in 3.1.1 (acknowledged where
# it has QoS 1) and answered with 0x87 in 5 (MQTT 5, section 3.4.2.1); at QoS 0 it is dropped. The connection stays: so it is with any limit above 0.
# Seen: with 0, PUBACK (at QoS 1) is sent, and the connection is closed without a DISCONNECT; the log says "Bad socket read/write ... Unknown error". A device that may
# publish its readings, but not its retained status, never gets to the readings. What to do: a large number, `max_queued_messages 1000000`, instead of 0.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/forbidden.py" <<'PY'
import sys
from wire import Peer, connect, packet, publish
port = int(sys.argv[1])

def after(level, qos):
    peer = Peer.to(port)
    peer.send(connect(f"device{level}{qos}", level, True))
    peer.receive()
    peer.send(publish("forbidden", b"x", qos, 7, level))
    answer = f"PUBACK {peer.receive()[1][2:].hex() or '-'}, " if qos else ""
    peer.send(packet(0xC0))
    return answer + ("PINGRESP" if peer.receive() == (0xD0, b"") else "the end")

print("; ".join(f"level {level}, QoS {qos}: {after(level, qos)}" for level in (4, 5) for qos in (0, 1)))
PY
export PYTHONPATH=$PWD/support
echo 'topic write allowed' >"$work/rules"
chmod 755 "$work"
for limit in 1000000 0; do
  port=$(free_port)
  mosquitto_2_0_11 "limit$limit" "$port" <<<"acl_file $work/rules
max_queued_messages $limit"
  case $limit in
  0) then="level 4, QoS 0: the end; level 4, QoS 1: PUBACK -, the end; level 5, QoS 0: the end; level 5, QoS 1: PUBACK 87, the end" ;;
  *) then="level 4, QoS 0: PINGRESP; level 4, QoS 1: PUBACK -, PINGRESP; level 5, QoS 0: PINGRESP; level 5, QoS 1: PUBACK 87, PINGRESP" ;;
  esac
  seen "max_queued_messages $limit" "$then" "$(timeout 60 python3 "$work/forbidden.py" "$port")"
done
exit "$differences"
