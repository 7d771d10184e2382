// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errLocked says that a cluster is up, or starting.
var errLocked = errors.New("the cluster's directory is locked by its supervisor")

// lockRetry is how often a lock that is held is tried again.
const lockRetry = 50 * time.Millisecond

// tryLock takes the lock of the cluster's directory. It is bound to the open
// file: the supervisor inherits it, and it is free once all who have it are
// gone, however they ended.
func (p paths) tryLock() (*os.File, error) {
	for {
		f, err := os.OpenFile(p.lock(), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking the cluster's directory: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			_ = f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, errLocked
			}
			return nil, fmt.Errorf("locking %s: %w", p.lock(), err)
		}
		// Down removes the file while it holds the lock: who waited for it has
		// a file that nobody else can find.
		held, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("locking the cluster's directory: %w", err)
		}
		if there, err := os.Stat(p.lock()); err == nil && os.SameFile(held, there) {
			return f, nil
		}
		_ = f.Close()
	}
}

// waitLock takes the lock as soon as it is free.
func (p paths) waitLock(ctx context.Context) (*os.File, error) {
	for {
		f, err := p.tryLock()
		if !errors.Is(err, errLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(lockRetry):
		}
	}
}
