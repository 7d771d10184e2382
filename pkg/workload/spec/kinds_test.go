// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
	"github.com/schedfleet/schedfleet/pkg/workload/work/worktest"
)

// kindFacts is what the admission of a kind depends on. It stands here once more, apart
// from the kinds themselves: a kind that says something else by mistake is found.
type kindFacts struct {
	// set is how many workers of the kind's first example work together.
	set int
	// forkOnly is a part of why its workers cannot be threads.
	forkOnly string
	// dangerous kinds ask for permission, classes are given to workers by the kind.
	dangerous, classes bool
	// noPercent is a part of why the number of workers cannot be a share of the CPUs.
	noPercent string
	// needs is the capability without which it cannot be done.
	needs string
}

const (
	noForkOfThreads = "a fork of one of several threads would copy"
	fewOnly         = "of which there may be a few only"
	ownThreads      = "brings its own threads"
)

// facts are by kind; of one that is not named nothing is special.
var facts = map[string]kindFacts{
	"smtSiblingSpin":            {set: 2},
	"pipeIo":                    {set: 2},
	"cachePipe":                 {set: 2},
	"futexPingPong":             {set: 2},
	"asymmetricWaker":           {set: 2, classes: true},
	"signalStorm":               {set: 2},
	"futexFanOut":               {set: 5},
	"fanOutCompute":             {set: 5},
	"thunderingHerd":            {set: 8},
	"wakeChain":                 {set: 4},
	"epollStorm":                {set: 3},
	"producerConsumerImbalance": {set: 3},
	"mutexContention":           {set: 4},
	"priorityInversion":         {set: 2, dangerous: true, classes: true, needs: capability.Realtime},
	"rtStarvation":              {set: 2, dangerous: true, classes: true, needs: capability.Realtime},
	"preemptStorm":              {set: 3, dangerous: true, classes: true, needs: capability.Realtime},
	"numaMigrationChurn":        {set: 1, needs: capability.NUMA},
	"forkExit":                  {set: 1, forkOnly: noForkOfThreads},
	"cgroupChurn":               {set: 1, dangerous: true, forkOnly: "takes all threads of a process along", needs: capability.CgroupV2},
	"cgroupAttachStorm":         {set: 1, dangerous: true, forkOnly: noForkOfThreads, needs: capability.CgroupV2},
	"netTraffic":                {set: 1, noPercent: fewOnly, needs: capability.VirtualEthernet},
	"irqWake":                   {set: 2, noPercent: fewOnly, needs: capability.VirtualEthernet},
	"schbench":                  {set: 1, noPercent: ownThreads},
	"taobench":                  {set: 1, noPercent: ownThreads},
	"exec":                      {set: 1, forkOnly: "takes the place of the worker's whole process", noPercent: fewOnly},
}

// ofKind is a run of one set of a kind, with all permissions.
func ofKind(e *worktest.Example, set int, change func(*Run)) *Run {
	r := &Run{
		Duration: 1e9, Seed: 7, AllowDangerousWork: true,
		SchedulingPolicies: []SchedulingPolicy{{Name: "batch", Batch: &struct{}{}}},
		Groups:             []Group{{Name: "g", Workers: set, CloneMode: CloneModeFork, Work: e.Spec}},
	}
	change(r)
	return r
}

