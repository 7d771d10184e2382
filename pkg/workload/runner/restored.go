// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

const (
	controlFile = "cgroup.subtree_control"
	// noControllers is what a cgroup hands on that hands on none, unreadable what one hands on that does not tell.
	noControllers = "none"
	unreadable    = "(unknown)"
)

// above are the cgroups above the run's, whose controllers a run may have to enable.
type above struct {
	dirs           []string
	before, during []string
}

// lookAbove reads what the cgroups above a path hand on, nil without a path. It comes before the run changes that.
func lookAbove(path string) *above {
	mount, err := cgroup.Mount()
	if path == "" || err != nil {
		return nil
	}
	a := &above{}
	for dir := filepath.Dir(path); strings.HasPrefix(dir, mount); dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			a.dirs = append([]string{dir}, a.dirs...)
		}
	}
	a.before = a.read()
	return a
}

// again reads it at the end of the run, before what the run enabled is disabled again.
func (a *above) again() {
	if a != nil {
		a.during = a.read()
	}
}

// restored is what the run had changed, read after it was put back. Another run that needs the same controllers
// keeps them enabled; then they are not as they were.
func (a *above) restored() (rows []report.Restored) {
	if a == nil {
		return nil
	}
	for i, after := range a.read() {
		if a.before[i] != a.during[i] {
			rows = append(rows, report.Restored{
				What: "controllers of " + a.dirs[i], Before: a.before[i], During: a.during[i], After: after,
				Verified: after == a.before[i] && after != unreadable,
			})
		}
	}
	return rows
}

func (a *above) read() []string {
	var all []string
	for _, dir := range a.dirs {
		text, err := os.ReadFile(filepath.Join(dir, controlFile))
		switch list := strings.TrimSpace(string(text)); {
		case err != nil:
			all = append(all, unreadable)
		case list == "":
			all = append(all, noControllers)
		default:
			all = append(all, list)
		}
	}
	return all
}
