// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// busyRetry is the pause before removing a directory again that the kernel
	// still counts as busy although its last process has ended.
	busyRetry = 10 * time.Millisecond
	// removeTimeout bounds a removal whose caller did not: what does not die of a
	// kill by then is stuck in the kernel.
	removeTimeout = 2 * time.Minute
	// shownPids bounds the process ids in an error.
	shownPids = 10
)

// Remove kills every process in d and below it, waits for their end and
// removes the directories. A missing cgroup is removed already. Then it puts
// back what schedfleet had changed above d, where nobody uses it any more.
func (d *Dir) Remove(ctx context.Context) error {
	if err := d.removeOnly(ctx); err != nil {
		return err
	}
	return putBack(ctx, filepath.Dir(d.path), nil)
}

func (d *Dir) removeOnly(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	if err := d.remove(ctx); err != nil {
		return fmt.Errorf("removing cgroup %s%s: %w", d.path, d.stillThere(), err)
	}
	return nil
}

func (d *Dir) remove(ctx context.Context) error {
	if err := checkBelow(d.path); err != nil {
		return err
	}
	tree, err := d.subtree()
	if err != nil {
		return err
	}
	for _, dir := range tree {
		if err := dir.thaw(); err != nil {
			return err
		}
	}
	if err := d.empty(ctx); err != nil {
		return err
	}
	for _, dir := range tree {
		if err := dir.rmdir(ctx); err != nil {
			return err
		}
	}
	return nil
}

// empty kills what is in d and below it and waits for its end. A threaded cgroup
// has no processes of its own to kill: it is empty already, or it cannot go.
func (d *Dir) empty(ctx context.Context) error {
	if kind, err := d.Type(); err == nil && kind == typeThreaded {
		live, err := d.Populated()
		if err == nil && live {
			err = errors.New("it is threaded and has threads: remove its domain, the next cgroup above that is not threaded")
		}
		return err
	}
	if err := d.Kill(); err != nil {
		return err
	}
	return d.WaitEmpty(ctx)
}

// RemoveAll is Remove for a path that no Dir is at hand for.
func RemoveAll(ctx context.Context, path string) error { return (&Dir{path: path}).Remove(ctx) }

// Sweep removes every cgroup below root, with its processes, and returns the
// topmost ones it removed. It goes on past one that cannot be removed. Then it
// puts back what schedfleet had changed in root and above it.
func Sweep(ctx context.Context, root string) (removed []string, err error) {
	if err := checkBelow(root); err != nil {
		return nil, fmt.Errorf("sweeping %s: %w", root, err)
	}
	children, err := (&Dir{path: root}).children()
	if err != nil {
		return nil, fmt.Errorf("sweeping %s: %w", root, err)
	}
	var failed []error
	for _, child := range children {
		if err := child.removeOnly(ctx); err != nil {
			failed = append(failed, err)
			continue
		}
		removed = append(removed, child.path)
	}
	return removed, errors.Join(append(failed, putBack(ctx, root, nil))...)
}

// subtree returns d and the cgroups below it, children before parents.
func (d *Dir) subtree() ([]*Dir, error) {
	children, err := d.children()
	if err != nil {
		return nil, err
	}
	var tree []*Dir
	for _, child := range children {
		below, err := child.subtree()
		if err != nil {
			return nil, err
		}
		tree = append(tree, below...)
	}
	return append(tree, d), nil
}

func (d *Dir) children() ([]*Dir, error) {
	entries, err := bounded("listing", d.path, func() ([]os.DirEntry, error) { return os.ReadDir(d.path) })
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var children []*Dir
	for _, e := range entries {
		if e.IsDir() {
			children = append(children, &Dir{path: filepath.Join(d.path, e.Name())})
		}
	}
	return children, nil
}

// thaw undoes cgroup.freeze. Kernels before 5.2 have no such file.
func (d *Dir) thaw() error {
	frozen, err := d.read("cgroup.freeze")
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if bytes.Equal(bytes.TrimSpace(frozen), []byte("0")) {
		return nil
	}
	if err := d.write("cgroup.freeze", "0"); !gone(err) {
		return err
	}
	return nil
}

// rmdir removes one empty directory. EBUSY is tried again until ctx ends: a
// process that has just ended may count for a moment longer.
func (d *Dir) rmdir(ctx context.Context) error {
	for {
		_, err := bounded("removing", d.path, func() (struct{}, error) { return struct{}{}, unix.Rmdir(d.path) })
		if err == nil || gone(err) {
			return nil
		}
		err = &os.PathError{Op: "rmdir", Path: d.path, Err: err}
		if !errors.Is(err, unix.EBUSY) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(busyRetry):
		}
	}
}

// stillThere names the processes left in d and below it, for an error.
func (d *Dir) stillThere() string {
	tree, err := d.subtree()
	if err != nil {
		return ""
	}
	var pids []int
	for _, dir := range tree {
		// A cgroup that just went, or a threaded one, cannot be listed: the error stands without it.
		own, err := Procs(dir.path)
		if err == nil {
			pids = append(pids, own...)
		}
	}
	switch {
	case len(pids) == 0:
		return ""
	case len(pids) > shownPids:
		return fmt.Sprintf(" (processes %v and %d more are in it)", pids[:shownPids], len(pids)-shownPids)
	default:
		return fmt.Sprintf(" (processes %v are in it)", pids)
	}
}
