#!/bin/bash
# down.sh [PORT]   stop the moto server(s) that up.sh started (by pid file)
here=${XDG_CACHE_HOME:-$HOME/.cache}/secrets-controller/aws-emulator
for f in "$here"/run/moto-${1:-*}.pid; do
  [ -f "$f" ] || continue
  pid=$(cat "$f")
  if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q moto_server; then
    kill "$pid"; for i in $(seq 1 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null
    echo "stopped $pid"
  fi
  rm -f "$f"
done
exit 0
