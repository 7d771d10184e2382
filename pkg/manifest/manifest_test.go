// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func runSpec(change func(*v1alpha1.RunSpec)) *v1alpha1.RunSpec {
	r := &v1alpha1.RunSpec{
		Duration: metav1.Duration{Duration: 1e9}, Seed: 1,
		Groups: []v1alpha1.Group{{Name: "g", Workers: new(int32(2)), CloneMode: v1alpha1.CloneModeFork, Work: v1alpha1.Work{SpinWait: &v1alpha1.SpinWait{}}}},
	}
	change(r)
	return r
}

// Whatever the model has, the API has under the same name. The reverse need not
// hold: what the model lacks is refused, by name in Check and else by the decoder.
func TestTheModelIsPartOfTheAPI(t *testing.T) {
	api := jsonPaths(reflect.TypeFor[v1alpha1.RunSpec](), "")
	for path := range jsonPaths(reflect.TypeFor[spec.Run](), "") {
		if !api[path] {
			t.Errorf("the model has %s, the API has not", path)
		}
	}
}

// jsonPaths lists the members of a type's JSON.
func jsonPaths(typ reflect.Type, at string) map[string]bool {
	paths := map[string]bool{}
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[metav1.Duration]() || typ == reflect.TypeFor[resource.Quantity]() {
		return paths
	}
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		path := at + "." + name
		paths[path] = true
		for p := range jsonPaths(f.Type, path) {
			paths[p] = true
		}
	}
	return paths
}

