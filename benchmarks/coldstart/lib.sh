# Sourced by run and sidecar: finds the JDKs, starts the stub, builds the floor program. Sets jdk17, jdk25, http_port, https, sts.
jdk() { # jdk RELEASE: its directory
  local variable=JAVA_HOME_$1 candidate
  for candidate in ${!variable:-} /usr/lib/jvm/*-"$1"-* /usr/lib/jvm/*-"$1"; do
    [ -x "$candidate/bin/jlink" ] && [ -x "$candidate/bin/javac" ] && { echo "$candidate"; return; }
  done
  echo "there is no JDK $1; set $variable to one" >&2
  return 1
}
jdk17=$(jdk 17)
jdk25=$(jdk 25)

start_stub() {
  rm -f "$work/stub.in" "$work/stub.ports"
  mkfifo "$work/stub.in"
  exec 3<>"$work/stub.in"
  "$jdk25/bin/java" -Xshare:auto "$root/secrets-fetcher/src/test/java/io/github/secretscontroller/fetcher/AwsStub.java" \
    "$work/stub.p12" <"$work/stub.in" >"$work/stub.ports" 3>&- &
  stub=$!
  trap 'kill "$stub" 2>/dev/null || true' EXIT
  for _ in $(seq 300); do
    [ ! -s "$work/stub.ports" ] || break
    kill -0 "$stub"
    sleep 0.1
  done
  read -r http_port https sts <"$work/stub.ports"
}

build_floor() { # The floor program, treated as the fetcher is: its own runtime, an archive made by a run.
  local made=$work/floor.partial
  rm -rf "$made"
  mkdir -p "$made/classes" "$work/volume"
  "$jdk25/bin/javac" -d "$made/classes" "$here/Floor.java"
  "$jdk25/bin/jar" --create --no-compress --file "$made/floor.jar" -C "$made/classes" .
  "$jdk25/bin/jlink" --add-modules java.base --output "$made/java" --compress zip-9 --strip-debug --no-header-files --no-man-pages
  (cd "$made" && env -i LC_ALL=C.UTF-8 AWS_ENDPOINT_URL="https://localhost:$https" SECRET_ARN=prod/db SECRETS_ROOT="$work/volume" \
    java/bin/java "@$work/25/java.flags" -XX:AOTCacheOutput=floor.aot -Djavax.net.ssl.trustStore="$work/trust.p12" \
    -cp floor.jar Floor >"$work/floor.log" 2>&1) || { cat "$work/floor.log" >&2; return 1; }
  mv "$made" "$work/floor"
}
