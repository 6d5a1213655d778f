#!/usr/bin/env bash
# mosquitto_sub 2.0.11 with -C, and paho-mqtt 2.2.0's `subscribe.simple`: one message is taken out of a session's queue, and at QoS 2 the others are lost.
#
# Expected: with a session that is kept (-c; clean_session=False, by whose documentation queued messages are retained when the client disconnects), six messages wait, and six calls that take one
# message each give all six. At QoS 2 a client acknowledges by PUBREC what it accepts, and delivers that (MQTT 3.1.1, section 4.3.3); what it has not accepted stays with the server.
# Seen: at QoS 2 both answer PUBREC for all that the server sends at once (mosquitto: 20), hand out the first one, and end. On the next connection the server sends PUBREL, and the new process, which
# does not know these messages, answers PUBCOMP. The calls give m1 and, depending on time, another one. The 2.1.2 of Debian sid does so, too (by hand). At QoS 1 nothing is lost, but paho's call never
# gets on: it disconnects before PUBACK, so that each one returns m1. With -V mqttv5 mosquitto_sub asks for one message at a time (Receive Maximum 1), and all six come.
# What to do: -V mqttv5; or QoS 1 with a program that stays connected and acknowledges what it has stored.
# Needs mosquitto 2.0.11 and its clients (Debian bookworm).
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

[[ $(mosquitto_sub --version) == "mosquitto_sub version 2.0.11 "* ]] || { echo "Debian bookworm's package mosquitto-clients is needed" >&2; exit 2; }
pip_packages paho-mqtt==2.2.0
cat >"$work/take.py" <<'PY'
import sys
from paho.mqtt import subscribe
taken = subscribe.simple("t", qos=int(sys.argv[2]), msg_count=1, hostname="127.0.0.1", port=int(sys.argv[1]), client_id="taker", clean_session=False)
print(taken.payload.decode())
PY
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null

paho() { timeout 4 "$work/venv/bin/python" "$work/take.py" "$port" "$1" 2>/dev/null; } # QOS
mosquitto_311() { timeout 4 mosquitto_sub -p "$port" -i taker -c -q "$1" -t t -C 1; } # QOS
mosquitto_5() { timeout 4 mosquitto_sub -p "$port" -V mqttv5 -x 3600 -i taker -c -q "$1" -t t -C 1; } # QOS
six_times() { # PROGRAM QOS: what six runs give, when six messages wait
  local message
  timeout 10 mosquitto_sub -p "$port" -i taker -q "$2" -t t -E # without -c: a new session
  timeout 10 mosquitto_sub -p "$port" -i taker -c -q "$2" -t t -E
  for message in m1 m2 m3 m4 m5 m6; do timeout 10 mosquitto_pub -p "$port" -q "$2" -t t -m "$message"; done
  for _ in 1 2 3 4 5 6; do "$1" "$2" || true; done | tr '\n' ' '
}
others_lost() { # PROGRAM: which messages come besides m1 depends on time
  local taken
  taken=$(six_times "$1" 2)
  echo "$1, QoS 2: $taken" >&2
  if [[ $taken == "m1 "* && $(wc -w <<<"$taken") -lt 6 ]]; then echo "m1 first, fewer than six"; else echo "$taken"; fi
}
seen "paho, QoS 2" "m1 first, fewer than six" "$(others_lost paho)"
seen "paho, QoS 1" "m1 m1 m1 m1 m1 m1 " "$(six_times paho 1)"
seen "mosquitto_sub, QoS 2" "m1 first, fewer than six" "$(others_lost mosquitto_311)"
seen "mosquitto_sub -V mqttv5, QoS 2" "m1 m2 m3 m4 m5 m6 " "$(six_times mosquitto_5 2)"
exit "$differences"
