#!/usr/bin/env bash
# Copyright 2026 The schedfleet Authors
# SPDX-License-Identifier: Apache-2.0
#
# verify.sh checks what a commit must satisfy besides its tests. Every check
# runs, whatever the others find. Nothing in the checkout is changed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=()

check() { # NAME COMMAND...
  local name=$1
  shift
  printf 'verify: %s\n' "$name"
  "$@" || { failed+=("$name"); printf 'verify: %s FAILED\n' "$name" >&2; }
}

# Generators write into a folder of their own, which is compared with the
# checkout: so this works with changes that are not committed yet.
generated() {
  local f status=0
  make -s generate manifests GEN_OUT="$tmp/gen" >"$tmp/log" 2>&1 || { cat "$tmp/log"; return 1; }
  while read -r f; do
    diff -u "$f" "$tmp/gen/$f" || status=1
  done < <(cd "$tmp/gen" && find . -type f)
  for f in config/crd/bases/*.yaml; do
    [[ -e $tmp/gen/$f ]] || { echo "$f is left over: no type generates it any more"; status=1; }
  done
  ((status == 0)) || echo "run: make generate manifests"
  return "$status"
}

# go.mod of the tools is called tools.mod, beside which Go would look for the
# packages of the whole checkout: it is checked in a folder of its own.
tidy_tools() {
  mkdir "$tmp/tools"
  cp hack/tools.mod "$tmp/tools/go.mod"
  cp hack/tools.sum "$tmp/tools/go.sum"
  go -C "$tmp/tools" mod tidy -diff
}

check "generated files are current" generated
check "go vet" go vet ./...
check "go vet of tests for guests" go vet -tags guest ./...
check "linters" make -s lint
check "layout, imports and license headers" go test ./hack/layout
check "go.mod is tidy" go mod tidy -diff
check "hack/controlplane/go.mod is tidy" go -C hack/controlplane mod tidy -diff
check "hack/s3server/gateway/go.mod is tidy" go -C hack/s3server/gateway mod tidy -diff
check "hack/tools.mod is tidy" tidy_tools

if ((${#failed[@]})); then
  printf 'verify: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "verify: all is well"
