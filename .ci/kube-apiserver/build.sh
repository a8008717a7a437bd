#!/bin/bash
# build.sh [DEST]: from Debian's packages alone, make DEST/bin/{kube-apiserver,etcd,kubectl}, and print that folder's name (nothing
# else goes to standard output). DEST is ~/.cache/secrets-controller/kube-apiserver by default. 4 to 7 minutes on two cores, once; about
# 1.8 GB of work space meanwhile, 170 MB to keep. Does nothing where the binaries are there already.
# Source: Debian's kubernetes 1.20.2 source package (whole upstream tree with vendor/), built with Debian's go 1.19, with one local change:
# reflect2 1.0.2 (1.0.1 cannot walk maps under go >= 1.18).
set -euo pipefail
DEST=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/secrets-controller/kube-apiserver}; mkdir -p "$DEST"; DEST=$(cd "$DEST" && pwd)
[ -x "$DEST/bin/kube-apiserver" ] && [ -x "$DEST/bin/etcd" ] && [ -x "$DEST/bin/kubectl" ] && { echo "$DEST/bin"; exit 0; }
exec 3>&1 1>&2
W=$DEST/work; mkdir -p "$W" "$DEST/bin"; step() { printf '[%4ds] %s\n' $SECONDS "$*" >&2; }
SUDO=; [ "$(id -u)" = 0 ] || SUDO=sudo
SRCV=1.20.5+really1.20.2-1.1+deb12u1
[ -n "$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null)" ] || $SUDO apt-get update -qq   # a new machine has no package lists yet
step "host packages: go 1.19, dpkg-dev, patch, openssl, curl, jq (only those that are missing)"
$SUDO apt-get -o DPkg::Lock::Timeout=300 install -y --no-upgrade --no-install-recommends golang-1.19-go dpkg-dev patch openssl curl jq ca-certificates >"$W/apt.log" 2>&1
export PATH=/usr/lib/go-1.19/bin:$PATH
step "private apt configuration with deb-src (the host's /etc/apt stays as it is)"
A=$W/apt; mkdir -p "$A"/etc/apt/{sources.list.d,preferences.d,apt.conf.d,trusted.gpg.d} "$A"/var/lib/apt/lists/partial "$A"/var/cache/apt/archives/partial
: > "$W/empty-status"
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1)}   # the mirror that apt uses already
for t in deb deb-src; do echo "$t [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR bookworm main"; done > "$A/etc/apt/sources.list"
cat > "$A/apt.conf" <<C
Dir "$A";
Dir::State::status "$W/empty-status";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::Languages "none";
APT::Sandbox::User "root";
C
apt() { APT_CONFIG=$A/apt.conf apt-get "$@"; }
apt -qq update
cd "$W"
apt -qq --download-only source kubernetes=$SRCV          # sha256 checked against the signed Release
apt -qq download golang-github-modern-go-reflect2-dev etcd-server kubernetes-client
for p in golang-github-modern-go-reflect2-dev etcd-server kubernetes-client; do dpkg-deb -x $p*.deb x-$p; done
install -m755 x-etcd-server/usr/bin/etcd x-kubernetes-client/usr/bin/kubectl "$DEST/bin/"
step "unpack and patch"
export GOPATH=$W/gopath GOCACHE=$W/gocache GO111MODULE=off GOFLAGS= GOPROXY=off CGO_ENABLED=0
T=$GOPATH/src/k8s.io/kubernetes; mkdir -p "$GOPATH/src/k8s.io"; rm -rf "$T"
dpkg-source -x kubernetes_$SRCV.dsc "$T" >"$W/unpack.log" 2>&1
rm -rf "$T/vendor/github.com/modern-go/reflect2"
cp -r x-golang-github-modern-go-reflect2-dev/usr/share/gocode/src/github.com/modern-go/reflect2 "$T/vendor/github.com/modern-go/"
cd "$T"; VERSION=v1.20.2
step "generate pkg/generated/openapi (absent from the tarball)"
go build -p "$(nproc)" -o "$W/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
DIRS=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io | grep -v -E '/(code-generator|sample-apiserver)/|_test.go|/vendor/|pkg/generated|zz_generated' | xargs -n1 dirname | sed 's#^staging/src/#vendor/#' | LC_ALL=C sort -u)
"$W/openapi-gen" --logtostderr -i "$(echo "$DIRS" | sed 's#^#k8s.io/kubernetes/#' | paste -sd,)" -p k8s.io/kubernetes/pkg/generated/openapi \
  -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$W/violations" --output-base "$GOPATH/src"
diff "$W/violations" api/api-rules/violation_exceptions.list   # upstream's own check that nothing was missed
step "go build kube-apiserver"
L="-s -w"; for p in component-base/version client-go/pkg/version; do q=k8s.io/kubernetes/vendor/k8s.io/$p
  L="$L -X $q.gitMajor=1 -X $q.gitMinor=20 -X $q.gitVersion=$VERSION -X $q.gitTreeState=archive -X $q.buildDate=1970-01-01T00:00:00Z"; done
go build -p "$(nproc)" -trimpath -ldflags "$L" -o "$W/kube-apiserver" ./cmd/kube-apiserver
mv "$W/kube-apiserver" "$DEST/bin/"
step "done: $("$DEST/bin/kube-apiserver" --version), $("$DEST/bin/etcd" --version | head -1), $(du -sh "$W" | cut -f1) of build files in $W (may be deleted)"
rm -rf "$W"; echo "$DEST/bin" >&3
