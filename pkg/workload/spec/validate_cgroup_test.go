// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// withCgroups is a valid run with cgroups, the first of which holds the workers.
func withCgroups(cgroups ...Cgroup) *Run {
	return valid(func(r *Run) {
		for i := range cgroups {
			if cgroups[i].Name == "" {
				cgroups[i].Name = string(rune('a' + i))
			}
		}
		r.Cgroups, r.Groups[0].Cgroup = cgroups, cgroups[0].Name
	})
}

func length(d time.Duration) *quantity.Duration { return new(quantity.Duration(d)) }

func TestValidateCpusets(t *testing.T) {
	for name, tc := range map[string]struct {
		set  Cpuset
		want string // "" is valid
	}{
		"a list":                           {Cpuset{Exact: "0-3,8191"}, ""},
		"a list that is none":              {Cpuset{Exact: "3-0"}, `cgroups[0].cpuset.exact: must be a list of CPUs such as 0-3,8, not "3-0"`},
		"a CPU that cannot be":             {Cpuset{Exact: "8192"}, `cgroups[0].cpuset.exact: must be a list of CPUs such as 0-3,8, not "8192"`},
		"a range that would fill memory":   {Cpuset{Exact: "0-9000000000000000000"}, "cgroups[0].cpuset.exact: must be a list"},
		"a negative CPU":                   {Cpuset{Exact: "-1"}, "cgroups[0].cpuset.exact: must be a list"},
		"nothing":                          {Cpuset{}, "cgroups[0].cpuset.exact: neither it nor llc, numaNode, range, disjoint, overlap or mems is set"},
		"two ways":                         {Cpuset{Exact: "0", LLC: new(0)}, "cgroups[0].cpuset.exact: at most one of exact, llc, numaNode, range, disjoint and overlap can be set, not 2"},
		"all ways":                         {Cpuset{"0", new(0), new(0), &CPURange{0, 1}, &CPUPart{0, 1}, &CPUOverlap{0, 1, 0}, "", ""}, "can be set, not 6"},
		"the first cache":                  {Cpuset{LLC: new(0)}, ""},
		"a cache below the first":          {Cpuset{LLC: new(-1)}, "cgroups[0].cpuset.llc: must be 0 to 8191, not -1"},
		"the last node there can be":       {Cpuset{NUMANode: new(1023)}, ""},
		"a node that cannot be":            {Cpuset{NUMANode: new(1024)}, "cgroups[0].cpuset.numaNode: must be 0 to 1023, not 1024"},
		"all of the range":                 {Cpuset{Range: &CPURange{0, 100}}, ""},
		"a range from below":               {Cpuset{Range: &CPURange{-1, 100}}, "cgroups[0].cpuset.range: must be 0 <= startPercent < endPercent <= 100, not -1 and 100"},
		"a range beyond the end":           {Cpuset{Range: &CPURange{0, 101}}, "cpuset.range: must be 0 <="},
		"a range without length":           {Cpuset{Range: &CPURange{50, 50}}, "cpuset.range: must be 0 <="},
		"the last part":                    {Cpuset{Disjoint: &CPUPart{2, 3}}, ""},
		"a part after the last":            {Cpuset{Disjoint: &CPUPart{3, 3}}, "cgroups[0].cpuset.disjoint.index: counts from 0, so it must be less than of, 3, not 3"},
		"a part before the first":          {Cpuset{Disjoint: &CPUPart{-1, 3}}, "cpuset.disjoint.index: counts from 0"},
		"no parts":                         {Cpuset{Disjoint: &CPUPart{0, 0}}, "cgroups[0].cpuset.disjoint.of: must be 1 to 8192, not 0"},
		"more parts than there can be":     {Cpuset{Disjoint: &CPUPart{0, 8193}}, "cpuset.disjoint.of: must be 1 to 8192, not 8193"},
		"parts that overlap wholly":        {Cpuset{Overlap: &CPUOverlap{0, 2, 100}}, ""},
		"parts that overlap not at all":    {Cpuset{Overlap: &CPUOverlap{0, 2, 0}}, ""},
		"parts that overlap more":          {Cpuset{Overlap: &CPUOverlap{0, 2, 101}}, "cgroups[0].cpuset.overlap.percent: must be 0 to 100, not 101"},
		"an overlapping part after all":    {Cpuset{Overlap: &CPUOverlap{2, 2, 0}}, "cgroups[0].cpuset.overlap.index: counts from 0"},
		"nodes alone":                      {Cpuset{Mems: "0-1,1023"}, ""},
		"nodes that are no list":           {Cpuset{Mems: "x"}, `cgroups[0].cpuset.mems: must be a list of NUMA nodes of 0 to 1023, such as 0-1,3, not "x"`},
		"nodes that cannot be":             {Cpuset{Mems: "0-1024"}, "cgroups[0].cpuset.mems: must be a list"},
		"a partition of a list":            {Cpuset{Exact: "0", Partition: "Root"}, ""},
		"an isolated partition of a part":  {Cpuset{Disjoint: &CPUPart{0, 2}, Partition: "Isolated"}, ""},
		"a partition that is none":         {Cpuset{Exact: "0", Partition: "root"}, `cgroups[0].cpuset.partition: must be Root or Isolated, not "root"`},
		"a partition that overlaps":        {Cpuset{Overlap: &CPUOverlap{0, 2, 0}, Partition: "Root"}, "cgroups[0].cpuset.partition: needs CPUs that no other has"},
		"a partition of what is inherited": {Cpuset{Mems: "0", Partition: "Root"}, "cgroups[0].cpuset.partition: needs CPUs that no other has"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, withCgroups(Cgroup{Cpuset: &tc.set}).Validate(), tc.want) })
	}
}

