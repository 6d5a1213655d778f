#!/usr/bin/env bash
# Sets up a fresh Debian machine that has Node 20 for the tests: what is missing of the packages, then the npm packages.
# Nothing is installed twice; without root or sudo it says what is missing and how to get it.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # COMMAND PACKAGE: the package that brings the command
  PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null || missing+=("$2")
}
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need valgrind valgrind
need tshark tshark
need gcc gcc
need tmux tmux
need socat socat
need chromium chromium
# For the device's TLS engine.
[ -e /usr/include/mbedtls/ssl.h ] || missing+=(libmbedtls-dev)
# For the XS worker with the ESP32's word size: gcc's 32-bit half, libgcc included.
compgen -G "/usr/lib/gcc/x86_64-linux-gnu/*/32/libgcc.a" >/dev/null || missing+=(gcc-multilib)

if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    command -v sudo >/dev/null || { echo "setup: as root, run: apt-get install -y ${missing[*]}" >&2; exit 2; }
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

npm ci --no-audit --no-fund
