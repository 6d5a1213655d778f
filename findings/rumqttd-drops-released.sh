#!/usr/bin/env bash
# rumqttd 0.20.0 loses a QoS 2 message whose PUBREL comes on a later connection than its PUBLISH, and closes each connection on which it comes.
#
# Expected: PUBREC means that the server has taken the message; its id belongs to the session, and at PUBREL, on whichever connection of the session, the server answers PUBCOMP (MQTT 3.1.1 and 5, sections 4.1, 4.3.3
# and 4.4). The publisher must not send the message again then. mosquitto 2.0.11 does so.
# Seen: a publisher has its PUBREC when the connection is lost. It is back with its session (Session Present 1), and sends PUBREL, as it must: the server closes the connection without an answer, as often as it is tried.
# No subscriber gets the message. The same at 3.1.1 and at 5; PUBREL on the same connection is answered, and the message is delivered.
# A client that keeps to the standard is caught in an endless loop of connections, and what is behind in its queue waits.
# What to do: publish at QoS 1 to this server.
# Needs Rust; also mosquitto 2.0.11 (Debian bookworm), for comparison.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

mkdir -p "$work/broker/src"
cat >"$work/broker/Cargo.toml" <<'TOML'
[package]
name = "broker"
version = "0.0.0"
edition = "2021"
[dependencies]
config = { version = "=0.15.27", default-features = false, features = ["toml"] }
rumqttd = { version = "=0.20.0", default-features = false }
[profile.dev]
debug = false
TOML
cat >"$work/broker/src/main.rs" <<'RUST'
fn main() {
    let file = config::File::with_name(&std::env::args().nth(1).unwrap());
    let settings = config::Config::builder().add_source(file).build().unwrap();
    rumqttd::Broker::new(settings.try_deserialize().unwrap()).start().unwrap();
}
RUST
(cd "$work/broker" && CARGO_TARGET_DIR="$work/target" cargo build --quiet)
cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, packet, publish, text
port, level = int(sys.argv[1]), int(sys.argv[2])
name = f"t{level}"

def connected(client, clean):
    peer = Peer.to(port)
    peer.send(connect(client, level, clean, b"\x11\0\0\x0e\x10"))
    return peer, peer.receive(10)[1][0]

def answer(peer):
    """The next packet, or the end of the connection."""
    if got := peer.receive(5):
        return f"{ {0x50: 'PUBREC', 0x70: 'PUBCOMP'}[got[0]]} {got[1][1]}"
    peer.socket.settimeout(1)
    try:
        return "closed" if peer.socket.recv(1) == b"" else "?"
    except TimeoutError:
        return "nothing"

subscriber, _ = connected(f"subscriber{level}", True)
subscriber.send(packet(0x82, b"\0\1" + (b"\0" if level == 5 else b"") + text(name) + b"\0"))
subscriber.receive(10)
peer, _ = connected(f"publisher{level}", False)
peer.send(publish(name, b"m6", 2, 6, level))
seen = [answer(peer)]
peer.send(acknowledge(0x62, 6))
seen.append(answer(peer))
peer.send(publish(name, b"m7", 2, 7, level))
seen.append(answer(peer))
for _ in range(3):
    peer.close()
    peer, present = connected(f"publisher{level}", False)
    peer.send(acknowledge(0x62, 7))
    seen.append(f"Session Present {present}, {answer(peer)}")
delivered = []
while got := subscriber.receive(3):
    delivered.append(got[1][-2:].decode())
print("; ".join(seen) + "; delivered " + " ".join(delivered))
PY
cat >"$work/settings.toml" <<TOML
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
TOML
declare -A ports
for level in 4 5; do
  ports[$level]=$(free_port)
  cat >>"$work/settings.toml" <<TOML
[v$level.1]
name = "level$level"
listen = "127.0.0.1:${ports[$level]}"
next_connection_delay_ms = 1
[v$level.1.connections]
connection_timeout_ms = 60000
max_payload_size = 20480
max_inflight_count = 100
TOML
done
export PYTHONPATH=$PWD/support
background rumqttd "$work/target/debug/broker" "$work/settings.toml"
what="PUBLISH 6, PUBREL 6, PUBLISH 7; PUBREL 7 on three more connections"
for level in 4 5; do
  wait_for_port "${ports[$level]}"
  closed="Session Present 1, closed"
  seen "rumqttd 0.20.0, level $level, $what" "PUBREC 6; PUBCOMP 6; PUBREC 7; $closed; $closed; $closed; delivered m6" "$(timeout 60 python3 "$work/ask.py" "${ports[$level]}" "$level")"
done
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
answered="Session Present 1, PUBCOMP 7"
seen "mosquitto 2.0.11, level 5, $what" "PUBREC 6; PUBCOMP 6; PUBREC 7; $answered; $answered; $answered; delivered m6 m7" "$(timeout 60 python3 "$work/ask.py" "$port" 5)"
exit "$differences"
