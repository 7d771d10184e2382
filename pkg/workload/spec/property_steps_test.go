// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// Whatever the script and the machine: what is resolved is not empty, and what it starts
// and makes, it stops and removes in an order that is possible.
func FuzzScript(f *testing.F) {
	for seed := range uint64(1500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 5))
		run, m := randomRun(rng), randomMachine(t, rng)
		addSteps(rng, run, m)
		if err := run.Validate(); err != nil {
			return // without steps, too
		}
		got, err := run.Resolve(m)
		if errorText(err) != errorText(run.Unfit(m)) {
			t.Fatalf("Resolve says %v, and Unfit %v", err, run.Unfit(m))
		}
		if err != nil {
			return
		}
		checkResolved(t, got, &m)
		if len(run.Steps) > 0 {
			checkCrews(t, got)
			carryOut(t, got)
		}
	})
}

// Few random runs fit a machine, but enough do for the properties to mean something.
func TestRandomScriptsAreWorthTheName(t *testing.T) {
	resolved, kinds := 0, map[string]bool{}
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 5))
		run, m := randomRun(rng), randomMachine(t, rng)
		m.Policy = &Policy{CPUHotplug: true}
		if addSteps(rng, run, m); run.Validate() != nil || run.Unfit(m) != nil || len(run.Steps) == 0 {
			continue
		}
		resolved++
		for _, s := range run.Steps {
			for i := range s.Ops {
				kinds[s.Ops[i].name()] = true
			}
		}
	}
	if resolved < 150 || len(kinds) < 16 { // all but waitGroup
		t.Errorf("%d of 1500 fit, with %d kinds of ops: %v", resolved, len(kinds), kinds)
	}
}

// addSteps adds random steps, and leaves out what cannot be, for the most part on
// the machine, too.
func addSteps(rng *rand.Rand, r *Run, m Machine) {
	fits := func() bool { return r.Validate() == nil && (rng.IntN(16) == 0 || r.Unfit(m) == nil) }
	if !fits() {
		return
	}
	r.Duration = 1e9
	for i := range 1 + rng.IntN(4) {
		r.Steps = append(r.Steps, Step{Name: fmt.Sprint("s", i), Hold: Hold{Percent: new(20)}})
		s := &r.Steps[i]
		s.Groups = some(rng, len(r.Groups), func(i int) string { return r.Groups[i].Name })
		s.Cgroups = some(rng, len(r.Cgroups), func(i int) string { return r.Cgroups[i].Name })
		if !fits() {
			s.Groups, s.Cgroups = nil, nil
		}
		if rng.IntN(2) == 0 {
			s.RepeatOpsEvery = new(quantity.Duration(1e6))
		}
		for range rng.IntN(16) {
			before := s.Ops
			s.Ops = append(slices.Clone(before), randomOp(rng, r))
			if !fits() {
				s.Ops = before
			}
		}
		if len(s.Ops) == 0 {
			s.RepeatOpsEvery = nil
		}
	}
}

func some(rng *rand.Rand, n int, name func(int) string) []string {
	var names []string
	for i := range n {
		if rng.IntN(3) == 0 {
			names = append(names, name(i))
		}
	}
	return names
}

func randomOp(rng *rand.Rand, r *Run) Op {
	group := r.Groups[rng.IntN(len(r.Groups))].Name
	cgroup, other := "none", "none"
	if len(r.Cgroups) > 0 {
		cgroup, other = r.Cgroups[rng.IntN(len(r.Cgroups))].Name, r.Cgroups[rng.IntN(len(r.Cgroups))].Name
	}
	set := randomCpuset(rng)
	if set == nil {
		set = &Cpuset{Exact: "0"}
	}
	affinity := randomAffinity(rng)
	if affinity == nil {
		affinity = &Affinity{SingleCPU: &struct{}{}}
	}
	cpus := &CPUsOp{Exact: []string{"0", "1", "1-2"}[rng.IntN(3)]}
	if rng.IntN(2) == 0 {
		cpus = &CPUsOp{Last: new(1 + rng.IntN(3))}
	}
	return []Op{
		{CreateCgroup: &CgroupOp{cgroup}}, {RemoveCgroup: &CgroupOp{cgroup}}, {StartGroup: &GroupOp{group}}, {StopGroup: &GroupOp{group}},
		{MoveGroup: &MoveGroupOp{group, cgroup}}, {MoveGroup: &MoveGroupOp{Group: group}},
		{SetCpuset: &SetCpusetOp{cgroup, *set}}, {ClearCpuset: &CgroupOp{cgroup}}, {SwapCpusets: &SwapCpusetsOp{cgroup, other}}, {SwapCpusets: &SwapCpusetsOp{other, cgroup}}, {SwapCpusets: &SwapCpusetsOp{"a", "b"}},
		{SetCgroup: &SetCgroupOp{Cgroup: cgroup, PidsMax: new(int64(1 + rng.IntN(1000)))}}, {FreezeCgroup: &CgroupOp{cgroup}}, {ThawCgroup: &CgroupOp{cgroup}},
		{SetAffinity: &SetAffinityOp{group, *affinity}}, {SetNice: &SetNiceOp{group, rng.IntN(20)}},
		{SetSchedulingPolicy: &SetSchedulingPolicyOp{group, []string{"", "d"}[rng.IntN(2)]}}, {OfflineCPUs: cpus}, {OnlineCPUs: cpus},
	}[rng.IntN(19)]
}

