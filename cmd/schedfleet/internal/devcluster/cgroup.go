// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
)

// cgroupRoots returns where the cgroup of the cluster in dir may be: at the top
// of the hierarchy, or in the cgroup of this process, which an ordinary user
// may have been given.
func cgroupRoots(dir string) ([]string, error) {
	mount, err := cgroup.Mount()
	if err != nil {
		return nil, err
	}
	id := fnv.New32a()
	_, _ = id.Write([]byte(dir)) // a hash takes everything
	name := fmt.Sprintf("schedfleet-dev-%08x", id.Sum32())

	roots := []string{filepath.Join(mount, name)}
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("finding the own cgroup: %w", err)
	}
	for line := range strings.Lines(string(self)) {
		if own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && own != "/" {
			roots = append(roots, filepath.Join(mount, own, name))
		}
	}
	return roots, nil
}

// chooseCgroupRoot returns the first place that can be written to.
func chooseCgroupRoot(dir string) (string, error) {
	roots, err := cgroupRoots(dir)
	if err != nil {
		return "", err
	}
	var tried []string
	for _, root := range roots {
		parent := filepath.Dir(root)
		if unix.Access(parent, unix.W_OK) == nil {
			return root, nil
		}
		tried = append(tried, parent)
	}
	return "", fmt.Errorf("agents make cgroups, and you may not write to %s: run this as root, "+
		"or in a cgroup that is yours, such as one of: systemd-run --user --scope -p Delegate=yes",
		strings.Join(tried, " or "))
}

// removeCgroups kills what runs in the cluster's cgroups and removes them.
func removeCgroups(ctx context.Context, roots ...string) error {
	var failed []error
	for _, root := range roots {
		if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := cgroup.Sweep(ctx, root); err != nil {
			failed = append(failed, err)
			continue
		}
		if err := unix.Rmdir(root); err != nil && !errors.Is(err, unix.ENOENT) {
			failed = append(failed, &fs.PathError{Op: "rmdir", Path: root, Err: err})
		}
	}
	return errors.Join(failed...)
}
