# For the findings about Telegraf; prelude.bash is sourced before.

# Builds Telegraf with only the named plugins, as $work/telegraf. Needs Go 1.26, and the first time some minutes of two cores.
telegraf_program() { # VERSION PLUGIN...
  local version=$1 tags=custom plugin go
  shift
  for plugin in "$@"; do tags+=,$plugin; done
  go=$(PATH="$PATH:/usr/local/go/bin" command -v go) || { echo "Go 1.26 is needed" >&2; return 2; }
  GOBIN=$work GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0 "$go" install -ldflags '-s -w' -tags "$tags" "github.com/influxdata/telegraf/cmd/telegraf@v$version"
}

# The first part of a configuration, to which the script adds: the broker at this port, each message acknowledged when it is written.
telegraf_configuration() { # PORT
  cat <<TOML
[agent]
  interval = "1s"
  flush_interval = "1s"
  omit_hostname = true
  skip_processors_after_aggregators = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:$1"]
  topics = ["t"]
  topic_tag = ""
  qos = 1
  client_id = "telegraf"
  persistent_session = true
TOML
}

# Runs Telegraf on $work/NAME.conf against a server, from when that writes its first line until it ends; its output is in $work/NAME.result, Telegraf's log in $work/NAME.log.
telegraf_against() { # NAME SERVER...
  local name=$1 server
  shift
  PYTHONPATH=$PWD/support timeout 110 "$@" >"$work/$name.result" &
  server=$!
  started+=("$server")
  wait_for_output "$work/$name.result"
  background "$name" "$work/telegraf" --config "$work/$name.conf"
  wait "$server" || cat "$work/$name.log" >&2
  kill "${started[-1]}" 2>/dev/null || true
  wait "${started[-1]}" || true
}
