// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// removeTimeout bounds the removal of the run's cgroups.
const removeTimeout = 10 * time.Second

// defaultLeaf is the cgroup of groups that name none. No manifest can name it.
const defaultLeaf = "@default"

// cgroups are the run's cgroup and those below it.
type cgroups struct {
	tree *cgroup.Tree // nil when there is no cgroup v2
	// names are those the manifest gives, and "" for that of groups which name none.
	names []string
	files map[string]*os.File
	// began is what each had used when the run began, or when it was made, gone what those used that
	// were removed, and made how often each was made after the others.
	began map[string]cgroup.Usage
	gone  map[string]report.Cgroup
	made  map[string]int
	// problem is the first thing that could not be read of them.
	problem error
}

// openCgroups makes them. maxMemory is what the run may use in all, nil for no limit.
func openCgroups(path string, run *spec.Resolved, maxMemory *int64) (*cgroups, error) {
	c := &cgroups{files: map[string]*os.File{}, began: map[string]cgroup.Usage{}, gone: map[string]report.Cgroup{}, made: map[string]int{}}
	if path == "" {
		if len(run.Cgroups) > 0 || len(leavesOf(run)) > 0 {
			return nil, errors.New("cgroups: there is no cgroup v2 here that can be written to")
		}
		if maxMemory != nil {
			return nil, errors.New("the node's maxMemory: there is no cgroup v2 here that can be written to, which would hold the run to it")
		}
		return c, nil
	}
	c.names = []string{""}
	definitions := []cgroup.Definition{{Name: defaultLeaf}}
	if maxMemory != nil { // above all that a manifest can name
		definitions = append(definitions, cgroup.Definition{Settings: cgroup.Settings{Memory: cgroup.MemorySettings{Max: maxMemory}}})
	}
	needs := needsOfOps(run)
	for i := range run.Cgroups {
		name := run.Cgroups[i].Name
		later := run.Script != nil && !slices.Contains(run.Script.Cgroups, name)
		c.names = append(c.names, name)
		definitions = append(definitions, cgroup.Definition{Name: name, Settings: settingsOf(&run.Cgroups[i]), Later: later, Needs: needs[name]})
	}
	for _, leaf := range leavesOf(run) {
		definitions = append(definitions, cgroup.Definition{Name: leaf})
	}
	var err error
	if c.tree, err = cgroup.NewTree(path, definitions); err != nil {
		return nil, err
	}
	for _, name := range slices.Concat(c.names, leavesOf(run)) {
		if err := c.open(name); err != nil {
			return nil, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

// open opens the directory of a cgroup, if it is there.
func (c *cgroups) open(name string) (err error) {
	if c.tree.Live(inTree(name)) {
		c.files[name], err = c.tree.Dir(inTree(name)).Open()
	}
	return err
}

// needsOfOps are the controllers that ops of a run need, by cgroup.
func needsOfOps(run *spec.Resolved) map[string][]string {
	needs := map[string][]string{}
	if run.Script == nil {
		return needs
	}
	for i := range run.Script.Steps {
		for _, op := range run.Script.Steps[i].Ops {
			switch {
			case op.SetCpuset != nil:
				needs[op.SetCpuset.Cgroup] = append(needs[op.SetCpuset.Cgroup], "cpuset")
			case op.ClearCpuset != nil:
				needs[op.ClearCpuset.Cgroup] = append(needs[op.ClearCpuset.Cgroup], "cpuset")
			case op.SwapCpusets != nil:
				needs[op.SwapCpusets.A] = append(needs[op.SwapCpusets.A], "cpuset")
				needs[op.SwapCpusets.B] = append(needs[op.SwapCpusets.B], "cpuset")
			case op.SetCgroup != nil:
				change := changeOf(op.SetCgroup)
				needs[op.SetCgroup.Cgroup] = append(needs[op.SetCgroup.Cgroup], change.Controllers()...)
			}
		}
	}
	return needs
}

// leavesOf are the cgroups that workers move between, which nobody declares.
func leavesOf(run *spec.Resolved) []string {
	var names []string
	for i := range run.Groups {
		for n := range run.Groups[i].Kind.Shape().Opens.Leaves {
			names = append(names, spawn.LeafName(run.Groups[i].Name, n))
		}
	}
	return names
}

// inTree is the name that a cgroup has in the tree.
func inTree(name string) string {
	if name == "" {
		return defaultLeaf
	}
	return name
}

// notes are what the report has to say of the cgroups.
func (c *cgroups) notes() []string {
	if c.tree == nil {
		return []string{"there is no cgroup v2 to write to: the workers ran in the cgroup of the runner"}
	}
	notes := c.tree.Notes()
	if c.problem != nil {
		notes = append(notes, c.problem.Error())
	}
	return notes
}

// kill is the last resort against workers: it cannot miss.
func (c *cgroups) kill() {
	if c.tree != nil {
		_ = c.tree.Root().Kill()
	}
}

// thaw lets everything of the run go on that somebody froze from outside: it would not follow a stop. What cannot be
// thawed is killed.
func (c *cgroups) thaw() {
	if c.tree == nil {
		return
	}
	for name := range c.files {
		if dir := c.tree.Dir(inTree(name)); dir != nil {
			_ = dir.ThawLater()
		}
	}
	_ = c.tree.Root().ThawLater()
}

func (c *cgroups) remove() error {
	for _, file := range c.files {
		if file != nil {
			_ = file.Close()
		}
	}
	if c.tree == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	return c.tree.Remove(ctx)
}

// cpu is the CPU time of the whole run until now, nil where nobody counts it.
func (c *cgroups) cpu() *time.Duration {
	if c.tree == nil {
		return nil
	}
	used, err := c.tree.Root().CPU()
	c.note(err)
	return used
}

// note keeps the first thing that could not be read for the report.
func (c *cgroups) note(err error) {
	if err != nil && c.problem == nil {
		c.problem = err
	}
}

// elapsed is the time between two readings of a counter, nil if one is absent.
func elapsed(before, after *time.Duration) *int64 {
	if before == nil || after == nil {
		return nil
	}
	return new((*after - *before).Nanoseconds())
}

// difference is what a counter grew by between two readings, nil if one is absent.
func difference(before, after *uint64) *uint64 {
	if before == nil || after == nil {
		return nil
	}
	return new(*after - *before)
}
