#!/usr/bin/env bash
# Copyright 2026 The schedfleet Authors
# SPDX-License-Identifier: Apache-2.0
#
# controlplane.sh prints the directory that holds kube-apiserver, etcd and
# kubectl. It builds them from the Go modules pinned in hack/controlplane the
# first time and finds them in the cache ever after. KUBEBUILDER_ASSETS, when
# set, is used as it is.
set -euo pipefail

say() { printf 'controlplane: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

binaries=(kube-apiserver etcd kubectl)

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  for b in "${binaries[@]}"; do
    [[ -x $KUBEBUILDER_ASSETS/$b ]] ||
      die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no executable $b; put it there, or unset the variable to have it built"
  done
  cd "$KUBEBUILDER_ASSETS" && pwd
  exit
fi

command -v go >/dev/null || die "go is not in PATH; install the Go version named in go.mod (https://go.dev/dl)"
cd "$(dirname "${BASH_SOURCE[0]}")/controlplane"

# The binaries run here, whatever the caller cross-compiles for.
GOOS=$(go env GOHOSTOS) GOARCH=$(go env GOHOSTARCH)
export GOOS GOARCH GOWORK=off CGO_ENABLED=0
pinned() { awk -v m="$1" '$1 == m && $2 ~ /^v/ { print $2 }' go.mod; }
kube=$(pinned k8s.io/kubernetes)
etcd=$(pinned go.etcd.io/etcd/server/v3)
# The dependencies the releases were resolved with decide what is built, too.
sum=$(sha256sum <go.sum | cut -c1-8)
base=${SCHEDFLEET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/schedfleet}/controlplane
out=$base/kubernetes-${kube#v}-etcd-${etcd#v}-$sum-$GOOS-$GOARCH

mkdir -p "$base"
exec 9>"$base/lock"
flock -n 9 || { say "waiting for another build of the control plane to end ($base/lock)"; flock 9; }

if [[ ! -d $out ]]; then
  rm -rf "$base"/building.* # left by a build that was killed; we hold the lock
  tmp=$(mktemp -d "$base/building.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT

  say "downloading the pinned Go modules; about 1 minute, once"
  go list -deps k8s.io/kubernetes/cmd/{kube-apiserver,kubectl} go.etcd.io/etcd/server/v3 >/dev/null

  # Left alone, a build from modules calls itself v0.0.0-master, which kubectl
  # cannot parse. client-go has a table of its own.
  IFS=. read -r major minor _ <<<"${kube#v}"
  flags="-s -w"
  for pkg in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $pkg.gitVersion=$kube -X $pkg.gitMajor=$major -X $pkg.gitMinor=$minor -X $pkg.gitTreeState=clean"
  done
  build() { # NAME PACKAGE VERSION TIME
    say "building $1 ${3#v} from source; about $4 on 2 cores, once"
    go build -trimpath -ldflags "$flags" -o "$tmp/$1" "$2"
  }
  build etcd go.etcd.io/etcd/server/v3 "$etcd" "30 seconds"
  build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$kube" "5 minutes"
  build kubectl k8s.io/kubernetes/cmd/kubectl "$kube" "20 seconds"

  chmod 755 "$tmp"
  mv "$tmp" "$out"
  say "the control plane's binaries are in $out"
fi
echo "$out"
