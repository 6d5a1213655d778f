# Used by every finding: a temporary folder, child processes that end with the script, free ports, a comparison.
# Sourced by the scripts beside this folder; they set the trap.
work=$(mktemp -d)
started=()
differences=0

clean_up() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}

# Runs a command in the background, output in $work/NAME.log; it is ended with the script, and after two minutes in any case.
background() { # NAME COMMAND...
  local name=$1
  shift
  timeout 120 "$@" >"$work/$name.log" 2>&1 &
  started+=($!)
}

free_port() { # [udp]
  python3 - "${1:-tcp}" <<'PY'
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM) as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])
PY
}

wait_for_port() { # PORT
  local _
  for _ in $(seq 1 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "nothing listens on port $1" >&2
  return 1
}

wait_for_output() { # FILE, which a program writes when it is ready
  local _
  for _ in $(seq 1 300); do
    [[ ! -s $1 ]] || return 0
    sleep 0.1
  done
  echo "nothing in ${1##*/}" >&2
  return 1
}

pip_packages() { # NAME==VERSION...
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}

npm_packages() { # NAME@VERSION...
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/npm" "$@"
}

# Builds $work/client/client from the main.go there.
go_client() { # PACKAGE@VERSION...
  local go
  go=$(PATH="$PATH:/usr/local/go/bin" command -v go) || { echo "Go 1.26 is needed" >&2; return 2; }
  (
    cd "$work/client"
    export GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0
    "$go" mod init client
    "$go" get "$@"
    "$go" build -o client .
  ) >"$work/go.log" 2>&1 || { tail -5 "$work/go.log" >&2; return 2; }
}

# Puts packages of Maven, and what they need, into FOLDER/lib.
maven_packages() { # FOLDER GROUP:ARTIFACT:VERSION...
  local folder=$1 package group artifact version
  shift
  mkdir -p "$folder"
  {
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version><dependencies>'
    for package in "$@"; do
      IFS=: read -r group artifact version <<<"$package"
      echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$folder/pom.xml"
  mvn -q -B -f "$folder/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$folder/lib" >"$work/mvn.log" 2>&1 || { tail -5 "$work/mvn.log" >&2; return 2; }
}

# A mosquitto on loopback, its further configuration from standard input (no pipe: a process started in a pipe would not be noted); its log is $work/NAME.log.
# Only the release that the findings are about.
mosquitto_2_0_11() { # NAME PORT
  local command
  command=$(PATH="$PATH:/usr/sbin" command -v mosquitto) || { echo "Debian bookworm's package mosquitto is needed" >&2; return 2; }
  [[ $("$command" -h | head -n 1) == "mosquitto version 2.0.11" ]] || { echo "this is about mosquitto 2.0.11" >&2; return 2; }
  { printf 'listener %s 127.0.0.1\nallow_anonymous true\nuser root\n' "$2"; cat; } >"$work/$1.conf"
  background "$1" "$command" -v -c "$work/$1.conf"
  wait_for_port "$2"
}

# Compares the present behaviour with the one seen when the finding was written.
seen() { # WHAT THEN NOW
  if [[ $2 == "$3" ]]; then
    printf 'as found: %s: %s\n' "$1" "$3"
  else
    printf 'CHANGED:  %s: was %s, is %s\n' "$1" "$2" "$3"
    differences=1
  fi
}
