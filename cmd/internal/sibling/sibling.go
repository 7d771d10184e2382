// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package sibling finds the other binaries of schedfleet.
package sibling

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Runner is the name of the runner's binary.
const Runner = "schedfleet-runner"

// Find returns the path of a binary: beside this one, else in PATH.
func Find(name string) (string, error) {
	self, err := os.Executable()
	if err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, lookErr := exec.LookPath(name)
	if lookErr != nil {
		return "", fmt.Errorf("finding %s beside this binary or in PATH: %w", name, errors.Join(err, lookErr))
	}
	return path, nil
}
