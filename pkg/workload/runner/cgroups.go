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
	// problem is the first thing that could not be read of them.
	problem error
}

func openCgroups(path string, run *spec.Resolved) (*cgroups, error) {
	c := &cgroups{files: map[string]*os.File{}}
	if path == "" {
		if len(run.Cgroups) > 0 || len(leavesOf(run)) > 0 {
			return nil, errors.New("cgroups: there is no cgroup v2 here that can be written to")
		}
		return c, nil
	}
	c.names = []string{""}
	definitions := []cgroup.Definition{{Name: defaultLeaf}}
	for i := range run.Cgroups {
		c.names = append(c.names, run.Cgroups[i].Name)
		definitions = append(definitions, cgroup.Definition{Name: run.Cgroups[i].Name, Settings: settingsOf(&run.Cgroups[i])})
	}
	names := slices.Concat(c.names, leavesOf(run))
	for _, leaf := range leavesOf(run) {
		definitions = append(definitions, cgroup.Definition{Name: leaf})
	}
	var err error
	if c.tree, err = cgroup.NewTree(path, definitions); err != nil {
		return nil, err
	}
	for _, name := range names {
		if c.files[name], err = c.tree.Dir(inTree(name)).Open(); err != nil {
			return nil, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

// leavesOf are the cgroups that workers move between, which nobody declares.
func leavesOf(run *spec.Resolved) []string {
	var names []string
	for i := range run.Groups {
		for n := range run.Groups[i].Kind.Shape().Opens.Leaves {
			names = append(names, spawn.LeafName(i, n))
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

// usage is what each cgroup used until now. What cannot be read is absent, and the
// report says why.
func (c *cgroups) usage() []cgroup.Usage {
	var list []cgroup.Usage
	for _, name := range c.names {
		used, err := c.tree.Usage(inTree(name))
		c.note(err)
		list = append(list, used)
	}
	return list
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

// since reports what was in force in each cgroup, and what it used since a reading.
func (c *cgroups) since(before []cgroup.Usage) []report.Cgroup {
	var list []report.Cgroup
	after := c.usage()
	for i, name := range c.names {
		in, err := c.tree.Applied(inTree(name))
		c.note(err)
		b, a := &before[i], &after[i]
		row := report.Cgroup{
			Name: name, CPUs: in.CPUs.String(), Mems: in.Mems.String(), Type: in.Type, Partition: in.Partition, Files: in.Files,
			CPU: elapsed(b.CPU, a.CPU), Periods: difference(b.Periods, a.Periods), Throttled: difference(b.Throttled, a.Throttled),
			ThrottledTime: elapsed(b.ThrottledTime, a.ThrottledTime), MemoryPeak: a.MemoryPeak, PIDsPeak: a.PIDsPeak,
		}
		row.OOMKills = difference(b.OOMKills(), a.OOMKills())
		if a.CPUPressure != nil && b.CPUPressure != nil {
			row.CPUPressure = elapsed(b.CPUPressure.Some, a.CPUPressure.Some)
		}
		list = append(list, row)
	}
	return list
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
