#!/usr/bin/env bash
# paho-mqtt 2.2.0 (Python) with MQTT 5 reports "Success" for a QoS 2 message that the broker has refused.
#
# Expected: PUBREC with a reason code of 0x80 or more ends the exchange: the sender does not send PUBREL and treats the message as refused (MQTT 5,
# section 4.3.3 and 3.5.2.1). `on_publish` has a reason code for that purpose, and gives 0x87 for the same message at QoS 1.
# Seen: mosquitto 2.0.11, whose access list forbids writing to the topic, answers PUBREC 0x87 (not authorized). paho sends PUBREL all the same; mosquitto answers
# PUBCOMP 0x00, as it does for every id, and `on_publish` gets that one: Success. What to do: publish at QoS 1 if refusals must be noticed.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages paho-mqtt==2.2.0
cat >"$work/publish.py" <<'PY'
import sys, threading
import paho.mqtt.client as mqtt
port, qos = int(sys.argv[1]), int(sys.argv[2])
done = threading.Event()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "device", protocol=mqtt.MQTTv5)
client.on_connect = lambda *_: client.publish("refused", b"21.44", qos=qos)
client.on_publish = lambda client, data, packet_id, reason, properties: (print(reason), done.set())
client.connect("127.0.0.1", port)
client.loop_start()
done.wait(20)
client.disconnect()
client.loop_stop()
PY
port=$(free_port)
printf 'topic read #\n' >"$work/access"
mosquitto_2_0_11 broker "$port" <<<"acl_file $work/access"
seen "QoS 1: on_publish" "Not authorized" "$(timeout 40 "$work/venv/bin/python" "$work/publish.py" "$port" 1)"
seen "QoS 2: on_publish" "Success" "$(timeout 40 "$work/venv/bin/python" "$work/publish.py" "$port" 2)"
seen "QoS 2: what the broker answered and got" "PUBREC rc135, PUBREL 1" "$(grep -o 'PUBREC to device (m[0-9]*, rc[0-9]*' "$work/broker.log" | sed 's/.*rc/PUBREC rc/'), PUBREL $(grep -c 'Received PUBREL from device' "$work/broker.log")"
exit "$differences"
