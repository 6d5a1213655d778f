# autopaho of paho.golang 0.23.0 with its queue and its session in files: sets `client` to a program. Needs Go 1.26. Sourced behind prelude.bash.
# `client PORT FOLDER COUNT DELAY` gives m1, m2, ... at QoS 1 to the queue, with that time between, prints "queued", and stays connected; errors of the library go to standard error.
mkdir "$work/client"
cat >"$work/client/main.go" <<'GO'
package main

import (
	"context"
	"log"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	queue "github.com/eclipse/paho.golang/autopaho/queue/file"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	store "github.com/eclipse/paho.golang/paho/store/file"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	folder := os.Args[2]
	count := must(strconv.Atoi(os.Args[3]))
	delay := must(time.ParseDuration(os.Args[4]))
	errors := log.New(os.Stderr, "", 0)
	manager := must(autopaho.NewConnection(context.Background(), autopaho.ClientConfig{
		ServerUrls:            []*url.URL{must(url.Parse("mqtt://127.0.0.1:" + os.Args[1]))},
		Queue:                 must(queue.New(folder+"/queue", "q", ".msg")),
		SessionExpiryInterval: 3600,
		KeepAlive:             60,
		ReconnectBackoff:      func(int) time.Duration { return 300 * time.Millisecond },
		Errors:                errors,
		PahoErrors:            errors,
		ClientConfig: paho.ClientConfig{
			ClientID: "c",
			Session:  state.New(must(store.New(folder+"/session", "c", ".msg")), must(store.New(folder+"/session", "s", ".msg"))),
		},
	}))
	for n := 1; n <= count; n++ {
		message := &paho.Publish{QoS: 1, Topic: "t", Payload: []byte("m" + strconv.Itoa(n))}
		if err := manager.PublishViaQueue(context.Background(), &autopaho.QueuePublish{Publish: message}); err != nil {
			log.Fatal(err)
		}
		time.Sleep(delay)
	}
	os.Stdout.WriteString("queued\n")
	select {}
}
GO
go_client github.com/eclipse/paho.golang/autopaho@v0.23.0
client=$work/client/client