func TestValidateCPUOfCgroups(t *testing.T) {
	for name, tc := range map[string]struct {
		cpu  CgroupCPU
		want string // "" is valid
	}{
		"nothing":                      {CgroupCPU{}, "cgroups[0].cpu.weight: nothing is set"},
		"the least weight":             {CgroupCPU{Weight: new(1)}, ""},
		"the most weight":              {CgroupCPU{Weight: new(10000)}, ""},
		"no weight":                    {CgroupCPU{Weight: new(0)}, "cgroups[0].cpu.weight: must be 1 to 10000, not 0"},
		"more weight":                  {CgroupCPU{Weight: new(10001)}, "cgroups[0].cpu.weight: must be 1 to 10000, not 10001"},
		"idle":                         {CgroupCPU{Idle: true}, ""},
		"idle with a weight":           {CgroupCPU{Idle: true, Weight: new(1)}, "cgroups[0].cpu.weight: not together with idle"},
		"a quota of several CPUs":      {CgroupCPU{Quota: length(time.Second), Period: length(100 * time.Millisecond), Burst: length(time.Second)}, ""},
		"a quota of the usual period":  {CgroupCPU{Quota: length(time.Millisecond)}, ""},
		"a quota of nothing":           {CgroupCPU{Quota: length(0)}, "cgroups[0].cpu.quota: must be 1ms to 1000h0m0s in whole microseconds, not 0s"},
		"a quota that is too short":    {CgroupCPU{Quota: length(999 * time.Microsecond)}, "cpu.quota: must be 1ms"},
		"a quota that is too long":     {CgroupCPU{Quota: length(1001 * time.Hour)}, "cpu.quota: must be 1ms"},
		"a quota with nanoseconds":     {CgroupCPU{Quota: length(time.Millisecond + 1)}, "in whole microseconds, not 1.000001ms"},
		"a period of nothing":          {CgroupCPU{Quota: length(time.Second), Period: length(0)}, "cgroups[0].cpu.period: must be 1ms to 1s in whole microseconds, not 0s"},
		"a period that is too long":    {CgroupCPU{Quota: length(time.Second), Period: length(time.Second + time.Microsecond)}, "cpu.period: must be 1ms to 1s"},
		"a period without a quota":     {CgroupCPU{Period: length(time.Second)}, "cgroups[0].cpu.period: needs a quota"},
		"a burst without a quota":      {CgroupCPU{Burst: length(time.Second)}, "cgroups[0].cpu.burst: needs a quota"},
		"a burst of more than a quota": {CgroupCPU{Quota: length(time.Second), Burst: length(time.Second + time.Microsecond)}, "cgroups[0].cpu.burst: must be 1µs to 1s in whole microseconds, not 1.000001s"},
		"a burst of nothing":           {CgroupCPU{Quota: length(time.Second), Burst: length(0)}, "cgroups[0].cpu.burst: must be 1µs"},
		"a clamp":                      {CgroupCPU{UclampMinPercent: new(0), UclampMaxPercent: new(100)}, ""},
		"a clamp to one value":         {CgroupCPU{UclampMinPercent: new(40), UclampMaxPercent: new(40)}, ""},
		"a clamp above all":            {CgroupCPU{UclampMinPercent: new(101)}, "cgroups[0].cpu.uclampMinPercent: must be 0 to 100, not 101"},
		"a clamp below nothing":        {CgroupCPU{UclampMaxPercent: new(-1)}, "cgroups[0].cpu.uclampMaxPercent: must be 0 to 100, not -1"},
		"a clamp the wrong way round":  {CgroupCPU{UclampMinPercent: new(41), UclampMaxPercent: new(40)}, "cgroups[0].cpu.uclampMinPercent: must be at most uclampMaxPercent, 40, not 41"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, withCgroups(Cgroup{CPU: &tc.cpu}).Validate(), tc.want) })
	}
}

