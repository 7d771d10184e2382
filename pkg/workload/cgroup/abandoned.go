// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// abandonedAge is how old a cgroup has to be to count as abandoned: the process that
// makes one holds it a moment later.
const abandonedAge = 10 * time.Second

// hold locks the root, so that others see that its process lives: the lock ends
// with it. A root that another process holds is another run's.
func (t *Tree) hold() error {
	f, err := open(t.root.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return fmt.Errorf("another process uses the cgroup: %w", &os.PathError{Op: "flock", Path: t.root.path, Err: err})
	}
	t.held = f
	return nil
}

func (t *Tree) letGo() {
	if t.held != nil {
		_ = t.held.Close()
		t.held = nil
	}
}

// RemoveAbandoned removes the trees directly below parent whose name begins with
// the prefix and whose process is gone, with all that they changed above. It
// returns those it removed.
func RemoveAbandoned(ctx context.Context, parent, prefix string) (removed []string, err error) {
	children, err := (&Dir{path: parent}).children()
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, child := range children {
		if !strings.HasPrefix(filepath.Base(child.path), prefix) || !child.abandoned() {
			continue
		}
		if err := child.Remove(ctx); err != nil {
			failed = append(failed, err)
			continue
		}
		removed = append(removed, child.path)
	}
	return removed, errors.Join(failed...)
}

// abandoned says whether nobody holds a cgroup that is not just being made. One
// that is not ours to look at is somebody's.
func (d *Dir) abandoned() bool {
	info, err := os.Stat(d.path)
	if err != nil || time.Since(info.ModTime()) < abandonedAge {
		return false
	}
	f, err := open(d.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // and with it the lock
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
