#!/usr/bin/env bash
# amqtt 0.12.1 refuses a CONNECT of MQTT 5 by return code 1 only if it has no property: otherwise it does not answer.
#
# Expected: a server that does not know the protocol level answers CONNACK with return code 1 and closes (MQTT 3.1.1, section 3.1.2.2). A client that
# prefers MQTT 5 then falls back. The level precedes all fields that differ between the versions.
# Seen: level 5 without properties gets return code 1. With one property (a Session Expiry Interval, as any client with a session sends) there is no answer
# within 15 s, although a client of 3.1.1 is served meanwhile. The broker parses the rest by the rules of 3.1.1 first. What to do: also fall back after a timeout.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages amqtt==0.12.1
cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, connect
port = int(sys.argv[1])

def answer(level, properties=b"", seconds=10):
    peer = Peer.to(port)
    peer.send(connect(f"device{level}{len(properties)}", level, True, properties))
    return peer, peer.receive(seconds)

bare = answer(5)[1]
waiting, silent = answer(5, b"\x11\0\0\0\x3c", 15)
served = answer(4)[1]
told = lambda got: "no answer" if got is None else f"return code {got[1][1]}"
print(f"level 5: {told(bare)}; with a property: {told(silent)}; level 4: {told(served)}")
PY
port=$(free_port)
cat >"$work/amqtt.yaml" <<YAML
listeners:
  default: {type: tcp, bind: "127.0.0.1:$port"}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}
YAML
background amqtt "$work/venv/bin/amqtt" -c "$work/amqtt.yaml"
wait_for_port "$port"
seen "CONNECT" "level 5: return code 1; with a property: no answer; level 4: return code 0" "$(PYTHONPATH=$PWD/support timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
