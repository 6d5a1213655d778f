#!/usr/bin/env bash
# rumqttc 0.25.0 (Rust) sends a QoS 1 message again after a lost connection with DUP 0.
#
# Expected: DUP is 1 in each attempt to deliver a PUBLISH again (MQTT 3.1.1, section 3.3.1.1, statement 3.3.1-1), so that a receiver can tell a repetition from a new message with the
# same id, and a log can count possible doubles. paho.mqtt.golang 1.5.1 does so in the same situation.
# Seen: three messages are unacknowledged when the server drops the connection; on the next one (CleanSession 0, Session Present 1) they come with the same ids and DUP 0.
# What to do: recognise doubles by the payload (a sequence number), not by DUP.
# Needs Rust.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

mkdir -p "$work/client/src"
cat >"$work/client/Cargo.toml" <<'TOML'
[package]
name = "client"
version = "0.0.0"
edition = "2021"
[dependencies]
rumqttc = { version = "=0.25.0", default-features = false }
[profile.dev]
debug = false
TOML
cat >"$work/client/src/main.rs" <<'RUST'
use rumqttc::{Client, MqttOptions, QoS};
fn main() {
    let port = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut options = MqttOptions::new("device", "127.0.0.1", port);
    options.set_clean_session(false);
    let (client, mut connection) = Client::new(options, 10);
    for n in 0..3 {
        client.publish("t", QoS::AtLeastOnce, false, n.to_string()).unwrap();
    }
    // An error is a lost connection: going on with the iterator connects again. The script ends this program.
    for event in connection.iter() {
        if event.is_err() {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}
RUST
cat >"$work/server.py" <<'PY'
"""Three PUBLISH on a first connection that is dropped, three on a second; prints what came: id and DUP."""
import socket, sys
from wire import Peer, packet
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
for present in (0, 1):
    peer = Peer(server.accept()[0])
    while not peer.receive(20):  # the connection that asks whether somebody listens
        peer = Peer(server.accept()[0])
    peer.send(packet(0x20, bytes([present, 0])))
    came = []
    while len(came) < 3 and (got := peer.receive(30)):
        if got[0] >> 4 == 3:
            came.append(f"id {int.from_bytes(got[1][3:5], 'big')} DUP {got[0] >> 3 & 1}")
    print(", ".join(came), end="; " if present == 0 else "\n", flush=True)
    peer.close()
PY
(cd "$work/client" && CARGO_TARGET_DIR="$work/target" cargo build --quiet)
port=$(free_port)
PYTHONPATH=$PWD/support timeout 110 python3 "$work/server.py" "$port" >"$work/came" &
server=$!
started+=("$server")
wait_for_port "$port"
background client "$work/target/debug/client" "$port"
wait "$server"
seen "first connection; second" "id 1 DUP 0, id 2 DUP 0, id 3 DUP 0; id 1 DUP 0, id 2 DUP 0, id 3 DUP 0" "$(cat "$work/came")"
exit "$differences"