// combinations are what a kind may be combined with, and a part of the refusal; empty, it is taken.
func combinations(kind string, f kindFacts) map[string]struct {
	change func(*Run)
	want   string
} {
	group := func(change func(g *Group)) func(*Run) { return func(r *Run) { change(&r.Groups[0]) } }
	threads := func(process string) func(*Run) {
		return group(func(g *Group) { g.CloneMode, g.ProcessName = CloneModeThread, process })
	}
	when := func(refused bool, text string) string {
		if refused {
			return text
		}
		return ""
	}
	noThreads := when(f.forkOnly != "", "groups[0].cloneMode: must be Fork for "+kind+": ..."+f.forkOnly)
	return map[string]struct {
		change func(*Run)
		want   string
	}{
		"processes":                   {func(*Run) {}, ""},
		"threads":                     {threads(""), noThreads},
		"threads of a shared process": {threads("server"), noThreads},
		"processes with the name of one": {group(func(g *Group) { g.ProcessName = "server" }),
			"groups[0].processName: needs cloneMode Thread, not Fork"},
		"two sets":   {group(func(g *Group) { g.Workers = 2 * f.set }), ""},
		"no workers": {group(func(g *Group) { g.Workers = 0 }), "groups[0].workers: must be 1 to 20000, not 0"},
		"a set and one more": {group(func(g *Group) { g.Workers = f.set + 1 }),
			when(f.set > 1, fmt.Sprintf("groups[0].workers: %s works in sets of %d, so it must be a multiple of that, not %d", kind, f.set, f.set+1))},
		"a share of the CPUs": {group(func(g *Group) { g.Workers, g.WorkersPercent = 0, 100 }),
			when(f.noPercent != "", "groups[0].workersPercent: ..."+f.noPercent)},
		"without permission": {func(r *Run) { r.AllowDangerousWork = false },
			when(f.dangerous, "groups[0].work."+kind+": can harm what else runs on the machine: set allowDangerousWork, and use nodes that allow it")},
		"a class of the group's": {group(func(g *Group) { g.SchedulingPolicy = "batch" }),
			when(f.classes, "groups[0].schedulingPolicy: "+kind+" gives its workers their scheduling classes itself")},
		"another kind as well": {group(func(g *Group) {
			if g.Work.SpinWait == nil {
				g.Work.SpinWait = &work.SpinWait{}
			} else {
				g.Work.YieldHeavy = &work.YieldHeavy{}
			}
		}), "groups[0].work: exactly one kind of work must be set, not "},
	}
}

func TestEveryKindIsTakenOrRefusedWithItsReason(t *testing.T) {
	kinds := worktest.Kinds()
	for kind := range facts {
		if !slices.Contains(kinds, kind) {
			t.Errorf("there is no kind %s", kind)
		}
	}
	for _, kind := range kinds {
		f, special := facts[kind]
		if !special {
			f.set = 1
		}
		list := worktest.Examples(kind)
		if len(list) == 0 {
			t.Errorf("there is no example of %s", kind)
			continue
		}
		table := combinations(kind, f)
		for _, name := range slices.Sorted(maps.Keys(table)) {
			t.Run(kind+", "+name, func(t *testing.T) {
				tc := table[name]
				assertVerdict(t, ofKind(&list[0], f.set, tc.change).Validate(), tc.want)
			})
		}
	}
}

// assertVerdict checks that an error begins with something, and says what stands behind an
// ellipsis, or that there is none.
func assertVerdict(t *testing.T, err error, want string) {
	t.Helper()
	begin, reason, _ := strings.Cut(want, "...")
	if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), begin) || !strings.Contains(err.Error(), reason)) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// A machine refuses kinds that its policy does not allow, or that it cannot do.
func TestMachinesRefuseKinds(t *testing.T) {
	everything := &Policy{DangerousWork: true, Programs: map[string]string{"sh": "/bin/sh"}}
	for _, kind := range worktest.Kinds() {
		f := facts[kind]
		e := worktest.Examples(kind)[0]
		able := map[string]capability.State{}
		for _, need := range ofKind(&e, max(f.set, 1), func(*Run) {}).Needs() {
			able[need.Capability] = capability.Present
		}
		unable := maps.Clone(able)
		unable[f.needs] = capability.Absent
		strict, lacks := "", ""
		switch {
		case f.dangerous:
			strict = "does not allow dangerous work, which groups[0].work." + kind + " is"
		case kind == "exec":
			strict = "does not offer the program sh, which groups[0].work.exec.program names"
		}
		if f.needs != "" {
			lacks = "lacks the feature " + f.needs + ", which groups[0].work." + kind + " needs"
		}
		for name, tc := range map[string]struct {
			policy       *Policy
			capabilities map[string]capability.State
			want         string
		}{
			"one that allows everything":         {everything, able, ""},
			"one of which no policy is known":    {nil, able, ""},
			"one that allows nothing":            {&Policy{}, able, strict},
			"one that lacks what the kind needs": {everything, unable, lacks},
		} {
			t.Run(kind+" on "+name, func(t *testing.T) {
				run := ofKind(&e, max(f.set, 1), func(*Run) {})
				assertVerdict(t, run.Unfit(Machine{CPUs: cpuset.New(0, 1), Policy: tc.policy, Capabilities: tc.capabilities}), tc.want)
			})
		}
	}
}

