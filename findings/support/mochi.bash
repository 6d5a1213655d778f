# mochi-mqtt 2.7.9, a broker as a Go library: sets `mochi` to a program with its defaults, everybody allowed, nothing stored. Needs Go 1.26. Sourced behind prelude.bash.
go=$(PATH="$PATH:/usr/local/go/bin" command -v go) || { echo "Go 1.26 is needed" >&2; exit 2; }
mkdir "$work/mochi"
cat >"$work/mochi/main.go" <<'GO'
package main

import (
	"os"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func orEnd(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	server := mqtt.New(nil)
	orEnd(server.AddHook(new(auth.AllowHook), nil))
	orEnd(server.AddListener(listeners.NewTCP(listeners.Config{ID: "t", Address: "127.0.0.1:" + os.Args[1]})))
	orEnd(server.Serve())
	select {}
}
GO
(
  cd "$work/mochi"
  export GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0
  "$go" mod init mochi
  "$go" get github.com/mochi-mqtt/server/v2@v2.7.9 github.com/mochi-mqtt/server/v2/hooks/auth@v2.7.9
  "$go" build -o mochi .
) >"$work/go.log" 2>&1 || { tail -5 "$work/go.log" >&2; exit 2; }
mochi=$work/mochi/mochi
