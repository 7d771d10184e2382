// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// sameScripts compares scripts, but for what they draw.
var sameScripts = cmp.Options{sameSets, cmpopts.IgnoreFields(ScriptOp{}, "Op", "affinity"), cmpopts.EquateEmpty()}

func TestAScriptIsTheStepsInOrder(t *testing.T) {
	r := inScene(t, `
		{"name": "one", "cgroups": ["plain/in", "plain"], "groups": ["in-a", "also-a"], "hold": {"percent": 20}},
		{"name": "two", "ops": [{"startGroup": {"group": "threads"}}, {"createCgroup": {"cgroup": "b"}},
			{"setCpuset": {"cgroup": "b", "cpuset": {"exact": "1-2", "mems": "0"}}}, {"setSchedulingPolicy": {"group": "threads", "schedulingPolicy": "batch"}}], "hold": {"fixed": "0s"}},
		{"name": "three", "groups": ["also-a", "in-a"], "repeatOpsEvery": "250ms", "ops": [{"removeCgroup": {"cgroup": "a"}}, {"createCgroup": {"cgroup": "a"}}, {"startGroup": {"group": "other"}}, {"stopGroup": {"group": "other"}}], "hold": {"fixed": "1s"}},
		{"name": "four", "ops": [{"stopGroup": {"group": "free"}}, {"removeCgroup": {"cgroup": "n"}}, {"offlineCPUs": {"last": 2}}, {"onlineCPUs": {"exact": "7"}}], "hold": {"remaining": {}}}`,
		func(r *Run) {
			other, within := r.Groups[r.group("free")], r.Groups[r.group("in-a")]
			other.Name, within.Name, within.Cgroup = "other", "within", "n/in"
			r.Groups = append(r.Groups, other, within)
		}, onlyGroups("free", "in-a", "also-a", "threads", "other", "within", "shared"), withoutRoot,
		func(r *Run) { // which is there while a is removed
			r.Steps[2].Groups, r.Steps[2].Ops = nil, r.Steps[2].Ops[2:]
		})
	got, err := r.Resolve(machineOf(t, "1n1l8c1t"))
	if err != nil {
		t.Fatal(err)
	}
	none := cpuset.New()
	want := &Script{
		// free, in-a and also-a, threads, other, within, shared
		Crews: []Crew{
			{Groups: []int{0}, First: 0, Last: 3}, {Groups: []int{1, 2}, First: 0, Last: 0}, {Groups: []int{3}, First: 1, Last: 3},
			{Groups: []int{4}, First: 2, Last: 2}, {Groups: []int{5}, First: 0, Last: 3}, {Groups: []int{6}, First: 0, Last: 3},
		},
		Start: []int{0, 4, 5}, Cgroups: []string{"a", "t", "n", "k", "t/x", "t/y", "n/in", "k/in"},
		Steps: []ScriptStep{
			{Name: "one", Create: []string{"plain", "plain/in"}, Start: []int{1}, Hold: 2 * time.Second, Stop: []int{1}, Remove: []string{"plain/in", "plain"}},
			{Name: "two", Ops: []ScriptOp{
				{Field: "steps[1].ops[0].startGroup", Crews: []int{2}},
				{Field: "steps[1].ops[1].createCgroup"},
				{Field: "steps[1].ops[2].setCpuset", CPUs: cpuset.New(1, 2), Mems: cpuset.New(0)},
				{Field: "steps[1].ops[3].setSchedulingPolicy", Class: work.Class{Policy: sys.PolicyBatch}},
			}},
			{Name: "three", RepeatEvery: 250 * time.Millisecond, Hold: time.Second, Ops: []ScriptOp{
				{Field: "steps[2].ops[0].startGroup", Crews: []int{3}}, {Field: "steps[2].ops[1].stopGroup", Crews: []int{3}},
			}},
			{Name: "four", Hold: 7 * time.Second, Ops: []ScriptOp{
				{Field: "steps[3].ops[0].stopGroup", Crews: []int{0}},
				{Field: "steps[3].ops[1].removeCgroup", Crews: []int{4}, Remove: []string{"n/in", "n"}},
				{Field: "steps[3].ops[2].offlineCPUs", CPUs: cpuset.New(6, 7)}, {Field: "steps[3].ops[3].onlineCPUs", CPUs: cpuset.New(7)},
			}},
		},
	}
	for i := range want.Steps {
		for j := range want.Steps[i].Ops {
			if op := &want.Steps[i].Ops[j]; op.CPUs.Equals(cpuset.CPUSet{}) {
				op.CPUs = none
			}
		}
	}
	if diff := cmp.Diff(want, got.Script, sameScripts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	crew := got.Crew(1)
	if len(crew.Groups) != 2 || crew.Groups[1].Name != "also-a" || crew.Run.Groups[0].Name != "in-a" || len(crew.Run.Groups) != 2 || crew.Run.Steps != nil || crew.Script != nil {
		t.Errorf("the crew is %+v of %+v", crew.Groups, crew.Run)
	}
	if len(got.Run.Groups) != 7 || len(got.Run.Steps) != 4 || len(crew.Cgroups) != len(got.Cgroups) {
		t.Error("the run lost something to its crew")
	}
}

func TestWhatRepeatsIsInAScriptOnce(t *testing.T) {
	r := inScene(t, `{"name": "one", "cgroups": ["plain"], "repeatOpsEvery": "10ms", "ops": [{"removeCgroup": {"cgroup": "plain"}}, {"createCgroup": {"cgroup": "plain"}}, {"createCgroup": {"cgroup": "plain/in"}}], `+hold+`}`,
		onlyGroups("free"), withoutRoot)
	r.Steps[0].Cgroups = append(r.Steps[0].Cgroups, "plain/in")
	got, err := r.Resolve(machineOf(t, "1n1l8c1t"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"plain/in", "plain"}, got.Script.Steps[0].Ops[0].Remove); diff != "" {
		t.Errorf("what is removed (-want +got):\n%s", diff)
	}
}

func TestARunWithoutStepsHasNoScript(t *testing.T) {
	r := valid(func(*Run) {})
	got, err := r.Resolve(machineOf(t, "1n1l2c1t"))
	if err != nil || got.Script != nil || r.TransitionTime() != 0 {
		t.Errorf("got %+v, %v, %v", got.Script, err, r.TransitionTime())
	}
}

func TestTransitionsTakeSoLong(t *testing.T) {
	r := inScene(t, ops(`{"startGroup": {"group": "fio"}}`, `{"waitGroup": {"group": "fio", "timeout": "90s"}}`)+`, {"name": "two", `+hold+`}`)
	if got, want := r.TransitionTime(), 10*time.Second+2*2*time.Second+90*time.Second; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The CPUs of the scene are 0-7 and cg a has 0-2 and b 3-6, since the last is left out.
func TestAffinitiesAreThoseOfTheMoment(t *testing.T) {
	random, single := `{"setAffinity": {"group": "in-a", "affinity": {"randomSubset": {"count": 2}}}}`, `{"setAffinity": {"group": "in-a", "affinity": {"singleCPU": {}}}}`
	for name, tc := range map[string]struct {
		steps string
		step  int
		op    int
		want  []string // the CPUs of the first worker at each repetition; of random ones what they are drawn from
	}{
		"as it began":                 {ops(single), 0, 0, []string{"0"}},
		"after a move":                {ops(`{"moveGroup": {"group": "in-a", "cgroup": "b"}}`, single), 0, 1, []string{"3"}},
		"after a move out":            {ops(`{"moveGroup": {"group": "in-a"}}`, `{"setAffinity": {"group": "in-a", "affinity": {"exact": "5-9"}}}`), 0, 1, nil},
		"after a cpuset":              {ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "4-5"}}}`, single), 0, 1, []string{"4"}},
		"in a step later":             {ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "4-5"}}}`) + `, {"name": "two", "ops": [` + single + `], ` + hold + `}`, 1, 0, []string{"4"}},
		"after none":                  {ops(`{"clearCpuset": {"cgroup": "a"}}`, `{"setAffinity": {"group": "in-a", "affinity": {"exact": "5-7"}}}`), 0, 1, []string{"5-7"}},
		"of all CPUs":                 {ops(`{"setAffinity": {"group": "in-a", "affinity": {"crossCgroup": {}}}}`), 0, 0, []string{"0-7"}},
		"of those that are left":      {ops(`{"offlineCPUs": {"last": 2}}`, `{"setAffinity": {"group": "in-a", "affinity": {"crossCgroup": {}}}}`), 0, 1, []string{"0-5"}},
		"of those that are left of a": {ops(`{"offlineCPUs": {"exact": "0"}}`, single), 0, 1, []string{"1"}},
		"swapped each time":           {repeated(`{"swapCpusets": {"a": "a", "b": "b"}}`, single), 0, 1, []string{"3", "0", "3", "0", "3"}},
		"swapped after each time":     {repeated(single, `{"swapCpusets": {"a": "a", "b": "b"}}`), 0, 0, []string{"0", "3", "0", "3"}},
		"set by the first time":       {repeated(single, `{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "4-5"}}}`), 0, 0, []string{"0", "4", "4", "4"}},
		"drawn":                       {repeated(random), 0, 0, []string{"0-2", "0-2", "0-2"}},
		"drawn from what swaps":       {repeated(random, `{"swapCpusets": {"a": "a", "b": "b"}}`), 0, 0, []string{"0-2", "3-6", "0-2", "3-6"}},
		"drawn from less than wanted": {ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "4"}}}`, random), 0, 1, []string{"4"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := inScene(t, tc.steps, onlyGroups("in-a"), withoutRoot)
			got, err := r.Resolve(machineOf(t, "1n1l8c1t"))
			if tc.want == nil {
				if err == nil || !strings.Contains(err.Error(), "lacks CPU 8-9 of steps[0].ops[1].setAffinity.affinity.exact") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			op := &got.Script.Steps[tc.step].Ops[tc.op]
			for i, want := range tc.want {
				sets, again := op.Affinities(i), op.Affinities(i)
				if diff := cmp.Diff(sets, again, sameSets); diff != "" {
					t.Errorf("asked twice:\n%s", diff)
				}
				from, err := cpuset.Parse(want)
				if err != nil {
					t.Fatal(err)
				}
				if op.SetAffinity.Affinity.RandomSubset == nil {
					if len(sets) != 1 || !sets[0].Equals(from) {
						t.Errorf("repetition %d: %v, want %s", i, sets, want)
					}
					continue
				}
				if len(sets) != 2 {
					t.Fatalf("%d sets for 2 workers", len(sets))
				}
				for _, s := range sets {
					if s.Size() != min(2, from.Size()) || !s.IsSubsetOf(from) {
						t.Errorf("repetition %d: %s, want 2 of %s", i, s, want)
					}
				}
			}
		})
	}
}

// Random subsets differ between repetitions, ops and groups, or they would not be random.
func TestEachRepetitionDrawsAnew(t *testing.T) {
	random := `{"setAffinity": {"group": "free", "affinity": {"randomSubset": {"count": 8}}}}`
	r := inScene(t, repeated(random, random), onlyGroups("free"), withoutRoot)
	got, err := r.Resolve(machineOf(t, "1n1l32c1t"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for repetition := range 50 {
		for op := range 2 {
			for _, s := range got.Script.Steps[0].Ops[op].Affinities(repetition) {
				seen[s.String()] = true
			}
		}
	}
	if len(seen) < 390 { // of 400, out of ten million
		t.Errorf("%d different sets of 400", len(seen))
	}
}

func TestMachinesThatLackWhatStepsNeed(t *testing.T) {
	hotplug := func(m *Machine) { m.Policy = &Policy{CPUHotplug: true} }
	for name, tc := range map[string]struct {
		groups string
		steps  string
		shape  string
		change func(*Machine)
		want   string // "" fits
	}{
		"CPUs of a cpuset":                   {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "0-9"}}}`), "1n1l8c1t", nil, "lacks CPU 8-9 of steps[0].ops[0].setCpuset.cpuset.exact (it has 0-7)"},
		"a cache of a cpuset":                {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"llc": 1}}}`), "1n1l8c1t", nil, "lacks the last-level cache 1 that steps[0].ops[0].setCpuset.cpuset.llc names"},
		"memory of a cpuset":                 {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"mems": "1"}}}`), "1n1l8c1t", nil, "lacks NUMA node 1 of steps[0].ops[0].setCpuset.cpuset.mems (it has 0)"},
		"a cpuset within the one above":      {"free", ops(`{"setCpuset": {"cgroup": "n", "cpuset": {"exact": "0-1"}}}`, `{"setCpuset": {"cgroup": "n/in", "cpuset": {"exact": "1-2"}}}`), "1n1l8c1t", nil, "has CPUs 1-2 for cgroups[7].cpuset (n/in), not all of them within 0-1 for cgroups[6].cpuset (n) above it, in steps[0].ops[1].setCpuset"},
		"a cpuset that shrinks above":        {"free", ops(`{"setCpuset": {"cgroup": "n/in", "cpuset": {"exact": "1-2"}}}`, `{"setCpuset": {"cgroup": "n", "cpuset": {"exact": "0-1"}}}`), "1n1l8c1t", nil, "in steps[0].ops[1].setCpuset"},
		"one that is swapped the 2nd time":   {"free", `{"name": "one", "ops": [{"setCpuset": {"cgroup": "n", "cpuset": {"range": {"startPercent": 0, "endPercent": 50}}}}, {"setCpuset": {"cgroup": "n/in", "cpuset": {"exact": "0"}}}], ` + hold + `}, {"name": "two", "repeatOpsEvery": "10ms", "ops": [{"swapCpusets": {"a": "n/in", "b": "a"}}], ` + hold + `}`, "1n1l8c1t", nil, ""},
		"one that leaves the one above":      {"free", `{"name": "one", "ops": [{"setCpuset": {"cgroup": "n", "cpuset": {"exact": "0-3"}}}, {"setCpuset": {"cgroup": "n/in", "cpuset": {"exact": "0"}}}], ` + hold + `}, {"name": "two", "repeatOpsEvery": "10ms", "ops": [{"swapCpusets": {"a": "n/in", "b": "b"}}], ` + hold + `}`, "1n1l8c1t", nil, "not all of them within 0-3 for cgroups[6].cpuset (n) above it, in steps[1].ops[0].swapCpusets"},
		"CPUs beside a partition":            {"free", ops(`{"createCgroup": {"cgroup": "root"}}`, `{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "1-2"}}}`), "1n1l8c1t", nil, "has CPU 0 for both cgroups[2].cpuset (root), a partition, which takes it away from all others, and cgroups[0].cpuset (a), in steps[0].ops[0].createCgroup"},
		"CPUs away from a partition":         {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "1-2"}}}`, `{"createCgroup": {"cgroup": "root"}}`), "1n1l8c1t", nil, ""},
		"a sibling for an affinity":          {"in-a", ops(`{"setAffinity": {"group": "in-a", "affinity": {"smtSiblingPair": {}}}}`), "1n1l8c1t", nil, "has no two threads of one core among CPUs 0-2, which steps[0].ops[0].setAffinity.affinity.smtSiblingPair needs"},
		"CPUs of an affinity":                {"in-a", ops(`{"setAffinity": {"group": "in-a", "affinity": {"exact": "5"}}}`), "1n1l8c1t", nil, "has no CPU of steps[0].ops[0].setAffinity.affinity.exact among those the group can have, 0-2"},
		"the same CPUs when started again":   {"free,in-a", `{"name": "one", "groups": ["in-a"], ` + hold + `}, {"name": "two", "ops": [{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "0"}}}], ` + hold + `}, {"name": "three", "groups": ["in-a"], ` + hold + `}`, "1n1l8c1t", nil, "has CPUs 0 for groups[1] (in-a) when it is started again, and 0-2 at its first start: it must have the same each time, in steps[2]"},
		"other CPUs than declared":           {"free,in-a", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "0"}}}`, `{"startGroup": {"group": "in-a"}}`), "1n1l8c1t", nil, ""},
		"consent to hotplug":                 {"free", ops(`{"offlineCPUs": {"last": 1}}`), "1n1l8c1t", func(m *Machine) { m.Policy = &Policy{DangerousWork: true} }, "does not allow taking CPUs offline, which steps[0].ops[0].offlineCPUs does"},
		"with consent":                       {"free", ops(`{"offlineCPUs": {"last": 1}}`), "1n1l8c1t", hotplug, ""},
		"a CPU that stays":                   {"free", ops(`{"offlineCPUs": {"last": 8}}`), "1n1l8c1t", hotplug, "has 8 CPUs to use, so that none would be left by steps[0].ops[0].offlineCPUs.last, 8"},
		"a CPU that stays, by number":        {"free", ops(`{"clearCpuset": {"cgroup": "a"}}`, `{"clearCpuset": {"cgroup": "b"}}`, `{"offlineCPUs": {"exact": "0"}}`, `{"offlineCPUs": {"exact": "1"}}`), "1n1l2c1t", hotplug, "has no other CPU to use than 0-1, one of which must stay online, in steps[0].ops[3].offlineCPUs"},
		"a CPU to take":                      {"free", ops(`{"offlineCPUs": {"exact": "6-7"}}`, `{"offlineCPUs": {"last": 1}}`), "1n1l8c1t", hotplug, "has CPU 7 of steps[0].ops[1].offlineCPUs offline already"},
		"more CPUs step by step":             {"free", ops(`{"offlineCPUs": {"last": 1}}`, `{"offlineCPUs": {"last": 3}}`), "1n1l8c1t", hotplug, ""},
		"a CPU to bring back":                {"free", ops(`{"offlineCPUs": {"last": 1}}`, `{"onlineCPUs": {"last": 2}}`), "1n1l8c1t", hotplug, "has CPU 6 of steps[0].ops[1].onlineCPUs online already"},
		"CPUs to and fro":                    {"free", repeated(`{"offlineCPUs": {"last": 2}}`, `{"onlineCPUs": {"last": 2}}`), "1n1l8c1t", hotplug, ""},
		"CPUs to take, the 2nd time":         {"free", repeated(`{"offlineCPUs": {"last": 2}}`), "1n1l8c1t", hotplug, "has CPU 6-7 of steps[0].ops[0].offlineCPUs offline already"},
		"a CPU of a cpuset":                  {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "6-7"}}}`, `{"offlineCPUs": {"last": 2}}`), "1n1l8c1t", hotplug, "has CPU 6-7 offline, which cgroups[0] (a) with CPUs 6-7 cannot be without, in steps[0].ops[1].offlineCPUs"},
		"one of two CPUs of a cpuset":        {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "6-7"}}}`, `{"offlineCPUs": {"last": 1}}`), "1n1l8c1t", hotplug, ""},
		"a CPU of a partition":               {"free", ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "1-2"}}}`, `{"createCgroup": {"cgroup": "root"}}`, `{"offlineCPUs": {"exact": "0"}}`), "1n1l8c1t", hotplug, "has CPU 0 offline, which cgroups[2] (root) with CPUs 0,7 cannot be without"},
		"a CPU of an exact affinity":         {"free", ops(`{"setAffinity": {"group": "free", "affinity": {"exact": "5-7"}}}`, `{"offlineCPUs": {"last": 1}}`), "1n1l8c1t", hotplug, "has CPU 7 offline, which the affinity of groups[0] (free), 5-7, cannot be without"},
		"every CPU of an affinity":           {"free", ops(`{"setAffinity": {"group": "free", "affinity": {"singleCPU": {}}}}`, `{"offlineCPUs": {"exact": "0"}}`), "1n1l8c1t", hotplug, "has CPU 0 offline, which the affinity of groups[0] (free), 0, cannot be without"},
		"every CPU of a random subset":       {"free", ops(`{"setAffinity": {"group": "free", "affinity": {"randomSubset": {"count": 2}}}}`, `{"offlineCPUs": {"last": 2}}`), "1n1l8c1t", hotplug, "has CPU 6-7 offline, which the affinity of groups[0] (free), 0-7, cannot be without"},
		"not every CPU of a random subset":   {"free", ops(`{"setAffinity": {"group": "free", "affinity": {"randomSubset": {"count": 2}}}}`, `{"offlineCPUs": {"last": 1}}`), "1n1l8c1t", hotplug, ""},
		"room for deadline tasks":            {"free", ops(`{"setSchedulingPolicy": {"group": "free", "schedulingPolicy": "dl"}}`), "1n1l2c1t", func(m *Machine) { m.Realtime = &Bandwidth{Runtime: 3, Period: 20} }, "has 0.3 CPUs for deadline tasks on CPUs 0-1, less than the 0.4 of groups[0].schedulingPolicy, in steps[0].ops[0].setSchedulingPolicy"},
		"room for deadline tasks, in turn":   {"free,dl", `{"name": "one", "groups": ["dl"], ` + hold + `}, {"name": "two", "ops": [{"setSchedulingPolicy": {"group": "free", "schedulingPolicy": "dl"}}], ` + hold + `}`, "1n1l2c1t", func(m *Machine) { m.Realtime = &Bandwidth{Runtime: 4, Period: 20} }, ""},
		"all CPUs for deadline tasks":        {"in-a", ops(`{"setSchedulingPolicy": {"group": "in-a", "schedulingPolicy": "dl"}}`), "1n1l8c1t", func(m *Machine) { m.Realtime = &Bandwidth{Runtime: 9, Period: 10} }, "has a root domain of CPUs 0-7, all of which a deadline task must be allowed to use"},
		"room for tasks that depend on CPUs": {"free", ops(`{"setCgroup": {"cgroup": "n/in", "pidsMax": 7}}`, `{"moveGroup": {"group": "free", "cgroup": "n/in"}}`), "1n1l8c1t", nil, "would have 8 tasks in cgroups[7] (n/in), with what depends on its CPUs; its pidsMax is 7, in steps[0].ops[1].moveGroup"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inScene(t, tc.steps, onlyGroups(strings.Split(tc.groups, ",")...))
			if !strings.Contains(tc.steps, "root") {
				i := r.cgroup("root")
				r.Cgroups[i].Cpuset = nil // keeps its position
			}
			if strings.HasPrefix(name, "room for tasks that") {
				r.Groups[0].Workers, r.Groups[0].WorkersPercent = 0, 100
			}
			m := machineOf(t, tc.shape)
			if tc.change != nil {
				tc.change(&m)
			}
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			got := errorText(r.Unfit(m))
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A manager goes through the script on every machine of a fleet.
func BenchmarkUnfitWithSteps(b *testing.B) {
	var steps []string
	for range 16 {
		steps = append(steps, strings.Replace(repeated(`{"moveGroup": {"group": "free", "cgroup": "a"}}`, `{"setCpuset": {"cgroup": "n", "cpuset": {"exact": "0-3"}}}`,
			`{"clearCpuset": {"cgroup": "n"}}`, `{"setAffinity": {"group": "in-a", "affinity": {"singleCPU": {}}}}`, `{"moveGroup": {"group": "free"}}`), "1s", "1ms", 1))
	}
	r := inScene(b, strings.Join(steps, ", "), onlyGroups("free", "in-a", "also-a"), withoutRoot)
	for i := range r.Steps {
		r.Steps[i].Name += string(rune('a' + i))
	}
	if err := r.Validate(); err != nil {
		b.Fatal(err)
	}
	m := machineOf(b, "2n8l8c2t")
	for b.Loop() {
		if err := r.Unfit(m); err != nil {
			b.Fatal(err)
		}
	}
}