func checkCrews(t *testing.T, r *Resolved) {
	t.Helper()
	in := make([]int, len(r.Groups))
	for i := range r.Script.Crews {
		c := &r.Script.Crews[i]
		if len(c.Groups) == 0 || c.First < 0 || c.First > c.Last || c.Last >= len(r.Script.Steps) {
			t.Errorf("crew %d is %+v", i, *c)
		}
		for _, g := range c.Groups {
			in[g]++
		}
		if got := r.Crew(i); len(got.Groups) != len(c.Groups) || len(got.Run.Groups) != len(c.Groups) {
			t.Errorf("crew %d has %d groups, and %d are resolved", i, len(c.Groups), len(got.Groups))
		}
	}
	for g, n := range in {
		if n != 1 {
			t.Errorf("group %d is in %d crews", g, n)
		}
	}
}

// carryOut does what a script says with sets of names.
func carryOut(t *testing.T, r *Resolved) {
	t.Helper()
	s := r.Script
	cgroups, crews := map[string]bool{}, map[int]bool{}
	start := func(of []int) {
		for _, c := range of {
			for _, g := range s.Crews[c].Groups {
				if in := r.Groups[g].Cgroup; in != "" && !cgroups[in] {
					t.Errorf("%s starts in %s, which is not there", r.Groups[g].Name, in)
				}
			}
			toggle(t, crews, c, true)
		}
	}
	all := func(set map[string]bool, names []string, to bool) {
		for _, name := range names {
			toggle(t, set, name, to)
		}
	}
	all(cgroups, s.Cgroups, true)
	start(s.Start)
	for i := range s.Steps {
		step := &s.Steps[i]
		all(cgroups, step.Create, true)
		start(step.Start)
		for repetition := range 3 {
			if repetition > 0 && step.RepeatEvery == 0 {
				break
			}
			for j := range step.Ops {
				op := &step.Ops[j]
				switch {
				case op.CreateCgroup != nil:
					toggle(t, cgroups, op.CreateCgroup.Cgroup, true)
				case op.StartGroup != nil:
					start(op.Crews)
				case op.SetAffinity != nil:
					checkSets(t, op, repetition)
				default:
					for _, c := range op.Crews {
						toggle(t, crews, c, false)
					}
					all(cgroups, op.Remove, false)
				}
			}
		}
		for c := range crews {
			if crews[c] && (i < s.Crews[c].First || i > s.Crews[c].Last) {
				t.Errorf("crew %d runs in step %d: %+v", c, i, s.Crews[c])
			}
		}
		for _, c := range step.Stop {
			toggle(t, crews, c, false)
		}
		all(cgroups, step.Remove, false)
	}
}

func checkSets(t *testing.T, op *ScriptOp, repetition int) {
	t.Helper()
	for _, set := range op.Affinities(repetition) {
		if set.IsEmpty() {
			t.Errorf("%s has an empty set", op.Field)
		}
	}
}

// toggle puts something in a set, or takes it out; it must not be there already, or be there.
func toggle[T comparable](t *testing.T, set map[T]bool, name T, to bool) {
	t.Helper()
	if set[name] == to {
		t.Errorf("%v is %v already", name, to)
	}
	set[name] = to
}

// Whatever is sent to a node as a run: it is read, refused or resolved, and nothing panics.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("{" + scene + `, "steps": [{"name": "s", "groups": ["free"], "cgroups": ["plain"], "ops": [{"swapCpusets": {"a": "a", "b": "b"}}], "repeatOpsEvery": "1ms", ` + hold + `}]}`))
	f.Add([]byte("{" + scene + `, "steps": [{"name": "s", "ops": [{}], "hold": {}}]}`))
	f.Add([]byte(`{"duration": "1s", "seed": 1, "groups": [{"name": "g", "workers": 1, "cloneMode": "Fork", "work": {"spinWait": {}}}], "steps": [{"name": "s", "ops": [{"offlineCPUs": {"last": 1}}, {"onlineCPUs": {"exact": "3"}}], "hold": {"remaining": {}}}]}`))
	f.Add([]byte(`{"duration": "1s", "groups": [{"name": "g", "cgroup": ""}], "cgroups": [{"threaded": true}]}`)) // without a name
	m := machineOf(f, "1n1l4c1t")
	f.Fuzz(func(_ *testing.T, text []byte) {
		var r Run
		if json.Unmarshal(text, &r) != nil || r.Validate() != nil {
			return
		}
		if got, err := r.Resolve(m); err == nil && got.Script != nil {
			for i := range got.Script.Crews {
				got.Crew(i)
			}
		}
	})
}
