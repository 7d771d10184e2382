// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command runner is schedfleet-runner: it runs one job with real workers on this
// machine. It is started by schedfleet run and by schedfleet-agent.
package main

import (
	"os"

	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

func main() { os.Exit(runner.Main(os.Args[1:])) }
