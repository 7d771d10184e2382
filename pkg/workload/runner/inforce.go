// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"slices"

	"k8s.io/utils/cpuset"
)

// inForce knows which CPUs workers can have: those of the run, or fewer by the cpuset of their cgroup
// and their affinity, without those that are offline.
type inForce struct {
	run, offline cpuset.CPUSet
	cgroups      *cgroups
	// cpus are those of cgroups, as far as they were asked for since the last change.
	cpus map[string]cpuset.CPUSet
	err  error
}

// changed says that the CPUs of cgroups may be others now.
func (f *inForce) changed() { f.cpus = nil }

// of are the CPUs that workers in a cgroup can have that have no affinity. What cannot be read is an
// error for later.
func (f *inForce) of(cgroup string) cpuset.CPUSet {
	cpus, known := f.cpus[cgroup]
	if known {
		return cpus
	}
	own, err := f.cgroups.cpusOf(cgroup)
	if err != nil && f.err == nil {
		f.err = err
	}
	cpus = f.run.Difference(f.offline)
	if common := own.Intersection(cpus); !common.IsEmpty() {
		cpus = common
	} else if !own.IsEmpty() {
		cpus = own
	}
	if f.cpus == nil {
		f.cpus = map[string]cpuset.CPUSet{}
	}
	f.cpus[cgroup] = cpus
	return cpus
}

// note adds what the workers of a group can have now to what they could have in a step.
func (f *inForce) note(g *liveGroup, step int) {
	pool := f.of(g.cgroup)
	now := make([]cpuset.CPUSet, 0, max(len(g.affinity), 1))
	for _, a := range g.affinity {
		now = append(now, within(a, pool))
	}
	if len(now) == 0 {
		now = append(now, pool)
	}
	g.inForce[step] = unite(g.inForce[step], now)
}

// within is an affinity in a pool. The kernel gives up one that has nothing in common with it.
func within(affinity, pool cpuset.CPUSet) cpuset.CPUSet {
	if common := affinity.Intersection(pool); !common.IsEmpty() {
		return common
	}
	return pool
}

// unite unites sets of workers; one set is for all.
func unite(a, b []cpuset.CPUSet) []cpuset.CPUSet {
	if len(a) == 0 {
		return b
	}
	if len(b) > 1 && len(a) < len(b) {
		a = slices.Repeat(a, len(b))
	}
	for i := range a {
		more := b[min(i, len(b)-1)]
		if !more.IsSubsetOf(a[i]) {
			a[i] = a[i].Union(more)
		}
	}
	return a
}
