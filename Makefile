# Copyright 2026 The schedfleet Authors
# SPDX-License-Identifier: Apache-2.0

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Everything is pure Go: no C compiler is needed, and the binaries are static.
export CGO_ENABLED ?= 0

VERSION ?= $(shell git describe --tags --match 'v*' --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X github.com/schedfleet/schedfleet/cmd/internal/version.Version=$(VERSION)
TOOL := go tool -modfile=hack/tools.mod
GEN_OUT ?= .

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Build and try

.PHONY: build
build: bin/schedfleet bin/schedfleet-manager bin/schedfleet-agent bin/schedfleet-runner bin/schedfleet-sink ## Build the five static binaries into bin/

bin/schedfleet: MAIN := ./cmd/schedfleet
bin/schedfleet-manager: MAIN := ./cmd/manager
bin/schedfleet-agent: MAIN := ./cmd/agent
bin/schedfleet-runner: MAIN := ./cmd/runner
bin/schedfleet-sink: MAIN := ./cmd/sink
bin/schedfleet-bench: MAIN := ./hack/bench
bin/schedfleet-scale: MAIN := ./hack/scale

# Go knows what is out of date; make always asks it.
bin/%: FORCE
	go build -trimpath -buildvcs=false -ldflags "$(LDFLAGS)" -o $@ $(MAIN)

.PHONY: control-plane
control-plane: ## Build kube-apiserver, etcd and kubectl into the cache (once)
	@hack/controlplane.sh

.PHONY: demo
demo: build ## Run a workload on a two-node cluster on this machine (root)
	@assets=$$(hack/controlplane.sh | tail -n 1); exec bin/schedfleet dev demo --assets "$$assets"

##@ Test

.PHONY: test
test: build ## Run every test; whatever it needs is built first
	@hack/test.sh unit integration guest e2e

.PHONY: test-unit
test-unit: ## Run the tests that need nothing but Go
	@hack/test.sh unit

.PHONY: test-integration
test-integration: ## Run the controller suites on a real API server (envtest)
	@hack/test.sh integration

.PHONY: test-guest
test-guest: ## Run the tests that boot emulated machines with several NUMA nodes and caches
	@hack/test.sh guest

.PHONY: test-e2e
test-e2e: build ## Run the end-to-end suite on the real binaries
	@hack/test.sh e2e

.PHONY: bench
bench: bin/schedfleet-bench ## Run the benchmarks, and compare with C programs and cyclictest (10 minutes, root)
	go test -p 1 -run '^$$' -bench . -benchtime 200ms -benchmem ./...
	bin/schedfleet-bench

.PHONY: bench-report
bench-report: bin/schedfleet-bench ## Compare with C programs and cyclictest, and write docs/performance.md
	bin/schedfleet-bench -report docs/performance.md

.PHONY: bench-scale
bench-scale: bin/schedfleet-scale bin/schedfleet-manager ## Measure a fleet of 1,000 and of 5,000 hollow nodes (an hour)
	@assets=$$(hack/controlplane.sh | tail -n 1); for n in 1000 5000; do bin/schedfleet-scale -assets "$$assets" -nodes $$n -workloads 15000 $(SCALE); done

.PHONY: bench-scale-report
bench-scale-report: ## The same, and write docs/scale.md
	@$(MAKE) bench-scale SCALE="-report docs/scale.md $(SCALE)"

##@ Source

.PHONY: generate
generate: ## Write the deepcopy functions of api/
	$(TOOL) controller-gen object:headerFile=hack/boilerplate.go.txt paths=./api/... \
	  output:object:dir=$(GEN_OUT)/api/v1alpha1

.PHONY: manifests
manifests: ## Write the CRDs and the RBAC roles into config/
	$(TOOL) controller-gen crd paths=./api/... output:crd:dir=$(GEN_OUT)/config/crd/bases
	$(TOOL) controller-gen rbac:roleName=schedfleet-manager,fileName=manager_role.yaml \
	  paths=./controllers/... output:rbac:dir=$(GEN_OUT)/config/rbac
	$(TOOL) controller-gen rbac:roleName=schedfleet-agent,fileName=agent_role.yaml \
	  paths=./nodeagent/... output:rbac:dir=$(GEN_OUT)/config/rbac

.PHONY: fmt
fmt: ## Format the Go files
	$(TOOL) golangci-lint-kube-api-linter fmt

.PHONY: lint
lint: ## Run the linters
	$(TOOL) golangci-lint-kube-api-linter run

.PHONY: verify
verify: ## Check generated files, linters, go vet, modules and the layout rules
	@hack/verify.sh

.PHONY: clean
clean: ## Remove what build made; the caches outside the checkout stay
	rm -rf bin

.PHONY: FORCE
FORCE:
