#!/usr/bin/env bash
# Four clients and helpers match topic filters otherwise than a server: aiomqtt 2.5.1, paho-mqtt 2.2.0, mqtt-pattern 2.1.1 and mqtt-match 3.0.0.
#
# Expected: what a server delivers for a filter, the client's own matching of that filter accepts, and nothing else. A filter that begins with a wildcard does not match a topic that begins with "$"
# (MQTT 5, section 4.7.2, statement 4.7.2-1); "+" matches an empty level ("/+" and "+/+" match "/finance", section 4.7.1.3); $share/NAME/FILTER matches as FILTER does (section 4.8.2).
# Seen: aiomqtt's Topic.matches, mqtt-pattern and mqtt-match accept "$SYS/x" for "#", so a program that asks for both sees statistics of the server as data. mqtt-pattern does not match an
# empty level: "a/+" misses "a/". paho-mqtt's message_callback_add with a shared filter, as it was subscribed, is never called: the message goes to on_message. aiomqtt does know $share.
# What to do: test for "$" first; with paho-mqtt give message_callback_add the filter without $share/NAME/; no empty levels in topics.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages aiomqtt==2.5.1 paho-mqtt==2.2.0
npm_packages mqtt-pattern@2.1.1 mqtt-match@3.0.0
cat >"$work/matches.py" <<'PY'
import sys
import aiomqtt
import paho.mqtt.client as paho
names = {
    "aiomqtt": lambda wanted, topic: aiomqtt.Topic(topic).matches(wanted),
    "paho-mqtt": paho.topic_matches_sub,
}
CASES = [("#", "$SYS/x"), ("a/+", "a/"), ("$share/g/a", "a"), ("a/#", "a")]
print(*["yes" if names[sys.argv[1]](*case) else "no" for case in CASES])
PY
cat >"$work/npm/matches.cjs" <<'JS'
const matched = { "mqtt-pattern": require("mqtt-pattern").matches, "mqtt-match": require("mqtt-match") }[process.argv[2]];
const cases = [["#", "$SYS/x"], ["a/+", "a/"], ["a/#", "a"]];
console.log(cases.map((names) => ((matched.default ?? matched)(...names) ? "yes" : "no")).join(" "));
JS
matches() { timeout 60 "$work/venv/bin/python" "$work/matches.py" "$1"; }
seen "aiomqtt: # and \$SYS/x, a/+ and a/, \$share/g/a and a, a/# and a" "yes yes yes yes" "$(matches aiomqtt)"
seen "paho-mqtt" "no yes no yes" "$(matches paho-mqtt)"
seen "mqtt-pattern: # and \$SYS/x, a/+ and a/, a/# and a" "yes no yes" "$(timeout 60 node "$work/npm/matches.cjs" mqtt-pattern)"
seen "mqtt-match" "yes yes yes" "$(timeout 60 node "$work/npm/matches.cjs" mqtt-match)"
exit "$differences"
