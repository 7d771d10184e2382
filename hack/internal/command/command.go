// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package command runs the programs that the commands of hack/ are made with.
package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Output runs a program in a directory, in plain English, and returns its output; what it
// complained about is in the error.
func Output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
