# Sourced by what builds, checks and measures the image. Expects a scratch directory in $work.

jdk() { # jdk RELEASE: a JDK's directory
  local variable=JAVA_HOME_$1 candidate
  for candidate in ${!variable:-} /usr/lib/jvm/*-"$1"-* /usr/lib/jvm/*-"$1"; do
    [ -x "$candidate/bin/jlink" ] && [ -x "$candidate/bin/javac" ] && { echo "$candidate"; return; }
  done
  echo "there is no JDK $1; install one, for example Temurin's, and set $variable to its directory" >&2
  return 1
}

stub_source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../src/test/java/io/github/secretscontroller/fetcher" && pwd)/AwsStub.java
stub=

start_stub() { # start_stub KEYSTORE FLAG...: a stub of AWS; sets http, https and sts, its ports
  local keystore=$1
  shift
  rm -f "$work/stub.in" "$work/stub.ports"
  mkfifo "$work/stub.in"
  exec 3<>"$work/stub.in"
  "$(jdk 25)/bin/java" "$@" "$stub_source" "$keystore" <"$work/stub.in" >"$work/stub.ports" 3>&- &
  stub=$!
  for _ in $(seq 600); do
    [ ! -s "$work/stub.ports" ] || break
    kill -0 "$stub" 2>/dev/null || { echo "the stub didn't start" >&2; return 1; }
    sleep 0.1
  done
  read -r http https sts <"$work/stub.ports"
}

stop_stub() {
  [ -z "$stub" ] || { kill "$stub" && wait "$stub" || true; } 2>/dev/null
  stub=
}
