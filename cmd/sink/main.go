// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command sink is schedfleet-sink: it puts one report into an object store, or reads
// one. The agent and schedfleet start it; a person has no need to.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/schedfleet/schedfleet/cmd/internal/version"
	"github.com/schedfleet/schedfleet/pkg/sink/objectstore"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(version.String())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := objectstore.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
