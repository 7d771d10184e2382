// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The kernel admits deadline tasks per root domain, and only those that may use
// all of it.
func TestDeadlinesAreAdmitted(t *testing.T) {
	const ms = time.Millisecond
	machine := func(change ...func(*Machine)) Machine { return machineOf(t, "1n1l4c1t", change...) }
	bandwidth := func(b *Bandwidth) func(*Machine) { return func(m *Machine) { m.Realtime = b } }
	run := func(workers int, runtime, period time.Duration, more ...func(*Run)) *Run {
		r := withDeadline(runtime, period, nil)
		r.Groups[0].Workers, r.Groups[0].Work = workers, work.Spec{SpinWait: &work.SpinWait{}}
		for _, c := range more {
			c(r)
		}
		return r
	}
	in := func(partition, cpus string) func(*Run) {
		return func(r *Run) {
			r.Cgroups, r.Groups[0].Cgroup = []Cgroup{{Name: "a", Cpuset: &Cpuset{Exact: cpus, Partition: partition}}, {Name: "a/b"}}, "a/b"
		}
	}
	affinity := func(a Affinity) func(*Run) { return func(r *Run) { r.Groups[0].Affinity = &a } }
	again := func(workers int) func(*Run) {
		return func(r *Run) {
			g := r.Groups[0]
			g.Name, g.Workers, g.Cgroup = "h", workers, ""
			r.Groups = append(r.Groups, g)
		}
	}
	asymmetric := func(pairs int, waker, wakee string) func(*Run) {
		return func(r *Run) {
			r.Groups[0].Workers, r.Groups[0].SchedulingPolicy = 2*pairs, ""
			r.Groups[0].Work = work.Spec{AsymmetricWaker: &work.AsymmetricWaker{WakerClass: waker, WakeeClass: wakee, BurstIters: new(int64)}}
		}
	}
	const covers = "all of which a deadline task must be allowed to use; "
	for name, tc := range map[string]struct {
		run     *Run
		machine Machine
		want    string // "" fits
	}{
		"exactly what there is":          {run(38, ms, 10*ms), machine(), ""},
		"a little more than there is":    {run(38, ms+1, 10*ms), machine(), "has 3.8 CPUs for deadline tasks on CPUs 0-3, less than the 3.8000038 of groups[0].schedulingPolicy"},
		"two more than there is":         {run(40, ms, 10*ms), machine(), "has 3.8 CPUs for deadline tasks on CPUs 0-3, less than the 4 of groups[0].schedulingPolicy"},
		"thirds that add up":             {run(6, 10*ms, 30*ms), machine(bandwidth(&Bandwidth{time.Second / 2, time.Second})), ""},
		"groups together ask for more":   {run(20, ms, 10*ms, again(20)), machine(), "has 3.8 CPUs for deadline tasks on CPUs 0-3, less than the 4 of groups[0].schedulingPolicy and groups[1].schedulingPolicy"},
		"without a limit":                {run(1000, ms, ms), machine(bandwidth(&Bandwidth{-1, time.Second})), ""},
		"without a limit nor all CPUs":   {run(2, ms, ms, affinity(Affinity{Exact: "0"})), machine(bandwidth(&Bandwidth{-1, time.Second})), ""},
		"the limit is not known":         {run(1000, ms, ms), machine(bandwidth(nil)), ""},
		"none is allowed":                {run(2, ms, time.Second), machine(bandwidth(&Bandwidth{0, time.Second})), "has 0 CPUs for deadline tasks on CPUs 0-3, less than the 0.002 of groups[0].schedulingPolicy"},
		"an affinity of all CPUs":        {run(2, ms, time.Second, affinity(Affinity{Exact: "0-3"})), machine(), ""},
		"an affinity of some":            {run(2, ms, time.Second, affinity(Affinity{Exact: "0-2"})), machine(), "has a root domain of CPUs 0-3, " + covers + "groups[0] may use 0-2: leave out its affinity and numaNode, or give it a cgroup with cpuset.partition Root"},
		"an affinity beyond the cpuset":  {run(2, ms, time.Second, in("", "0-1"), affinity(Affinity{CrossCgroup: &struct{}{}})), machine(), "has a root domain of CPUs 0-3, " + covers + "groups[0] may use 0-1: leave out"},
		"a draw of all":                  {run(2, ms, time.Second, affinity(Affinity{RandomSubset: &RandomSubset{Count: 4}})), machine(), ""},
		"a draw of some":                 {run(2, ms, time.Second, affinity(Affinity{RandomSubset: &RandomSubset{Count: 3}})), machine(), "has a root domain of CPUs 0-3, " + covers + "each worker of groups[0] gets 3 of them: leave out its affinity"},
		"a draw out of some":             {run(2, ms, time.Second, affinity(Affinity{RandomSubset: &RandomSubset{From: "0-2", Count: 3}})), machine(), "groups[0] may use 0-2: leave out"},
		"a cpuset of some":               {run(2, ms, time.Second, in("", "0-1")), machine(), "groups[0] may use 0-1: leave out"},
		"a cpuset of all":                {run(2, ms, time.Second, in("", "0-3")), machine(), ""},
		"a partition":                    {run(19, ms, 10*ms, in("Root", "0-1")), machine(), ""},
		"a partition that is too small":  {run(20, ms, 10*ms, in("Root", "0-1")), machine(), "has 1.9 CPUs for deadline tasks on CPUs 0-1, less than the 2 of groups[0].schedulingPolicy"},
		"a partition and the rest":       {run(19, ms, 10*ms, in("Root", "0-1"), again(19)), machine(), ""},
		"a partition and too small rest": {run(19, ms, 10*ms, in("Root", "0-1"), again(20)), machine(), "has 1.9 CPUs for deadline tasks on CPUs 2-3, less than the 2 of groups[1].schedulingPolicy"},
		"a part of a partition":          {run(2, ms, time.Second, in("Root", "0-1"), affinity(Affinity{Exact: "1"})), machine(), "has a root domain of CPUs 0-1, " + covers + "groups[0] may use 1: leave out"},
		"an isolated partition":          {run(19, ms, 10*ms, in("Isolated", "0-1")), machine(), ""},
		"an isolated partition of some of the isolated": {run(2, ms, time.Second, in("Isolated", "0-1")), machine(only("0-2"), func(m *Machine) { m.Topology.Isolated = set("3") }),
			"has a root domain of CPUs 0-1,3, " + covers + "groups[0] may use 0-1: leave out its affinity and numaNode, or give it a cgroup with cpuset.partition Root"},
		"an isolated partition with CPUs offline": {run(2, ms, time.Second, in("Isolated", "0-1")), machine(func(m *Machine) { m.Topology.Offline = set("4") }), "has a root domain of CPUs 0-1,4, " + covers + "groups[0] may use 0-1: leave out"},
		"a deadline before the end of the period": {run(38, ms, 5*ms, func(r *Run) { r.SchedulingPolicies[0].Deadline.Period = length(10 * ms) }), machine(), ""},
		"a limit that is none":                    {run(38, ms, ms), machine(bandwidth(&Bandwidth{})), ""},
		"the machine's isolated CPUs are apart":   {run(2, ms, time.Second), machine(only("0-2"), func(m *Machine) { m.Topology.Isolated = set("3") }), ""},
		"a machine that has CPUs for others":      {run(2, ms, time.Second), machine(only("0-2")), "has a root domain of CPUs 0-3, " + covers + "groups[0] may use 0-2: leave out"},
		"a machine whose topology nobody knows":   {run(2, ms, time.Second), machine(func(m *Machine) { m.Topology = nil }), ""},
		"a policy that no group has costs none":   {run(2, ms, ms, func(r *Run) { r.Groups[0].SchedulingPolicy = "" }), machine(bandwidth(&Bandwidth{0, time.Second})), ""},
		"the work's own":                          {run(2, ms, ms, asymmetric(38, work.ClassDeadline, work.ClassNormal)), machine(), ""},
		"too many of the work's own":              {run(2, ms, ms, asymmetric(20, work.ClassDeadline, work.ClassDeadline)), machine(), "has 3.8 CPUs for deadline tasks on CPUs 0-3, less than the 4 of groups[0].work.asymmetricWaker"},
		"the work's own with an affinity": {run(2, ms, ms, asymmetric(1, work.ClassNormal, work.ClassDeadline), affinity(Affinity{Exact: "0"})), machine(),
			"has a root domain of CPUs 0-3, " + covers + "groups[0] may use 0: leave out its affinity"},
		"more than numbers of 64 bits can count": {run(20_000, 1<<62, 1<<62), machine(), "has 3.8 CPUs for deadline tasks on CPUs 0-3, less than the 20000 of groups[0].schedulingPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tc.run.Resolve(tc.machine); (tc.want == "") != (err == nil) {
				t.Fatalf("got %v, want %q", err, tc.want)
			} else {
				wantError(t, err, tc.want)
			}
		})
	}
}
