#!/usr/bin/env bash
# mosquitto_pub 2.0.11 exits 0 when the server refuses the message.
#
# Expected: an exit status other than 0: by its manual it is 0 on success and something else on error, and with QoS 1 or 2 the program waits for the acknowledgement before it ends. In MQTT 5 that has
# a reason code of 0x80 or more when the server does not take the message (sections 3.4.2.1 and 3.5.2.1).
# Seen: a topic that the access rules forbid is answered with 0x87 (not authorized), at QoS 1 and 2. mosquitto_pub prints a warning that the message failed, and exits 0; with --quiet it prints
# nothing. The same with the 2.1.2 of Debian sid (tried by hand). Where no server listens, the status is 1. A script that deletes a reading after `mosquitto_pub ... &&` loses it.
# What to do: -V mqttv5 and QoS 1, and take anything on standard error as a failure. In 3.1.1 a refusal cannot be seen at all.
# Needs mosquitto 2.0.11 and its clients (Debian bookworm).
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

[[ $(mosquitto_pub --version) == "mosquitto_pub version 2.0.11 "* ]] || { echo "Debian bookworm's package mosquitto-clients is needed" >&2; exit 2; }
printf 'topic readwrite allowed\n' >"$work/rules"
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" <<<"acl_file $work/rules"
closed=$(free_port)

published() { # PORT TOPIC OPTION...: the exit status, and whether something was printed
  local status=0
  timeout 10 mosquitto_pub -p "$1" -V mqttv5 -t "$2" -m x "${@:3}" >"$work/printed" 2>&1 || status=$?
  if [[ -s $work/printed ]]; then echo "exit $status, printed something"; else echo "exit $status"; fi
}
for qos in 1 2; do
  seen "QoS $qos, allowed" "exit 0" "$(published "$port" allowed -q "$qos")"
  seen "QoS $qos, forbidden" "exit 0, printed something" "$(published "$port" forbidden -q "$qos")"
  seen "QoS $qos, forbidden, --quiet" "exit 0" "$(published "$port" forbidden -q "$qos" --quiet)"
done
acknowledged=$(grep -cE "Sending PUB(ACK|REC) to .* rc135\)" "$work/mosquitto.log" || true)
seen "acknowledgements with 0x87 in the server's log" 4 "$acknowledged"
seen "no server" "exit 1, printed something" "$(published "$closed" allowed -q 1)"
exit "$differences"