func TestValidateMemoryIOAndPids(t *testing.T) {
	amount := func(n int64) *quantity.Bytes { return new(quantity.Bytes(n)) }
	limit := func(l IOLimit) Cgroup {
		if l.Device == "" {
			l.Device = "8:0"
		}
		return Cgroup{IO: &CgroupIO{Limits: []IOLimit{l}}}
	}
	many := make([]IOLimit, 9)
	for i := range many {
		many[i] = IOLimit{Device: "8:" + string(rune('0'+i)), ReadOperationsPerSecond: new(int64(1))}
	}
	for name, tc := range map[string]struct {
		cgroup Cgroup
		want   string // "" is valid
	}{
		"memory in order":                  {Cgroup{Memory: &CgroupMemory{amount(4096), amount(4096), amount(8192), amount(8192), amount(0)}}, ""},
		"no memory setting":                {Cgroup{Memory: &CgroupMemory{}}, "cgroups[0].memory.max: nothing is set"},
		"less than nothing":                {Cgroup{Memory: &CgroupMemory{Min: amount(-1)}}, "cgroups[0].memory.min: must be 0 to 1Pi, not -1"},
		"a limit of less than a page":      {Cgroup{Memory: &CgroupMemory{Max: amount(4095)}}, "cgroups[0].memory.max: must be 4Ki to 1Pi, not 4095"},
		"a throttle of less than a page":   {Cgroup{Memory: &CgroupMemory{High: amount(0)}}, "cgroups[0].memory.high: must be 4Ki to 1Pi, not 0"},
		"more swap than there can be":      {Cgroup{Memory: &CgroupMemory{SwapMax: amount(1<<50 + 1)}}, "cgroups[0].memory.swapMax: must be 0 to 1Pi"},
		"more protected than allowed":      {Cgroup{Memory: &CgroupMemory{Min: amount(8192), Max: amount(4096)}}, "cgroups[0].memory.min: must be at most max, 4Ki, not 8Ki"},
		"more spared than throttled":       {Cgroup{Memory: &CgroupMemory{Low: amount(8192), High: amount(4096)}}, "cgroups[0].memory.low: must be at most high, 4Ki, not 8Ki"},
		"more spared than allowed":         {Cgroup{Memory: &CgroupMemory{Low: amount(8192), Max: amount(4096)}}, "cgroups[0].memory.low: must be at most max"},
		"throttled beyond what is allowed": {Cgroup{Memory: &CgroupMemory{High: amount(8192), Max: amount(4096)}}, "cgroups[0].memory.high: must be at most max"},
		"a weight of io":                   {Cgroup{IO: &CgroupIO{Weight: new(10000)}}, ""},
		"no setting of io":                 {Cgroup{IO: &CgroupIO{}}, "cgroups[0].io.weight: neither it nor limits is set"},
		"no weight of io":                  {Cgroup{IO: &CgroupIO{Weight: new(0)}}, "cgroups[0].io.weight: must be 1 to 10000, not 0"},
		"8 limits of io":                   {Cgroup{IO: &CgroupIO{Limits: many[:8]}}, ""},
		"9 limits of io":                   {Cgroup{IO: &CgroupIO{Limits: many}}, "cgroups[0].io.limits: at most 8, not 9"},
		"two limits of a device":           {Cgroup{IO: &CgroupIO{Limits: []IOLimit{many[0], many[0]}}}, "cgroups[0].io.limits[1].device: 8:0 has limits already"},
		"all limits of a device":           {limit(IOLimit{"4095:1048575", amount(1), amount(1), new(int64(1)), new(int64(1))}), ""},
		"no limit of a device":             {limit(IOLimit{}), "cgroups[0].io.limits[0].device: 8:0 has no limit"},
		"a limit of no bytes":              {limit(IOLimit{ReadBytesPerSecond: amount(0)}), "cgroups[0].io.limits[0].readBytesPerSecond: must be 1 to 1Pi, not 0"},
		"a limit of too many bytes":        {limit(IOLimit{WriteBytesPerSecond: amount(1<<50 + 1)}), "io.limits[0].writeBytesPerSecond: must be 1 to 1Pi"},
		"a limit of no reads":              {limit(IOLimit{ReadOperationsPerSecond: new(int64(0))}), "io.limits[0].readOperationsPerSecond: must be 1 to 1000000000, not 0"},
		"a limit of no writes":             {limit(IOLimit{WriteOperationsPerSecond: new(int64(-1))}), "io.limits[0].writeOperationsPerSecond: must be 1 to 1000000000, not -1"},
		"a device by name":                 {limit(IOLimit{Device: "sda", ReadOperationsPerSecond: new(int64(1))}), `cgroups[0].io.limits[0].device: must be the number of a block device as major:minor, such as 8:0, not "sda"`},
		"a device with three numbers":      {limit(IOLimit{Device: "8:0:0", ReadOperationsPerSecond: new(int64(1))}), "io.limits[0].device: must be the number"},
		"a device with a zero in front":    {limit(IOLimit{Device: "08:0", ReadOperationsPerSecond: new(int64(1))}), "io.limits[0].device: must be the number"},
		"a device that cannot be":          {limit(IOLimit{Device: "4096:0", ReadOperationsPerSecond: new(int64(1))}), "io.limits[0].device: must be the number"},
		"tasks":                            {Cgroup{PidsMax: new(int64(4))}, ""},
		"fewer tasks than workers":         {Cgroup{PidsMax: new(int64(3))}, "cgroups[0].pidsMax: must be at least 4, for the workers and their host processes, not 3"},
		"no tasks":                         {Cgroup{PidsMax: new(int64(0))}, "cgroups[0].pidsMax: must be 1 to 4194304, not 0"},
		"more tasks than there can be":     {Cgroup{PidsMax: new(int64(1<<22 + 1))}, "cgroups[0].pidsMax: must be 1 to 4194304, not 4194305"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, withCgroups(tc.cgroup).Validate(), tc.want) })
	}
}

