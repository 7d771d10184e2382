// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/utils/cpuset"
)

// Make makes a cgroup of the tree that was not made with it, or was removed since, and what leads to
// it, with the settings that it was defined with. After an error nothing is left of it.
func (t *Tree) Make(name string) error {
	n := t.node(name)
	switch {
	case n == nil:
		return t.noSuch(name)
	case n.live:
		return fmt.Errorf("making cgroup %q: it is there already", name)
	}
	var list []*node
	for _, m := range t.nodes { // parents before children
		if !m.live && (m == n || isBelow(name, m.name)) {
			m.settings = m.defined
			list = append(list, m)
		}
	}
	if err := t.buildNodes(list); err != nil {
		for _, m := range list {
			m.live = false
		}
		return errors.Join(fmt.Errorf("making cgroup %q: %w", name, err), t.takeBack())
	}
	t.undo = nil
	return nil
}

// RemoveOne removes a cgroup of the tree, with what is below it, before the tree is removed. What
// runs in it is killed.
func (t *Tree) RemoveOne(ctx context.Context, name string) error {
	n := t.node(name)
	if n == nil || name == "" {
		return t.noSuch(name)
	}
	if err := t.dir(n).removeOnly(ctx); err != nil {
		return err
	}
	for _, m := range t.nodes {
		if m == n || isBelow(m.name, name) {
			m.live = false
		}
	}
	return nil
}

// SetCPUs gives a cgroup other CPUs and memory nodes, empty to have those of its parent, and reads back
// what is in force.
func (t *Tree) SetCPUs(name string, cpus, mems cpuset.CPUSet) error {
	n, err := t.there(name)
	if err != nil {
		return err
	}
	changed := *n.settings
	changed.CPUs, changed.Mems = cpus, mems
	d, before := t.dir(n), n.settings
	for _, set := range []struct {
		file    string
		old, to cpuset.CPUSet
	}{{cpusFile, before.CPUs, cpus}, {memsFile, before.Mems, mems}} {
		if set.old.IsEmpty() && set.to.IsEmpty() {
			continue
		}
		if err := d.writeCPUs(set.file, set.to); err != nil {
			return n.say(err)
		}
	}
	n.settings = &changed
	if err := verifySets(d, n, t.takenFrom(n)); err != nil {
		return n.say(err)
	}
	return nil
}

// SwapCPUs exchanges the CPUs and memory nodes of two cgroups.
func (t *Tree) SwapCPUs(a, b string) error {
	na, err := t.there(a)
	if err != nil {
		return err
	}
	nb, err := t.there(b)
	if err != nil {
		return err
	}
	cpus, mems := na.settings.CPUs, na.settings.Mems
	if err := t.SetCPUs(a, nb.settings.CPUs, nb.settings.Mems); err != nil {
		return err
	}
	return t.SetCPUs(b, cpus, mems)
}

// Change changes settings of a cgroup but for its cpuset; what change does not set stays. It reads
// back what it wrote.
func (t *Tree) Change(name string, change Settings) error {
	n, err := t.there(name)
	if err != nil {
		return err
	}
	var files []string
	for _, k := range change.knobs() {
		files = append(files, k.file)
	}
	changed := n.settings.with(&change)
	d := t.dir(n)
	var written []knob
	for _, k := range changed.knobs() {
		if !slices.Contains(files, k.file) {
			continue
		}
		if err := d.write(k.file, k.value); err != nil {
			return n.say(d.explain(k.file, err))
		}
		written = append(written, k)
	}
	n.settings = changed
	for _, k := range written {
		if err := d.verifyText(k.file, k.value, k.holds); err != nil {
			return n.say(err)
		}
	}
	return nil
}

// with are the settings with those of a change over them.
func (s *Settings) with(change *Settings) *Settings {
	out := *s
	out.CPU = s.CPU.with(&change.CPU)
	for _, m := range []struct{ to, from **int64 }{
		{&out.Memory.Min, &change.Memory.Min},
		{&out.Memory.Low, &change.Memory.Low},
		{&out.Memory.High, &change.Memory.High},
		{&out.Memory.Max, &change.Memory.Max},
		{&out.Memory.SwapMax, &change.Memory.SwapMax},
		{&out.PidsMax, &change.PidsMax},
	} {
		if *m.from != nil {
			*m.to = *m.from
		}
	}
	if change.IO.Weight != nil {
		out.IO.Weight = change.IO.Weight
	}
	if change.IO.Limits != nil {
		out.IO.Limits = slices.Clone(change.IO.Limits)
		for _, l := range s.IO.Limits { // of devices that the change says nothing of
			if !slices.ContainsFunc(change.IO.Limits, func(c IOLimit) bool { return c.Device == l.Device }) {
				out.IO.Limits = append(out.IO.Limits, l)
			}
		}
	}
	return &out
}

func (s CPUSettings) with(change *CPUSettings) CPUSettings {
	if change.Weight != nil {
		s.Weight = change.Weight
	}
	s.Idle = s.Idle || change.Idle
	if change.Quota != 0 {
		s.Quota = change.Quota
	}
	if change.Period != 0 {
		s.Period = change.Period
	}
	if change.Burst != 0 {
		s.Burst = change.Burst
	}
	if change.UclampMinPercent != nil {
		s.UclampMinPercent = change.UclampMinPercent
	}
	if change.UclampMaxPercent != nil {
		s.UclampMaxPercent = change.UclampMaxPercent
	}
	return s
}

// SetOffline says which CPUs the run has taken offline by now: what is read back of a cgroup lacks them.
func (t *Tree) SetOffline(cpus cpuset.CPUSet) { t.offline = cpus }

// Live says whether a cgroup of the tree is there.
func (t *Tree) Live(name string) bool {
	n := t.node(name)
	return n != nil && n.live
}

// there is a cgroup that is there and was defined.
func (t *Tree) there(name string) (*node, error) {
	n := t.node(name)
	if n == nil || n.settings == nil {
		return nil, t.noSuch(name)
	}
	if !n.live {
		return nil, fmt.Errorf("cgroup %q is not there", name)
	}
	return n, nil
}

func (t *Tree) noSuch(name string) error {
	return fmt.Errorf("there is no cgroup %q below %s", name, t.root.path)
}

// CPUs are those in force in a cgroup of the tree, empty where the hierarchy has no cpuset.
func (t *Tree) CPUs(name string) (cpuset.CPUSet, error) {
	n := t.node(name)
	if n == nil {
		return cpuset.New(), t.noSuch(name)
	}
	return t.dir(n).inForce(effectiveCPUs)
}
