// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// used is what a cgroup had used at one moment, and which of those of its name it was.
type used struct {
	made int
	cgroup.Usage
}

// usage is what each cgroup that is there used until now. What cannot be read is absent,
// and the report says why.
func (c *cgroups) usage() map[string]used {
	list := map[string]used{}
	for _, name := range c.names {
		if c.tree.Live(inTree(name)) {
			list[name] = used{c.made[name], c.usageOf(name)}
		}
	}
	return list
}

func (c *cgroups) usageOf(name string) cgroup.Usage {
	u, err := c.tree.Usage(inTree(name))
	c.note(err)
	return u
}

// begin begins to count for the whole run.
func (c *cgroups) begin() {
	for name, u := range c.usage() {
		c.began[name] = u.Usage
	}
}

// between reports what is in force in each cgroup, and what it used between two readings. Those that
// were made or removed meanwhile are left out.
func (c *cgroups) between(before, after map[string]used) []report.Cgroup {
	var list []report.Cgroup
	for _, name := range c.names {
		b, was := before[name]
		if a, is := after[name]; was && is && a.made == b.made {
			list = append(list, c.row(name, &b.Usage, &a.Usage))
		}
	}
	return list
}

// whole reports on the whole run: also on cgroups that are no more.
func (c *cgroups) whole() []report.Cgroup {
	var list []report.Cgroup
	for _, name := range c.names {
		gone, was := c.gone[name]
		switch live := c.tree.Live(inTree(name)); {
		case live:
			list = append(list, c.total(name))
		case was:
			list = append(list, gone)
		}
	}
	return list
}

// total is what a cgroup used in the whole run until now.
func (c *cgroups) total(name string) report.Cgroup {
	began, now := c.began[name], c.usageOf(name)
	row := c.row(name, &began, &now)
	if earlier, was := c.gone[name]; was {
		add(&row, &earlier)
	}
	return row
}

// row is what is in force in a cgroup, and what it used between b and a.
func (c *cgroups) row(name string, b, a *cgroup.Usage) report.Cgroup {
	in, err := c.tree.Applied(inTree(name))
	c.note(err)
	row := report.Cgroup{
		Name: name, CPUs: in.CPUs.String(), Mems: in.Mems.String(), Type: in.Type, Partition: in.Partition, Files: in.Files,
		CPU: elapsed(b.CPU, a.CPU), Periods: difference(b.Periods, a.Periods), Throttled: difference(b.Throttled, a.Throttled),
		ThrottledTime: elapsed(b.ThrottledTime, a.ThrottledTime), MemoryPeak: a.MemoryPeak, PIDsPeak: a.PIDsPeak,
		CPUPressure: pressure(b.CPUPressure, a.CPUPressure), MemoryPressure: pressure(b.MemoryPressure, a.MemoryPressure),
		IOPressure: pressure(b.IOPressure, a.IOPressure),
	}
	row.OOMKills = difference(b.OOMKills(), a.OOMKills())
	return row
}

// pressure is how long something waited between two readings, nil if one is absent.
func pressure(before, after *cgroup.Pressure) *int64 {
	if before == nil || after == nil {
		return nil
	}
	return elapsed(before.Some, after.Some)
}

// add adds what an earlier cgroup of the same name used. What the earlier one does not tell is not
// known of both.
func add(row, earlier *report.Cgroup) {
	for _, p := range []struct{ to, from **int64 }{
		{&row.CPU, &earlier.CPU}, {&row.ThrottledTime, &earlier.ThrottledTime}, {&row.CPUPressure, &earlier.CPUPressure},
		{&row.MemoryPressure, &earlier.MemoryPressure}, {&row.IOPressure, &earlier.IOPressure},
	} {
		*p.to = sum(*p.to, *p.from)
	}
	for _, p := range []struct{ to, from **uint64 }{{&row.Periods, &earlier.Periods}, {&row.Throttled, &earlier.Throttled}, {&row.OOMKills, &earlier.OOMKills}} {
		*p.to = sum(*p.to, *p.from)
	}
	for _, p := range []struct{ to, from **int64 }{{&row.MemoryPeak, &earlier.MemoryPeak}, {&row.PIDsPeak, &earlier.PIDsPeak}} {
		if *p.to != nil && *p.from != nil {
			*p.to = new(max(**p.to, **p.from))
		}
	}
}

func sum[N int64 | uint64](a, b *N) *N {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// makeOne makes a cgroup during the run.
func (c *cgroups) makeOne(name string) error {
	if err := c.tree.Make(name); err != nil {
		return err
	}
	c.made[name]++
	c.began[name] = c.usageOf(name)
	return c.open(name)
}

// removeOne removes a cgroup during the run, and keeps what it used.
func (c *cgroups) removeOne(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	total := c.total(name)
	if file := c.files[name]; file != nil {
		_ = file.Close()
		delete(c.files, name)
	}
	if err := c.tree.RemoveOne(ctx, name); err != nil {
		return err
	}
	c.gone[name] = total
	return nil
}

// cpusOf are the CPUs in force in a cgroup, empty where no cpuset is.
func (c *cgroups) cpusOf(name string) (cpuset.CPUSet, error) {
	if c.tree == nil {
		return cpuset.New(), nil
	}
	cpus, err := c.tree.CPUs(inTree(name))
	if err != nil {
		return cpus, fmt.Errorf("reading the CPUs of cgroup %q: %w", name, err)
	}
	return cpus, nil
}
