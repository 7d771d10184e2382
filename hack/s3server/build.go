// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package s3server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/schedfleet/schedfleet/hack/internal/cache"
	"github.com/schedfleet/schedfleet/hack/internal/command"
)

// gateway is the program's package; hack/s3server/gateway pins its version.
const gateway = "github.com/versity/versitygw/cmd/versitygw"

// build returns the path of the server's binary. The first time it is built from Go
// modules, which takes a minute; ever after it is found in the cache.
func build(ctx context.Context) (string, error) {
	_, self, _, _ := runtime.Caller(0)
	module := filepath.Join(filepath.Dir(self), "gateway")
	pins, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", fmt.Errorf("reading the versions of the S3 server: %w", err)
	}
	dir, err := cache.Dir("s3server")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pins)
	path := filepath.Join(dir, "versitygw-"+hex.EncodeToString(sum[:8])+"-"+runtime.GOARCH)
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if _, err := command.Output(ctx, module, "env", "CGO_ENABLED=0", "GOWORK=off", "GOOS=", "GOARCH=",
		"go", "build", "-trimpath", "-ldflags=-s -w", "-o", path+".new", gateway); err != nil {
		return "", fmt.Errorf("building the S3 server: %w", err)
	}
	return path, os.Rename(path+".new", path)
}

// lock waits for other builds. The lock goes with the process at the latest.
func lock(path string) (unlock func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