func TestValidateTheTreeOfCgroups(t *testing.T) {
	weight := &CgroupCPU{Weight: new(1)}
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"threaded below one that is declared": {withCgroups(Cgroup{Name: "a"}, Cgroup{Name: "a/b", Threaded: true}), ""},
		"threaded below one that is not":      {withCgroups(Cgroup{Name: "a/b", Threaded: true}), ""},
		"threaded at the top":                 {withCgroups(Cgroup{Name: "a", Threaded: true}), `cgroups[0].threaded: "a" needs a cgroup above it that holds the processes: name it such as app/a`},
		"threaded with its controllers":       {withCgroups(Cgroup{Name: "a/b", Threaded: true, CPU: weight, Cpuset: &Cpuset{Exact: "0"}, PidsMax: new(int64(9))}), ""},
		"threaded with memory":                {withCgroups(Cgroup{Name: "a/b", Threaded: true, Memory: &CgroupMemory{Max: new(quantity.Bytes(4096))}}), "cgroups[0].memory: is not for a threaded cgroup"},
		"threaded with io":                    {withCgroups(Cgroup{Name: "a/b", Threaded: true, IO: &CgroupIO{Weight: new(1)}}), "cgroups[0].io: is not for a threaded cgroup"},
		"a domain with memory":                {withCgroups(Cgroup{Name: "a", Memory: &CgroupMemory{Max: new(quantity.Bytes(4096))}}, Cgroup{Name: "a/b", Threaded: true}), ""},
		"all below threaded are threaded":     {withCgroups(Cgroup{Name: "a/b", Threaded: true}, Cgroup{Name: "a/b/c", Threaded: true}), ""},
		"one below threaded is not":           {withCgroups(Cgroup{Name: "a/b", Threaded: true}, Cgroup{Name: "a/b/c"}), `cgroups[1].threaded: there are threaded cgroups below "a", so "a/b/c" must be declared and threaded, too`},
		"one beside threaded is not":          {withCgroups(Cgroup{Name: "a/b", Threaded: true}, Cgroup{Name: "a/c"}), `cgroups[1].threaded: there are threaded cgroups below "a", so "a/c" must be`},
		"one that is not declared is not":     {withCgroups(Cgroup{Name: "a/b", Threaded: true}, Cgroup{Name: "a/c/d", Threaded: true}), `cgroups[1].threaded: there are threaded cgroups below "a", so "a/c" must be declared and threaded, too`},
		"threaded in another domain":          {withCgroups(Cgroup{Name: "a/b", Threaded: true}, Cgroup{Name: "ab/c"}, Cgroup{Name: "b"}), ""},
		"workers above one without limits":    {withCgroups(Cgroup{Name: "a"}, Cgroup{Name: "a/b"}), ""},
		"workers above one with limits":       {withCgroups(Cgroup{Name: "a"}, Cgroup{Name: "ab", CPU: weight}, Cgroup{Name: "a/b/c", CPU: weight}), `groups[0].cgroup: "a" cannot hold workers, since "a/b/c" below it has controllers: give the group a cgroup of its own, or declare all below "a" as threaded`},
		"workers above another domain":        {withCgroups(Cgroup{Name: "a"}, Cgroup{Name: "a/b/c", Threaded: true, CPU: weight}), `groups[0].cgroup: "a" cannot hold workers, since "a/b/c" below it has controllers`},
		"workers above an unlimited domain":   {withCgroups(Cgroup{Name: "a"}, Cgroup{Name: "a/b/c", Threaded: true}), ""},
		"workers above threaded ones":         {withCgroups(Cgroup{Name: "a"}, Cgroup{Name: "a/b", Threaded: true, CPU: weight}), ""},
		"workers of no cgroup":                {valid(func(r *Run) { r.Cgroups = []Cgroup{{Name: "a", CPU: weight}} }), ""},
		"nodes within those above":            {withCgroups(Cgroup{Name: "a/b", Cpuset: &Cpuset{Mems: "1"}}, Cgroup{Name: "a", Cpuset: &Cpuset{Mems: "0-1"}}), ""},
		"nodes beyond those above":            {withCgroups(Cgroup{Name: "a/b/c", Cpuset: &Cpuset{Mems: "1-2"}}, Cgroup{Name: "a", Cpuset: &Cpuset{Mems: "0-1"}}), `cgroups[0].cpuset.mems: must be within 0-1 of cgroups[1] (a) above it, not 1-2`},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
}

