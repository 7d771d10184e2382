// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// usedControllers are those that have knobs here. Others are left alone.
var usedControllers = []string{"cpu", "cpuset", "io", "memory", "pids"}

// probeName begins the names of the cgroups of ProbeFiles.
const probeName = "schedfleet-probe-"

// ProbeFiles returns the interface files of a temporary cgroup below parent that
// has every controller there is to be had, and leaves everything as it was. A
// controller that cannot be enabled on the way is not to be had.
//
// It also removes what a killed process left of its own.
func ProbeFiles(parent string) (map[string]bool, error) {
	files, err := probeFiles(filepath.Join(parent, fmt.Sprint(probeName, os.Getpid())))
	if err == nil {
		err = putBack(context.Background(), parent, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("looking at what a cgroup below %s has: %w", parent, err)
	}
	return files, nil
}

// probeFiles lists the files of a child of root: that root hands its controllers
// on keeps those who remove other cgroups from disabling them meanwhile.
func probeFiles(root string) (_ map[string]bool, err error) {
	above, err := ancestors(root)
	if err != nil {
		return nil, err
	}
	unlock, err := lock(context.Background(), above[0])
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := removeProbes(filepath.Dir(root)); err != nil {
		return nil, err
	}
	t := &Tree{root: &Dir{path: root}, unrecorded: map[string][]string{}}
	defer func() { err = errors.Join(err, t.takeBack()) }()

	has, err := above[0].names(controllersFile)
	if err != nil {
		return nil, err
	}
	for _, d := range append(above, t.root) {
		if err := t.mkdir(d); err != nil {
			return nil, err
		}
		for _, c := range usedControllers {
			if !slices.Contains(has, c) {
				continue
			}
			// What cannot be enabled here is missing below, which is the answer.
			_ = t.enable(d, []string{c}, d != t.root)
		}
	}
	child := &Dir{path: filepath.Join(root, "child")}
	if err := t.mkdir(child); err != nil {
		return nil, err
	}
	entries, err := bounded("listing", child.path, func() ([]os.DirEntry, error) { return os.ReadDir(child.path) })
	if err != nil {
		return nil, err
	}
	files := make(map[string]bool, len(entries))
	for _, e := range entries {
		files[e.Name()] = true
	}
	return files, nil
}

// removeProbes removes the cgroups of earlier probes, whose processes were killed:
// who probes has the lock.
func removeProbes(parent string) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	children, err := (&Dir{path: parent}).children()
	if err != nil {
		return err
	}
	for _, d := range children {
		if !strings.HasPrefix(filepath.Base(d.path), probeName) {
			continue
		}
		if err := d.removeOnly(ctx); err != nil {
			return err
		}
	}
	return nil
}
