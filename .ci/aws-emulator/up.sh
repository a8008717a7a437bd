#!/bin/bash
# up.sh PORT [CHROOT]   start moto's server on 127.0.0.1:PORT; idempotent per port.
# env: MOTO_AUTH_AFTER=N  enforce IAM after N unauthenticated actions (INITIAL_NO_AUTH_ACTION_COUNT; needs N>=1 to bootstrap users/roles)
#      MOTO_ACCOUNT=123456789012, MOTO_SSL=1 (https with an auto-generated certificate)
#      state (chroot, pid, log) is kept in ~/.cache/secrets-controller/aws-emulator
#      SUITE=mix (default: trixie with moto 5.2.x and boto pinned from sid) | trixie (moto 5.1.1) | sid
# First run builds the chroot (~0.3 GB, 35-140 s) with mmdebstrap; later runs start in under 1 s.
set -euo pipefail
here=${XDG_CACHE_HOME:-$HOME/.cache}/secrets-controller/aws-emulator; mkdir -p "$here"
port=${1:?usage: up.sh PORT}
suite=${SUITE:-mix}
[ -n "$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null)" ] || apt-get update -qq   # a new machine has no package lists yet
chroot=${2:-$here/chroot-$suite}
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1)}   # the mirror that apt uses already
run=$here/run; mkdir -p "$run"

if [ ! -x "$chroot/usr/bin/moto_server" ]; then
  command -v mmdebstrap >/dev/null || apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends mmdebstrap
  tmp=$chroot.partial.$$; rm -rf "$tmp"
  opts=(--variant=apt --aptopt='Acquire::Check-Valid-Until "false"'
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*'
    --include=python3-moto,python3-flask-cors,python3-docker,python3-yaml,python3-joserfc,python3-jsondiff,python3-jsonpath-ng,python3-pyparsing,python3-openapi-spec-validator)
  if [ "$suite" = mix ]; then
    # moto 5.1.1 (trixie) drops BatchGetSecretValue's Errors and lets a ClientRequestToken be reused with another value; 5.2.x does neither
    mmdebstrap "${opts[@]}" --setup-hook='mkdir -p "$1/etc/apt/preferences.d"; printf "Package: *\nPin: release n=sid\nPin-Priority: 100\n\nPackage: python3-moto python3-boto3 python3-botocore python3-s3transfer\nPin: release n=sid\nPin-Priority: 990\n" >"$1/etc/apt/preferences.d/moto"' \
      trixie "$tmp" "deb $mirror trixie main" "deb $mirror sid main" >&2 || { echo "mix failed, falling back to trixie alone" >&2; rm -rf "$tmp"; mmdebstrap "${opts[@]}" trixie "$tmp" "$mirror" >&2; }
  else
    mmdebstrap "${opts[@]}" "$suite" "$tmp" "$mirror" >&2
  fi
  mv "$tmp" "$chroot"
fi

pidf=$run/moto-$port.pid
if [ -f "$pidf" ] && kill -0 "$(cat "$pidf")" 2>/dev/null; then echo "already up: pid $(cat "$pidf")"; exit 0; fi
scheme=http; ssl=; [ -z "${MOTO_SSL:-}" ] || { scheme=https; ssl=-s; }
t0=$(date +%s%N)
# exec'd through chroot(8), so $! is the python process itself; setsid so that a caller's ^C or exit leaves it alone
setsid env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/tmp TMPDIR=/tmp PYTHONDONTWRITEBYTECODE=1 \
  AWS_ACCESS_KEY_ID=moto AWS_SECRET_ACCESS_KEY=moto AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true \
  ${MOTO_AUTH_AFTER:+INITIAL_NO_AUTH_ACTION_COUNT=$MOTO_AUTH_AFTER} \
  ${MOTO_ACCOUNT:+MOTO_ACCOUNT_ID=$MOTO_ACCOUNT} \
  chroot "$chroot" /usr/bin/moto_server -H 127.0.0.1 -p "$port" $ssl \
  >"$run/moto-$port.log" 2>&1 </dev/null &
pid=$!
echo $pid >"$pidf"
for i in $(seq 1 300); do
  if curl -sk -o /dev/null --max-time 2 "$scheme://127.0.0.1:$port/moto-api/data.json"; then
    echo "up: $scheme://127.0.0.1:$port pid $pid after $(( ($(date +%s%N)-t0)/1000000 )) ms"; exit 0
  fi
  kill -0 $pid 2>/dev/null || { echo "moto_server died:"; tail -20 "$run/moto-$port.log"; rm -f "$pidf"; exit 1; } >&2
  sleep 0.1
done
echo "moto_server did not answer in 30 s" >&2; kill $pid; rm -f "$pidf"; exit 1