func TestModelCarriesEverything(t *testing.T) {
	run := runSpec(func(r *v1alpha1.RunSpec) {
		r.SchedulingPolicies = []v1alpha1.SchedulingPolicy{{Name: "rt", FIFO: &v1alpha1.RealtimePolicy{Priority: 5}}}
		r.Cgroups = []v1alpha1.Cgroup{{Name: "a/b"}}
		r.MemoryPolicies = []v1alpha1.MemoryPolicy{{Name: "m", Mode: v1alpha1.MemoryBind, Nodes: "0-1", Flags: []v1alpha1.MemoryPolicyFlag{v1alpha1.MemoryStaticNodes}}}
		g := &r.Groups[0]
		g.CloneMode, g.ProcessName, g.MemoryPolicy, g.UID, g.GID = v1alpha1.CloneModeThread, "p", "m", new(int64(0)), new(int64(4294967294))
		g.Comm, g.Cgroup, g.SchedulingPolicy, g.Nice = "name", "a/b", "rt", new(int32(0))
		g.Affinity = &v1alpha1.Affinity{RandomSubset: &v1alpha1.RandomSubset{From: "0-1", Count: 1}}
		g.Work = v1alpha1.Work{Bursty: &v1alpha1.Bursty{Burst: metav1.Duration{Duration: 1e6}, Sleep: metav1.Duration{Duration: 2e6}}}
	})
	got, err := Model(run)
	if err != nil {
		t.Fatal(err)
	}
	want := &spec.Run{
		Duration: 1e9, Seed: 1, Cgroups: []spec.Cgroup{{Name: "a/b"}},
		SchedulingPolicies: []spec.SchedulingPolicy{{Name: "rt", FIFO: &spec.Realtime{Priority: 5}}},
		MemoryPolicies:     []spec.MemoryPolicy{{Name: "m", Mode: "Bind", Nodes: "0-1", Flags: []string{"StaticNodes"}}},
		Groups: []spec.Group{{
			Name: "g", Workers: 2, CloneMode: spec.CloneModeThread, ProcessName: "p", MemoryPolicy: "m", UID: new(int64(0)), GID: new(int64(4294967294)), Comm: "name", Cgroup: "a/b", SchedulingPolicy: "rt", Nice: new(0),
			Affinity: &spec.Affinity{RandomSubset: &spec.RandomSubset{From: "0-1", Count: 1}},
			Work:     work.Spec{Bursty: &work.Bursty{Burst: 1e6, Sleep: 2e6}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// everything is a run with every member that the model has, quantities in the form
// that both write.
const everything = `{
  "duration": "1s", "seed": 7, "allowDangerousWork": true,
  ` + everyStep + `
  "interference": {"maxOtherCPU": "200m", "maxSteal": "1", "maxInterruptCPU": "1500m", "maxMemoryPressurePercent": 0, "maxIOPressurePercent": 1,
    "minFrequencyPercent": 90, "maxThermalEvents": 0, "maxClockStep": "1ms", "maxThrottledPercent": 5},
  "schedulingPolicies": [{"name": "a", "normal": {}}, {"name": "b", "batch": {}}, {"name": "c", "idle": {}}, {"name": "d", "fifo": {"priority": 98}},
    {"name": "e", "roundRobin": {"priority": 1}}, {"name": "f", "deadline": {"runtime": "1ms", "deadline": "2ms", "period": "3ms"}}, {"name": "g", "ext": {}}],
  "memoryPolicies": [{"name": "m", "mode": "Bind", "nodes": "0-1", "flags": ["StaticNodes"]}],
  "cgroups": [
    {"name": "app", "cpuset": {"exact": "0-3", "mems": "0", "partition": "Root"},
      "cpu": {"weight": 1, "quota": "2ms", "period": "3ms", "burst": "1ms", "uclampMinPercent": 0, "uclampMaxPercent": 100},
      "memory": {"min": "0", "low": "1Ki", "high": "1Mi", "max": "1Gi", "swapMax": "4097"},
      "io": {"weight": 5, "limits": [{"device": "8:0", "readBytesPerSecond": "1Mi", "writeBytesPerSecond": "1", "readOperationsPerSecond": 2, "writeOperationsPerSecond": 3}]},
      "pidsMax": 9},
    {"name": "app/a", "threaded": true, "cpu": {"idle": true}},
    {"name": "b", "cpuset": {"llc": 0}}, {"name": "c", "cpuset": {"numaNode": 0}}, {"name": "d", "cpuset": {"range": {"startPercent": 0, "endPercent": 50}}},
    {"name": "e", "cpuset": {"disjoint": {"index": 0, "of": 2}}}, {"name": "f", "cpuset": {"overlap": {"index": 0, "of": 2, "percent": 0}}}],
  "groups": [
    {"name": "a", "workers": 2, "cloneMode": "Thread", "processName": "p", "comm": "q", "work": {"spinWait": {}}, "cgroup": "app/a", "schedulingPolicy": "a",
      "memoryPolicy": "m", "affinity": {"exact": "0"}, "numaNode": 0, "nice": 0, "uid": 0, "gid": 0},
    {"name": "b", "workersPercent": 5, "cloneMode": "Fork", "work": {"yieldHeavy": {}}, "affinity": {"singleCPU": {}}},
    {"name": "c", "workers": 1, "cloneMode": "Fork", "work": {"bursty": {"burst": "1ms", "sleep": "2ms"}}, "affinity": {"randomSubset": {"from": "0-1", "count": 1}}},
    {"name": "d", "workers": 2, "cloneMode": "Fork", "work": {"pipeIo": {"burstIters": 0}}, "affinity": {"llcAligned": {}}},
    {"name": "e", "workers": 2, "cloneMode": "Fork", "work": {"futexPingPong": {"spinIters": 0}}, "affinity": {"smtSiblingPair": {}}},
    {"name": "f", "workers": 5, "cloneMode": "Fork", "work": {"futexFanOut": {"fanOut": 4, "spinIters": 0}}, "affinity": {"crossCgroup": {}}},
    {"name": "g", "workers": 1, "cloneMode": "Fork", "work": {"timerLatency": {"interval": "1ms"}}},
    {"name": "h", "workers": 1, "cloneMode": "Fork", "work": {"cachePressure": {"size": "4Ki", "stride": 64}}, "affinity": {"lowestCPUs": {"count": 2}}},
    ` + everyKind + `]
}`

// The API, the model and the text between them hold the same, whatever is set.
func TestModelIsTheSameJSON(t *testing.T) {
	var run v1alpha1.RunSpec
	if err := json.Unmarshal([]byte(everything), &run); err != nil {
		t.Fatal(err)
	}
	for groups := range slices.Chunk(run.Groups, 12) { // more are too many at once
		part := run
		part.Groups, part.Steps, part.Checks = groups, nil, nil // which are about several of them
		if err := Check(&part, nil); err != nil {
			t.Fatal(err)
		}
	}
	model, err := Model(&run)
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, []byte(everything))
	for name, holder := range map[string]any{"the API": run, "the model": model} {
		text, err := json.Marshal(holder)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, object(t, text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for path := range jsonPaths(reflect.TypeFor[spec.Run](), "") {
		if !holds(want, strings.Split(path, ".")[1:]) {
			t.Errorf("the text has no %s, so it is not tested", path)
		}
	}
}

func object(t *testing.T, text []byte) any {
	t.Helper()
	var o any
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// holds says whether some object has a member at a path.
func holds(o any, path []string) bool {
	if list, ok := o.([]any); ok {
		return slices.ContainsFunc(list, func(item any) bool { return holds(item, path) })
	}
	if len(path) == 0 {
		return true
	}
	members, _ := o.(map[string]any)
	member, ok := members[path[0]]
	return ok && holds(member, path[1:])
}

// Whatever way a size is written, the model reads the same bytes.
func TestModelReadsEverySize(t *testing.T) {
	for name, tc := range map[string]struct {
		json string
		want quantity.Bytes // 0: refused
	}{
		"binary":                      {`"32Ki"`, 32 << 10},
		"decimal":                     {`"64k"`, 64_000},
		"plain":                       {`"4097"`, 4097},
		"a number":                    {`65536`, 65536},
		"with a fraction that is one": {`"0.5Gi"`, 512 << 20},
		"a decimal one of binary":     {`"4.5Ki"`, 4608},
		"with an exponent":            {`"1e6"`, 1_000_000},
		"with an odd exponent":        {`"10E4"`, 100_000},
		"in thousandths":              {`"8192000m"`, 8192},
		"with zeros in front":         {`"0032Ki"`, 32 << 10},
		"with a sign":                 {`"+32Ki"`, 32 << 10},
		"the largest":                 {`"16Gi"`, 16 << 30},
		"half a byte":                 {`"8192500m"`, 0},
		"a fraction of a byte":        {`"4.0001Ki"`, 0},
		"less than nothing":           {`"-4Ki"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var size resource.Quantity
			if err := json.Unmarshal([]byte(tc.json), &size); err != nil {
				t.Fatal(err)
			}
			_ = size.String() // remembers what it returns
			run := runSpec(func(r *v1alpha1.RunSpec) {
				r.Groups[0].Work = v1alpha1.Work{CachePressure: &v1alpha1.CachePressure{Size: size, Stride: 64}}
			})
			before := run.Groups[0].Work.CachePressure
			model, err := Model(run)
			if run.Groups[0].Work.CachePressure != before || before.Size.String() != size.String() {
				t.Error("the run itself was changed")
			}
			if tc.want == 0 {
				if err == nil || !strings.HasPrefix(err.Error(), "groups[0].work.cachePressure.size: must be a whole number of bytes of at least 0") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := *model.Groups[0].Work.CachePressure; got != (work.CachePressure{Size: tc.want, Stride: 64}) {
				t.Errorf("got %+v, want %d bytes", got, int64(tc.want))
			}
		})
	}
}

// Whatever way CPUs are written, the model reads the same thousandths.
func TestModelReadsEveryNumberOfCPUs(t *testing.T) {
	for name, tc := range map[string]struct {
		json string
		want quantity.CPUs // -1: refused
	}{
		"in thousandths":         {`"200m"`, 200},
		"with a fraction":        {`"0.2"`, 200},
		"a whole one":            {`"1"`, 1000},
		"a number":               {`2`, 2000},
		"one and a half":         {`"1.5"`, 1500},
		"none":                   {`"0"`, 0},
		"with an exponent":       {`"5e-2"`, 50},
		"binary":                 {`"1Ki"`, 1024_000},
		"less than a thousandth": {`"200u"`, -1},
		"less than nothing":      {`"-1"`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			var limit resource.Quantity
			if err := json.Unmarshal([]byte(tc.json), &limit); err != nil {
				t.Fatal(err)
			}
			model, err := Model(runSpec(func(r *v1alpha1.RunSpec) {
				r.Interference = &v1alpha1.Interference{MaxSteal: &limit}
			}))
			if tc.want < 0 {
				if err == nil || !strings.HasPrefix(err.Error(), "interference.maxSteal: must be a whole number of thousandths of a CPU of at least 0") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := *model.Interference.MaxSteal; got != tc.want {
				t.Errorf("got %d thousandths, want %d", got, tc.want)
			}
		})
	}
}

// Every amount of memory of a kind of work is read in whatever form it is written.
func TestModelReadsEveryAmountOfWork(t *testing.T) {
	amount := func(n float64) resource.Quantity { return resource.MustParse(fmt.Sprintf("%ge3", n)) }
	kinds := []v1alpha1.Work{
		{FanOutCompute: &v1alpha1.FanOutCompute{CacheFootprint: amount(1)}},
		{IOConvoy: &v1alpha1.IOConvoy{FileSize: new(amount(2))}},
		{PageFaultChurn: &v1alpha1.PageFaultChurn{Region: amount(3)}},
		{Schbench: &v1alpha1.Schbench{PipeTransfer: amount(4), CacheFootprint: amount(5)}},
		{Taobench: &v1alpha1.Taobench{CacheCapacity: amount(6)}},
	}
	run := runSpec(func(r *v1alpha1.RunSpec) {
		r.Groups = nil
		for _, k := range kinds {
			r.Groups = append(r.Groups, v1alpha1.Group{Work: k})
		}
	})
	model, err := Model(run)
	if err != nil {
		t.Fatal(err)
	}
	got := []quantity.Bytes{
		model.Groups[0].Work.FanOutCompute.CacheFootprint, *model.Groups[1].Work.IOConvoy.FileSize, model.Groups[2].Work.PageFaultChurn.Region,
		model.Groups[3].Work.Schbench.PipeTransfer, model.Groups[3].Work.Schbench.CacheFootprint, model.Groups[4].Work.Taobench.CacheCapacity,
	}
	if diff := cmp.Diff([]quantity.Bytes{1000, 2000, 3000, 4000, 5000, 6000}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every amount of memory of a cgroup is read in whatever form it is written.
func TestModelReadsEveryAmountOfACgroup(t *testing.T) {
	amount := func(n float64) *resource.Quantity { return new(resource.MustParse(fmt.Sprintf("%ge3", n))) }
	model, err := Model(runSpec(func(r *v1alpha1.RunSpec) {
		r.Cgroups = []v1alpha1.Cgroup{{
			Name:   "c",
			Memory: &v1alpha1.CgroupMemory{Min: amount(1), Low: amount(2), High: amount(3), Max: amount(4), SwapMax: amount(7)},
			IO:     &v1alpha1.CgroupIO{Limits: []v1alpha1.IOLimit{{Device: "8:0", ReadBytesPerSecond: amount(5), WriteBytesPerSecond: amount(6)}}},
		}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	bytes := func(n int64) *quantity.Bytes { return new(quantity.Bytes(n * 1000)) }
	want := []spec.Cgroup{{
		Name:   "c",
		Memory: &spec.CgroupMemory{Min: bytes(1), Low: bytes(2), High: bytes(3), Max: bytes(4), SwapMax: bytes(7)},
		IO:     &spec.CgroupIO{Limits: []spec.IOLimit{{Device: "8:0", ReadBytesPerSecond: bytes(5), WriteBytesPerSecond: bytes(6)}}},
	}}
	if diff := cmp.Diff(want, model.Cgroups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A quantity that the model cannot hold is refused by its field, like all else.
func TestModelNamesEveryQuantityItRefuses(t *testing.T) {
	half := func() *resource.Quantity { return new(resource.MustParse("0.0005")) }
	err := Check(runSpec(func(r *v1alpha1.RunSpec) {
		r.Groups[0].Work = v1alpha1.Work{CachePressure: &v1alpha1.CachePressure{Size: *half(), Stride: 64}}
		r.Cgroups = []v1alpha1.Cgroup{{Name: "c"}, {
			Name:   "d",
			Memory: &v1alpha1.CgroupMemory{Min: half(), Low: half(), High: half(), Max: half(), SwapMax: half()},
			IO:     &v1alpha1.CgroupIO{Limits: []v1alpha1.IOLimit{{Device: "8:0"}, {Device: "8:16", ReadBytesPerSecond: half(), WriteBytesPerSecond: half()}}},
		}}
		r.Interference = &v1alpha1.Interference{MaxOtherCPU: half(), MaxSteal: half(), MaxInterruptCPU: half()}
	}), nil)
	want := []string{
		"spec.groups[0].work.cachePressure.size", "spec.cgroups[1].memory.min", "spec.cgroups[1].memory.low", "spec.cgroups[1].memory.high",
		"spec.cgroups[1].memory.max", "spec.cgroups[1].memory.swapMax", "spec.cgroups[1].io.limits[1].readBytesPerSecond",
		"spec.cgroups[1].io.limits[1].writeBytesPerSecond", "spec.interference.maxOtherCPU", "spec.interference.maxSteal", "spec.interference.maxInterruptCPU",
	}
	var got []string
	for one := range strings.SplitSeq(fmt.Sprint(err), "; ") {
		field, _, _ := strings.Cut(one, ":")
		got = append(got, field)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of %v (-want +got):\n%s", err, diff)
	}
}

func TestCheckRefusesByName(t *testing.T) {
	for name, tc := range map[string]struct {
		run       *v1alpha1.RunSpec
		placement *v1alpha1.Placement
		reason    string
		message   string
	}{
		"what is supported": {run: runSpec(func(*v1alpha1.RunSpec) {})},
		"steps that cannot follow": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Steps = []v1alpha1.Step{{Name: "s", Hold: v1alpha1.Hold{Percent: new(int32(1))}, Ops: []v1alpha1.Op{{StartGroup: &v1alpha1.GroupOp{Group: "g"}}, {StartGroup: &v1alpha1.GroupOp{Group: "g"}}}}}
		}), nil, v1alpha1.ReasonInvalid, `spec.steps[0].ops[1].startGroup.group: group "g" runs already`},
		"several at once": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Scheduler = &v1alpha1.Scheduler{}
		}), &v1alpha1.Placement{Gang: true, NodesPercent: new(int32(5))}, v1alpha1.ReasonNotSupportedYet,
			"not supported yet: spec.scheduler, spec.placement.nodesPercent"},
		"threads, credentials and a memory policy": {run: runSpec(func(r *v1alpha1.RunSpec) {
			r.MemoryPolicies = []v1alpha1.MemoryPolicy{{Name: "m", Mode: v1alpha1.MemoryLocal}}
			g := &r.Groups[0]
			g.CloneMode, g.ProcessName, g.MemoryPolicy, g.UID, g.GID = v1alpha1.CloneModeThread, "p", "m", new(int64(1)), new(int64(1))
		})},
		"what only the engine sees": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Groups[0].CloneMode, r.Groups[0].ProcessName = v1alpha1.CloneModeThread, "a\x00b"
			r.MemoryPolicies = []v1alpha1.MemoryPolicy{{Name: "m", Mode: v1alpha1.MemoryBind, Nodes: "3-1"}}
		}), nil, v1alpha1.ReasonInvalid,
			`spec.memoryPolicies[0].nodes: must be a list of NUMA nodes of 0 to 1023, such as 0-1,3, not "3-1"; spec.groups[0].processName: at most 15 bytes`},
		"a stride beyond the memory": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Groups[0].Work = v1alpha1.Work{CachePressure: &v1alpha1.CachePressure{Size: resource.MustParse("4Ki"), Stride: 4097}}
		}), nil, v1alpha1.ReasonInvalid,
			"spec.groups[0].work.cachePressure.stride must be 1 to the size in bytes, 4096, not 4097"},
		"too many workers in all": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Groups = append(r.Groups, r.Groups[0])
			r.Groups[0].Workers, r.Groups[1].Workers, r.Groups[1].Name = new(int32(20000)), new(int32(1)), "h"
		}), nil, v1alpha1.ReasonInvalid, "spec.groups: at most 20000 workers in all, not 20001"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(tc.run, tc.placement)
			if tc.reason == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refusal, ok := err.(*Refusal) //nolint:errorlint // it is documented to be one
			if !ok || refusal.Reason != tc.reason || !strings.Contains(refusal.Message, tc.message) {
				t.Errorf("got %+v, want %s: %s", err, tc.reason, tc.message)
			}
		})
	}
}

// Every member of the API that the model lacks is refused by name, so that no one
// meets the decoder's words.
func TestEveryMemberIsSupportedOrRefused(t *testing.T) {
	model := jsonPaths(reflect.TypeFor[spec.Run](), "")
	refused := map[string]bool{
		".steps": true, ".checks": true, ".scheduler": true,
	}
	for path := range jsonPaths(reflect.TypeFor[v1alpha1.RunSpec](), "") {
		known := model[path]
		for p := path; p != ""; p = p[:strings.LastIndex(p, ".")] {
			known = known || refused[p]
		}
		if !known {
			t.Errorf("the model does not know %s and Check does not refuse it", path)
		}
	}
}
