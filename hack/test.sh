#!/usr/bin/env bash
# Copyright 2026 The schedfleet Authors
# SPDX-License-Identifier: Apache-2.0
#
# test.sh KIND...: runs the tests of each kind, one kind after the other, and
# ends with one summary. The kinds are
#   unit         what needs nothing but Go,
#   integration  packages whose tests import envtest: they get an API server,
#   guest        packages whose tests import hack/guest: they boot machines,
#   e2e          test/e2e: the binaries in bin/ driven through kubectl, on this
#                machine and on some that it boots.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'test: %s\n' "$*" >&2; }

packages() { # KIND: its packages, and whether each is a ginkgo suite
  go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... |
    awk -v kind="$1" '
      { is = /controller-runtime\/pkg\/envtest/ ? "integration" : "unit" }
      /\/hack\/guest( |$)/ { is = "guest" }
      $1 ~ /\/test\/e2e$/ { is = "e2e" }
      is == kind { print $1, /onsi\/ginkgo/ ? "suite" : "plain" }'
}

# A suite has to be verbose to say why it skipped a spec; the summary keeps
# the rest of what it says to itself.
gotest() { # KIND FLAG...
  local all plain suites status=0
  all=$(packages "$1") || return
  plain=$(awk '$2 == "plain" { print $1 }' <<<"$all")
  suites=$(awk '$2 == "suite" { print $1 }' <<<"$all")
  shift
  # shellcheck disable=SC2086 # one argument per package
  {
    [[ -z $plain ]] || go test -json "$@" $plain || status=1
    [[ -z $suites ]] || go test -json "$@" $suites -ginkgo.v || status=1
  }
  return "$status"
}

run() { # KIND
  case $1 in
  unit) gotest unit ;;
  integration)
    say "integration: suites on a real API server; about 4 minutes"
    gotest integration -count=1 -timeout 10m
    ;;
  guest)
    say "guest: emulated machines of several shapes; about 13 minutes"
    gotest guest -count=1 -timeout 20m
    ;;
  e2e)
    say "e2e: whole clusters on this machine, and guests in them; about 8 minutes"
    gotest e2e -count=1 -timeout 30m
    ;;
  *)
    say "unknown kind of test $1; there are unit, integration, guest and e2e"
    return 2
    ;;
  esac
}

if [[ " $* " =~ \ (integration|e2e)\  ]]; then
  KUBEBUILDER_ASSETS=$(hack/controlplane.sh | tail -n 1)
  export KUBEBUILDER_ASSETS
fi
export SCHEDFLEET_BIN=$PWD/bin # where test/e2e finds the binaries
export GINKGO_NO_COLOR=true    # testsummary reads what ginkgo prints

summary=$(mktemp -d)
trap 'rm -rf "$summary"' EXIT
go build -o "$summary/testsummary" ./hack/testsummary

# A kind that fails does not keep the next from running. Both ends of the pipe
# decide: go test, and the summary, which knows if nothing ran at all.
all() {
  local kind status=0
  for kind; do run "$kind" || status=1; done
  return "$status"
}
all "$@" | "$summary/testsummary"
