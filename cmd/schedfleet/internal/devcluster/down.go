// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
)

const (
	// supervisorGrace is how long a supervisor that was asked to end may take:
	// children, API server and etcd, each with its own limit.
	supervisorGrace = childGrace + 2*planeStopTimeout + 5*time.Second
	// sweepTimeout bounds the end of processes that were killed, and the
	// removal of their cgroups.
	sweepTimeout = 10 * time.Second
	// downTimeout bounds it all.
	downTimeout = supervisorGrace + 2*sweepTimeout
)

// Down ends the cluster in dir and removes everything of it. It may be called
// again, and with nothing there.
func Down(ctx context.Context, dir string, progress io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("making %s absolute: %w", dir, err)
	}
	p := paths(dir)
	if _, err := os.Lstat(dir); err == nil {
		if err := p.check(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	if err := stopSupervisor(ctx, dir, progress); err != nil {
		return err
	}
	// A supervisor that has written no state yet is found by its mark.
	if err := sweep(ctx, dir); err != nil {
		return err
	}
	if _, err := os.Lstat(p.lock()); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(progress, "no cluster is up in %s\n", dir)
		return nil
	}
	lock, err := p.waitLock(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another call was quicker
	}
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	if err := removeLeftovers(ctx, dir); err != nil {
		return err
	}
	return removeDir(p)
}

// removeDir removes the lock, and the directory unless it holds files that are
// not the cluster's.
func removeDir(p paths) error {
	if err := os.Remove(p.lock()); err != nil {
		return fmt.Errorf("removing the cluster's lock: %w", err)
	}
	if err := os.Remove(string(p)); err != nil && !errors.Is(err, unix.ENOTEMPTY) {
		return fmt.Errorf("removing the cluster's directory: %w", err)
	}
	return nil
}

// stopSupervisor asks the supervisor to end, and kills it if it does not.
func stopSupervisor(ctx context.Context, dir string, progress io.Writer) error {
	s, err := ReadState(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !s.Supervisor.alive() {
		return nil // damaged or left over; what there is is found by its mark
	}
	fmt.Fprintf(progress, "stopping the cluster in %s\n", dir)
	if err := s.Supervisor.signal(unix.SIGTERM); err != nil {
		return err
	}
	grace, cancel := context.WithTimeout(ctx, supervisorGrace)
	defer cancel()
	if err := s.Supervisor.wait(grace); err != nil {
		fmt.Fprintf(progress, "the supervisor has not ended within %v: killing it\n", supervisorGrace)
		return s.Supervisor.signal(unix.SIGKILL)
	}
	return nil
}

// sweep kills every process of the cluster and removes its cgroups.
func sweep(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	if _, err := killMarked(ctx, dir); err != nil {
		return err
	}
	roots, err := cgroupRoots(dir)
	if errors.Is(err, cgroup.ErrNoCgroup2) {
		return nil
	}
	if err != nil {
		return err
	}
	// In another session, or as another user, the place was another one.
	if s, err := ReadState(dir); err == nil && filepath.Base(s.CgroupRoot) == filepath.Base(roots[0]) {
		roots = append(roots, s.CgroupRoot)
	}
	return removeCgroups(ctx, roots...)
}

// removeLeftovers removes what is there of a cluster whose supervisor has
// ended, but for the lock, which the caller holds.
func removeLeftovers(ctx context.Context, dir string) error {
	if err := sweep(ctx, dir); err != nil {
		return err
	}
	for _, name := range paths(dir).all() {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("removing the cluster's files: %w", err)
		}
	}
	return nil
}