// Some kinds bring more than tasks, of which there may be a few only, or name what is
// to be there.
func TestWhatKindsAskOfARun(t *testing.T) {
	example := func(kind string) *worktest.Example { return &worktest.Examples(kind)[0] }
	workers := func(n int) func(*Run) { return func(r *Run) { r.Groups[0].Workers = n } }
	destination := func(cgroups ...Cgroup) func(*Run) {
		return func(r *Run) {
			r.Groups[0].Work.CgroupAttachStorm.Destination = "there"
			r.Cgroups = cgroups
		}
	}
	for name, tc := range map[string]struct {
		run  *Run
		want string
	}{
		"as many networks as there may be": {ofKind(example("netTraffic"), 1, workers(work.MaxPacketSets)), ""},
		"a network too many":               {ofKind(example("netTraffic"), 1, workers(work.MaxPacketSets+1)), "groups: at most 64 sets of workers can have a network of their own, not 65"},
		"pairs that share networks":        {ofKind(example("irqWake"), 1, workers(2*work.MaxPacketSets)), ""},
		"a pair too many":                  {ofKind(example("irqWake"), 1, workers(2*work.MaxPacketSets+2)), "groups: at most 64 sets of workers can have a network of their own, not 65"},
		"as much scratch as there may be":  {ofKind(example("ioRandRead"), 1, gigabytes(16)), ""},
		"more scratch than there may be": {ofKind(example("ioRandRead"), 1, gigabytes(17)),
			"groups: at most 16Gi of scratch files in all, not 17Gi: give a smaller fileSize, or fewer workers"},
		"arguments that are too long together": {ofKind(example("exec"), 1, func(r *Run) {
			r.Groups[0].Work.Exec.Args = slices.Repeat([]string{strings.Repeat("a", 1024)}, 64)
			r.Groups[0].Work.Exec.Env = []work.EnvVar{{Name: "N", Value: "v"}}
		}), "groups: at most 64Ki of args and env of programs in all, not 65538 bytes"},
		"as many programs as there may be": {ofKind(example("exec"), 1, workers(MaxPrograms)), ""},
		"a program too many":               {ofKind(example("exec"), 1, workers(MaxPrograms+1)), "groups: at most 64 workers can be programs, not 65"},
		"a destination that is declared":   {ofKind(example("cgroupAttachStorm"), 1, destination(Cgroup{Name: "there"})), ""},
		"a destination that is not":        {ofKind(example("cgroupAttachStorm"), 1, destination(Cgroup{Name: "elsewhere"})), `groups[0].work.cgroupAttachStorm.destination: there is no "there" in cgroups`},
		"a destination, and no cgroups":    {ofKind(example("cgroupAttachStorm"), 1, destination()), `groups[0].work.cgroupAttachStorm.destination: there is no "there" in cgroups`},
	} {
		t.Run(name, func(t *testing.T) { assertVerdict(t, tc.run.Validate(), tc.want) })
	}
}

// gigabytes is that many workers with a file of a gigabyte each.
func gigabytes(n int) func(*Run) {
	return func(r *Run) {
		r.Groups[0].Workers, r.Groups[0].Work.IORandRead = n, &work.IORandRead{FileSize: new(quantity.Bytes(1 << 30))}
	}
}
