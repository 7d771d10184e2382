// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// freezeTimeout bounds the wait for tasks to stop or to go on: each does at
	// its next return to user space.
	freezeTimeout = 10 * time.Second
	// A scheduler's cgroup callback may refuse a move for a moment.
	moveTries = 3
	moveRetry = 100 * time.Millisecond
)

// Freeze stops all tasks in d and below it, and waits until they have stopped.
// After an error they run.
func (d *Dir) Freeze(ctx context.Context) error {
	err := d.setFrozen(ctx, 1)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("freezing cgroup %s: %w", d.path, err)
	if thawErr := d.thaw(); thawErr != nil {
		return fmt.Errorf("%w; thawing it again: %w", err, thawErr)
	}
	return err
}

// Thaw lets the tasks go on that Freeze stopped, and waits until they do. They
// do not if a cgroup above d is frozen.
func (d *Dir) Thaw(ctx context.Context) error {
	if err := d.setFrozen(ctx, 0); err != nil {
		return fmt.Errorf("thawing cgroup %s: %w", d.path, err)
	}
	return nil
}

// ThawLater takes back the freeze of a cgroup below one that is frozen: its tasks go on with those.
func (d *Dir) ThawLater() error {
	if err := d.thaw(); err != nil {
		return fmt.Errorf("thawing cgroup %s: %w", d.path, err)
	}
	return nil
}

func (d *Dir) setFrozen(ctx context.Context, frozen uint64) error {
	ctx, cancel := context.WithTimeout(ctx, freezeTimeout)
	defer cancel()
	if err := d.write("cgroup.freeze", strconv.FormatUint(frozen, 10)); err != nil {
		return err
	}
	return d.waitEvent(ctx, "frozen", frozen)
}

// MoveProcess moves a process with all its threads into d. One that has ended
// needs no move.
func (d *Dir) MoveProcess(ctx context.Context, pid int) error {
	for try := 1; ; try++ {
		err := d.write("cgroup.procs", strconv.Itoa(pid))
		switch {
		case err == nil || errors.Is(err, unix.ESRCH):
			return nil
		case !errors.Is(err, unix.EBUSY) || try == moveTries:
			return fmt.Errorf("moving process %d into cgroup %s, try %d of %d: %w", pid, d.path, try, moveTries, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("moving process %d into cgroup %s: %w", pid, d.path, errors.Join(err, ctx.Err()))
		case <-time.After(moveRetry):
		}
	}
}

// MoveThread moves one thread into d, which is in the same threaded subtree as
// the rest of its process. One that has ended needs no move.
func (d *Dir) MoveThread(tid int) error {
	err := d.write("cgroup.threads", strconv.Itoa(tid))
	if err == nil || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return fmt.Errorf("moving thread %d into cgroup %s: %w", tid, d.path, err)
}