// Threads of one process have one user, wherever in the domain they are.
func TestThreadsOfADomainShareTheirUser(t *testing.T) {
	run := threads(Group{ProcessName: "p", Cgroup: "c/x", UID: new(int64(7))}, Group{ProcessName: "p", Cgroup: "c", UID: new(int64(8))})
	run.Cgroups = append(run.Cgroups, Cgroup{Name: "c/x", Threaded: true}, Cgroup{Name: "c/x/y", Threaded: true})
	wantError(t, run.Validate(), `groups[1].uid: "g0" and "g1" are threads of one process "p", so it must be the same in both, not 7 and 8`)
	for cgroup, want := range map[string]string{"": "", "c": "c", "c/x": "c", "c/x/y": "c", "d": "d", "c/none": "c/none"} {
		if got := run.DomainOf(cgroup); got != want {
			t.Errorf("the domain of %q is %q, want %q", cgroup, got, want)
		}
	}
	run.Cgroups[2].Threaded, run.Cgroups[3].Threaded = false, false
	wantError(t, run.Validate(), "")
}

func TestMemoryPoliciesKeepToTheirCgroup(t *testing.T) {
	with := func(mems, nodes string, flags ...string) *Run {
		r := withMemory("Bind", nodes, flags...)
		r.Cgroups, r.Groups[0].Cgroup = []Cgroup{{Name: "a", Cpuset: &Cpuset{Mems: mems}}, {Name: "a/b"}}, "a/b"
		return r
	}
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"nodes that are allowed":        {with("0-2", "1-2"), ""},
		"a node that is not":            {with("0", "0-1"), "groups[0].memoryPolicy: memoryPolicies[0].nodes names NUMA nodes 0-1, cgroups[0].cpuset.mems allows 0"},
		"relative nodes":                {with("0", "5", "RelativeNodes"), ""},
		"static nodes, one of them not": {with("0", "0-1", "StaticNodes"), ""},
		"static nodes, none of them":    {with("0", "1-2", "StaticNodes"), "groups[0].memoryPolicy: memoryPolicies[0].nodes names NUMA nodes 1-2"},
		"nodes that are no list":        {with("0", "x"), "memoryPolicies[0].nodes: must be a list"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
}
