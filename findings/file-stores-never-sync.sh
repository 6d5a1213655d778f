#!/usr/bin/env bash
# The file stores of Paho C 1.3.12 and paho.mqtt.golang 1.5.1, and the file queue of autopaho (paho.golang 0.23.0), never sync: a power cut takes messages that are "stored". Paho Java 1.2.5 syncs each
# one.
#
# Expected: a message of QoS 1 or 2 is on the disk (fsync or the like) before the call that stores it returns. That is what these stores are for: Paho C's documentation says that messages are saved in
# persistent storage to meet the assurances of delivery, and that of autopaho recommends a queue on disk where the power supply is unreliable.
# Seen: five messages are published to a server that acknowledges none, or (the queue) without a server. Each is in a file of its own, and there is none of the system calls that would bring it to the
# disk, with all three. Paho Java makes one fsync a message, and so does autopaho's session store, which a message reaches when it is sent. Linux writes files back up to half a minute later if nobody
# asks it to: a device whose power is cut loses what it has published since, and cannot know. QoS 1 messages that are acknowledged within that time are safe all the same: it is about outages.
# What to do: keep each reading in a record of your own, synced before `publish`, until it is acknowledged.
# Needs Go 1.26, a JDK of 17 or later, Maven, a C compiler, strace, and Paho C 1.3.12 (Debian bookworm: libpaho-mqtt-dev).
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

command -v strace >"$work/strace" || { echo "strace is needed" >&2; exit 2; }
[[ $(dpkg-query -W -f '${Version}' libpaho-mqtt-dev 2>/dev/null) == 1.3.12-* ]] || { echo "Debian bookworm's package libpaho-mqtt-dev is needed" >&2; exit 2; }

mkdir "$work/c"
cat >"$work/c/client.c" <<'C'
#include <MQTTClient.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **words) {
  char address[64], message[2] = "m";
  MQTTClient client;
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  MQTTClient_deliveryToken token;
  if (count < 3) return 1;
  snprintf(address, sizeof address, "tcp://127.0.0.1:%s", words[1]);
  if (MQTTClient_create(&client, address, "c", MQTTCLIENT_PERSISTENCE_DEFAULT, words[2])) return 1;
  options.cleansession = 0;
  options.reliable = 0;
  if (MQTTClient_connect(client, &options)) return 1;
  for (int n = 0; n < 5; n++)
    if (MQTTClient_publish(client, "t", 1, message, 1, 0, &token)) return 1;
  sleep(2);
  _exit(0);
}
C
gcc -o "$work/c/client" "$work/c/client.c" -lpaho-mqtt3c

maven_packages "$work/java" org.eclipse.paho:org.eclipse.paho.client.mqttv3:1.2.5
cat >"$work/java/Client.java" <<'JAVA'
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.persist.MqttDefaultFilePersistence;

public class Client {
  public static void main(String[] words) throws Exception {
    MqttAsyncClient client = new MqttAsyncClient("tcp://127.0.0.1:" + words[0], "c", new MqttDefaultFilePersistence(words[1]));
    MqttConnectOptions options = new MqttConnectOptions();
    options.setCleanSession(false);
    client.connect(options).waitForCompletion(10000);
    for (int n = 0; n < 5; n++) client.publish("t", "m".getBytes(), 1, false);
    Thread.sleep(2000);
    Runtime.getRuntime().halt(0);
  }
}
JAVA

. support/autopaho.bash
mv "$work/client" "$work/autopaho"
autopaho=$work/autopaho/client
mkdir "$work/client"
cat >"$work/client/main.go" <<'GO'
package main

import (
	"os"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	options := mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + os.Args[1]).SetClientID("c").SetCleanSession(false).SetStore(mqtt.NewFileStore(os.Args[2]))
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		panic(token.Error())
	}
	for n := 0; n < 5; n++ {
		client.Publish("t", 1, false, "m")
	}
	time.Sleep(2 * time.Second)
}
GO
go_client github.com/eclipse/paho.mqtt.golang@v1.5.1
golang=$work/client/client

cat >"$work/server.py" <<'PY'
"""Acknowledges nothing, until the client is gone."""
import socket, sys
from wire import Peer, packet
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
server.settimeout(60)
peer = Peer(server.accept()[0])
five = peer.receive()[1][6] == 5
peer.send(packet(0x20, b"\0\0\0" if five else b"\0\0"))
while peer.receive(30):
    pass
PY
SYNC=fsync,fdatasync,sync,syncfs,sync_file_range,msync
traced() { # NAME COMMAND...: files with a message, and calls that sync; O_SYNC and O_DSYNC count as well
  local name=$1
  shift
  timeout 60 strace -f -qq -s 512 -o "$work/$name.calls" -e "trace=$SYNC,openat" "$@" >"$work/$name.log" 2>&1 || true
  echo "$(find "$work/$name" -type f -name '*.msg*' | wc -l) files, $(grep -cE "(${SYNC//,/|})\(|O_D?SYNC" "$work/$name.calls" || true) syncs"
}
online() { # NAME COMMAND..., to which PORT and FOLDER are added
  local name=$1 port
  shift
  port=$(free_port)
  mkdir "$work/$name"
  PYTHONPATH=$PWD/support timeout 100 python3 "$work/server.py" "$port" >"$work/$name.ready" &
  wait_for_output "$work/$name.ready"
  traced "$name" "$@" "$port" "$work/$name"
  wait "$!" || true
}
seen "Paho C" "5 files, 0 syncs" "$(online paho-c "$work/c/client")"
seen "paho.mqtt.golang" "5 files, 0 syncs" "$(online paho-golang "$golang")"
seen "autopaho's queue, without a server" "5 files, 0 syncs" "$(traced queue timeout 3 "$autopaho" "$(free_port)" "$work/queue" 5 1ms)"
seen "Paho Java" "5 files, 5 syncs" "$(online paho-java java -cp "$work/java/lib/*" "$work/java/Client.java")"
exit "$differences"
