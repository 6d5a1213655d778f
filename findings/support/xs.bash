# XS 13.3, as @agoric/xsnap 0.15.0 has it: sets `worker` to a program built from the sources in the package, which needs a C compiler and make.
# It takes scripts as netstrings on descriptor 3, and answers on 4. Sourced behind prelude.bash.
(cd "$work" && npm pack --silent @agoric/xsnap@0.15.0 >/dev/null && tar -xzf agoric-xsnap-0.15.0.tgz)
xsnap=$work/package/xsnap-native/xsnap
make -C "$xsnap/makefiles/lin" -f xsnap-worker.mk GOAL=release MODDABLE="$work/package/moddable" XSNAP_VERSION=0.15.0 >"$work/make.log" 2>&1 ||
  { tail -5 "$work/make.log" >&2; exit 2; }
worker=$xsnap/build/bin/lin/release/xsnap-worker
