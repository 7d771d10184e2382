// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func valid(change func(*Run)) *Run {
	n := int64(1)
	r := &Run{
		Duration: quantity.Duration(1e9), Seed: 7,
		Groups: []Group{{Name: "g", Workers: 4, CloneMode: CloneModeFork, Work: work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: &n}}}},
	}
	change(r)
	return r
}

func TestValidateNamesTheField(t *testing.T) {
	nice := 20
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"a valid run":            {valid(func(*Run) {}), ""},
		"a negative duration":    {valid(func(r *Run) { r.Duration = -1 }), "duration: must be above 0s"},
		"no groups":              {valid(func(r *Run) { r.Groups = nil }), "groups: there must be 1 to 12"},
		"no groups to check":     {valid(func(r *Run) { r.Groups, r.Checks = nil, []Check{{Name: "c", Metric: CheckStarvation}} }), "groups: there must be 1 to 12"},
		"zero workers":           {valid(func(r *Run) { r.Groups[0].Workers = 0 }), "groups[0].workers: must be 1 to 20000"},
		"an odd pair":            {valid(func(r *Run) { r.Groups[0].Workers = 3 }), "groups[0].workers: futexPingPong works in sets of 2"},
		"no kind of work":        {valid(func(r *Run) { r.Groups[0].Work = work.Spec{} }), "groups[0].work: no kind of work"},
		"a parameter of a kind":  {valid(func(r *Run) { *r.Groups[0].Work.FutexPingPong.SpinIters = -1 }), "groups[0].work.futexPingPong.spinIters must be"},
		"a nice value too high":  {valid(func(r *Run) { r.Groups[0].Nice = &nice }), "groups[0].nice: must be -20 to 19"},
		"a long comm":            {valid(func(r *Run) { r.Groups[0].Comm = strings.Repeat("x", 16) }), "groups[0].comm: at most 15 bytes"},
		"an unknown policy":      {valid(func(r *Run) { r.Groups[0].SchedulingPolicy = "rt" }), `groups[0].schedulingPolicy: there is no "rt"`},
		"an unknown cgroup":      {valid(func(r *Run) { r.Groups[0].Cgroup = "c" }), `groups[0].cgroup: there is no "c"`},
		"a policy of no class":   {valid(func(r *Run) { r.SchedulingPolicies = []SchedulingPolicy{{Name: "p"}} }), "schedulingPolicies[0].name: \"p\" must have exactly one class"},
		"a priority too high":    {valid(func(r *Run) { r.SchedulingPolicies = []SchedulingPolicy{{Name: "p", FIFO: &Realtime{99}}} }), "schedulingPolicies[0].fifo.priority: must be 1 to 98, since 99 is the supervisor's"},
		"a cgroup that climbs":   {valid(func(r *Run) { r.Cgroups = []Cgroup{{Name: "a/../.."}} }), "cgroups[0].name: must be a relative path"},
		"a cgroup that hides":    {valid(func(r *Run) { r.Cgroups = []Cgroup{{Name: "a/.b"}} }), "cgroups[0].name: no part may begin with a dot"},
		"a file of the kernel":   {valid(func(r *Run) { r.Cgroups = []Cgroup{{Name: "a/cpu.max"}} }), `cgroups[0].name: no part may begin with "cpu.", as files of the kernel do: "a/cpu.max"`},
		"named like a file":      {valid(func(r *Run) { r.Cgroups = []Cgroup{{Name: "cpu/cpuset-a.b/io"}} }), ""},
		"an affinity of nothing": {valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{} }), "groups[0].affinity: exactly one way"},
		"the lowest no CPUs":     {valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{LowestCPUs: &LowestCPUs{}} }), "groups[0].affinity.lowestCPUs.count: must be 1 to 8192, not 0"},
		"CPUs that are no list":  {valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{Exact: "a-b"} }), "groups[0].affinity.exact: must be a list of CPUs"},
		"two groups of one name": {valid(func(r *Run) { r.Groups = append(r.Groups, r.Groups[0]) }), `groups[1].name: "g" is already taken`},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.run.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// Each of several errors begins with the path of its field.
func TestValidateNamesTheFieldOfEachError(t *testing.T) {
	run := withCgroups(Cgroup{
		CPU:    &CgroupCPU{Weight: new(0), UclampMinPercent: new(101)},
		Cpuset: &Cpuset{Overlap: &CPUOverlap{Index: 2, Of: 2, Percent: 101}},
		IO:     &CgroupIO{Weight: new(0), Limits: []IOLimit{{Device: "sda"}}},
	})
	want := []string{
		"cgroups[0].cpuset.overlap.index", "cgroups[0].cpuset.overlap.percent", "cgroups[0].cpu.weight", "cgroups[0].cpu.uclampMinPercent",
		"cgroups[0].io.weight", "cgroups[0].io.limits[0].device",
	}
	var got []string
	for line := range strings.Lines(errorText(run.Validate())) {
		field, _, _ := strings.Cut(line, ":")
		got = append(got, field)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResolveAffinity(t *testing.T) {
	cpus := cpuset.New(2, 3, 4, 5, 6, 7)
	machine := Machine{CPUs: cpus}
	for name, tc := range map[string]struct {
		affinity *Affinity
		sets     int
		check    func(cpuset.CPUSet) bool
	}{
		"inherited":                       {nil, 0, nil},
		"exact":                           {&Affinity{Exact: "3,5-6"}, 1, func(s cpuset.CPUSet) bool { return s.Equals(cpuset.New(3, 5, 6)) }},
		"the lowest CPU":                  {&Affinity{SingleCPU: &struct{}{}}, 1, func(s cpuset.CPUSet) bool { return s.Equals(cpuset.New(2)) }},
		"the lowest CPUs":                 {&Affinity{LowestCPUs: &LowestCPUs{3}}, 1, func(s cpuset.CPUSet) bool { return s.Equals(cpuset.New(2, 3, 4)) }},
		"a subset of all":                 {&Affinity{RandomSubset: &RandomSubset{Count: 2}}, 4, func(s cpuset.CPUSet) bool { return s.Size() == 2 && s.IsSubsetOf(cpus) }},
		"a subset of some":                {&Affinity{RandomSubset: &RandomSubset{From: "4-5", Count: 1}}, 4, func(s cpuset.CPUSet) bool { return s.Size() == 1 && s.IsSubsetOf(cpuset.New(4, 5)) }},
		"a subset larger than its source": {&Affinity{RandomSubset: &RandomSubset{From: "4-5", Count: 9}}, 4, func(s cpuset.CPUSet) bool { return s.Equals(cpuset.New(4, 5)) }},
	} {
		t.Run(name, func(t *testing.T) {
			run := valid(func(r *Run) { r.Groups[0].Affinity = tc.affinity })
			first, err := run.Resolve(machine)
			if err != nil {
				t.Fatal(err)
			}
			again, err := run.Resolve(machine)
			if err != nil {
				t.Fatal(err)
			}
			if len(first.Groups[0].CPUs) != tc.sets {
				t.Fatalf("%d sets, want %d", len(first.Groups[0].CPUs), tc.sets)
			}
			for i, s := range first.Groups[0].CPUs {
				if !tc.check(s) {
					t.Errorf("worker %d may use %s", i, s)
				}
				if !s.Equals(again.Groups[0].CPUs[i]) {
					t.Errorf("worker %d: %s, and with the same seed %s", i, s, again.Groups[0].CPUs[i])
				}
			}
		})
	}
}

func TestUnfitNamesWhatIsMissing(t *testing.T) {
	run := valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{Exact: "1,512"} })
	_, err := run.Resolve(Machine{CPUs: cpuset.New(0, 1)})
	if want := "lacks CPU 512 of groups[0].affinity.exact (it has 0-1)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	run = valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{LowestCPUs: &LowestCPUs{3}} })
	_, err = run.Resolve(Machine{CPUs: cpuset.New(0, 1)})
	if want := "has 2 CPUs the group can have, 0-1, less than the 3 of groups[0].affinity.lowestCPUs"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	run = valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{RandomSubset: &RandomSubset{From: "7", Count: 1}} })
	if err := run.Unfit(Machine{CPUs: cpuset.New(0)}); err == nil || !strings.Contains(err.Error(), "groups[0].affinity.randomSubset.from") {
		t.Errorf("got %v", err)
	}
}
