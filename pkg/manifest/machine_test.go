// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

func synthetic(t testing.TB, shape string, changes ...func(*topology.Machine)) *topology.Machine {
	t.Helper()
	m, err := topology.Synthetic(shape)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(m)
	}
	return m
}

func modelOf(t testing.TB, change func(*v1alpha1.RunSpec)) *spec.Run {
	t.Helper()
	run := runSpec(change)
	if err := Check(run, nil); err != nil {
		t.Fatal(err)
	}
	model, err := Model(run)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// bySet compares sets by their members.
var bySet = cmp.Comparer(func(a, b cpuset.CPUSet) bool { return a.Equals(b) })

func memoryOnlyNode(m *topology.Machine) {
	id := len(m.Nodes)
	for i := range m.Nodes {
		m.Nodes[i].Distances = append(m.Nodes[i].Distances, 30)
	}
	distances := make([]int, id+1)
	m.Nodes = append(m.Nodes, topology.Node{ID: id + 4, CPUs: cpuset.New(), MemoryTotalKiB: 5, Distances: distances})
}

// A cache may span NUMA nodes, as with sub-NUMA clustering.
func nodesOfEvenAndOdd(m *topology.Machine) {
	var cpus [2]cpuset.CPUSet
	for i := range m.CPUs {
		m.CPUs[i].Node = m.CPUs[i].ID % 2
		cpus[m.CPUs[i].Node] = cpus[m.CPUs[i].Node].Union(cpuset.New(m.CPUs[i].ID))
	}
	m.Nodes[0].CPUs, m.Nodes[1].CPUs = cpus[0], cpus[1]
}

func someOff(m *topology.Machine) {
	m.Offline, m.Isolated, m.NohzFull = cpuset.New(900, 901), cpuset.New(0), cpuset.New(0, 1)
}

func twoClasses(m *topology.Machine) {
	all := m.Online()
	m.Classes = []topology.Class{{Name: "core", Capacity: 1024, CPUs: cpuset.New(0)}, {Name: "atom", CPUs: all.Difference(cpuset.New(0))}}
}

func oddNames(m *topology.Machine) {
	for i := range m.LLCs {
		m.LLCs[i].ID, m.LLCs[i].Level, m.LLCs[i].SizeKiB = 7*i+3, 0, 0
	}
}

// What a node publishes and what is read back of it is the same machine in all
// that a run is resolved by.
func TestAMachineSurvivesItsPublication(t *testing.T) {
	for name, m := range map[string]*topology.Machine{
		"one CPU":                     synthetic(t, "1n1l1c1t"),
		"two nodes with SMT":          synthetic(t, "2n4l1c2t"),
		"three caches":                synthetic(t, "1n3l2c1t"),
		"a large one":                 synthetic(t, "4n16l8c2t"),
		"four threads per core":       synthetic(t, "1n1l2c4t"),
		"memory without CPUs":         synthetic(t, "2n2l1c1t", memoryOnlyNode),
		"caches that span nodes":      synthetic(t, "2n2l2c2t", nodesOfEvenAndOdd),
		"CPUs that are off":           synthetic(t, "1n1l4c1t", someOff),
		"two kinds of cores":          synthetic(t, "1n1l4c1t", twoClasses),
		"caches of which little told": synthetic(t, "1n3l2c1t", oddNames),
	} {
		t.Run(name, func(t *testing.T) {
			published, err := Topology(m)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(published)
			if err != nil {
				t.Fatal(err)
			}
			read := &v1alpha1.Topology{}
			if err := json.Unmarshal(text, read); err != nil {
				t.Fatal(err)
			}
			got, err := Machine(&v1alpha1.TestNodeStatus{Topology: read})
			if err != nil {
				t.Fatal(err)
			}
			unpublished := cmp.Options{
				cmpopts.IgnoreFields(topology.CPU{}, "Package"), cmpopts.IgnoreFields(topology.Core{}, "ID"),
				cmpopts.IgnoreFields(topology.Node{}, "MemoryFreeKiB"), cmpopts.IgnoreFields(topology.Machine{}, "Warnings"),
			}
			if diff := cmp.Diff(m, got.Topology, bySet, unpublished); diff != "" {
				t.Errorf("topology (-want +got):\n%s", diff)
			}
			if !got.CPUs.Equals(m.Online()) || !got.MemoryNodes.Equals(m.MemoryNodes()) || got.Topology.Shape() != m.Shape() {
				t.Errorf("CPUs %s, memory %s, %s, want %s, %s, %s", got.CPUs, got.MemoryNodes, got.Topology.Shape(), m.Online(), m.MemoryNodes(), m.Shape())
			}
		})
	}
}

func TestTopologySumsUp(t *testing.T) {
	got, err := Topology(synthetic(t, "2n4l2c2t", someOff))
	if err != nil {
		t.Fatal(err)
	}
	want := &v1alpha1.Topology{
		Shape: "2n4l2c2t", OnlineCPUs: "0-15", CPUs: 16, Cores: 8, LLCs: 4, NUMANodes: 2, MemoryNodes: "0-1", SMT: true,
		OfflineCPUs: "900-901", IsolatedCPUs: "0", NohzFullCPUs: "0-1",
	}
	parts := cmpopts.IgnoreFields(v1alpha1.Topology{}, "Caches", "Nodes", "Siblings", "Classes")
	if diff := cmp.Diff(want, got, parts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := []string{"0-1", "2-3", "4-5", "6-7", "8-9", "10-11", "12-13", "14-15"}; !cmp.Equal(want, got.Siblings) {
		t.Errorf("siblings %q", got.Siblings)
	}
}

// Of a machine that is larger than the API takes, no part is published.
func TestAMachineThatIsTooLarge(t *testing.T) {
	interleaved := func(m *topology.Machine) {
		var ids []int
		for cpu := range 4000 {
			ids = append(ids, 2*cpu)
		}
		m.LLCs[0].CPUs = cpuset.New(ids...)
	}
	for name, tc := range map[string]struct {
		machine *topology.Machine
		want    string
	}{
		"caches":      {synthetic(t, "1n1025l1c1t"), "the machine has 1025 last-level caches, the API takes 1024"},
		"NUMA nodes":  {synthetic(t, "257n257l1c1t"), "the machine has 257 NUMA nodes, the API takes 256"},
		"a long list": {synthetic(t, "1n1l1c1t", interleaved), "a list of CPUs of the machine has 19444 characters, the API takes 8192: 0,2,4,"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Topology(tc.machine); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestManyClassesAreTakenTogether(t *testing.T) {
	m := synthetic(t, "1n1l10c1t")
	m.Classes = nil
	for cpu := range 10 {
		m.Classes = append(m.Classes, topology.Class{Name: fmt.Sprint("capacity ", 1000-cpu), Capacity: 1000 - cpu, CPUs: cpuset.New(cpu)})
	}
	got, err := Topology(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Classes) != maxClasses || got.Classes[6].CPUs != "6" {
		t.Fatalf("got %+v", got.Classes)
	}
	if diff := cmp.Diff(v1alpha1.CPUClass{Name: "other", CPUs: "7-9"}, got.Classes[7]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFindingsFactsAndBandwidth(t *testing.T) {
	long := strings.Repeat("x", 300)
	features := Features([]capability.Finding{{Name: "A", State: capability.Present}, {Name: "B", State: capability.Unknown, Message: long}})
	wantFeatures := []v1alpha1.Feature{{Name: "A", State: v1alpha1.FeaturePresent}, {Name: "B", State: v1alpha1.FeatureUnknown, Message: long[:253] + "..."}}
	if diff := cmp.Diff(wantFeatures, features); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
	print := &fingerprint.Fingerprint{
		Digest: "d", HardwareDigest: "h", SoftwareDigest: "s",
		Hardware: []fingerprint.Fact{{Name: "model", Value: "m"}},
		Software: []fingerprint.Fact{{Name: "cmdline", Value: long}, {Name: "model", Value: "again"}},
		Volatile: []fingerprint.Fact{{Name: "load", Value: "1"}},
	}
	wantPrint := &v1alpha1.Fingerprint{
		Digest: "d", HardwareDigest: "h", SoftwareDigest: "s",
		Facts: []v1alpha1.Fact{{Name: "model", Value: "m"}, {Name: "cmdline", Value: long[:253] + "..."}, {Name: "load", Value: "1"}},
	}
	if diff := cmp.Diff(wantPrint, Fingerprint(print)); diff != "" {
		t.Errorf("fingerprint (-want +got):\n%s", diff)
	}
	for want, b := range map[string]*spec.Bandwidth{
		"950000 of 1000000": {Runtime: 950 * time.Millisecond, Period: time.Second},
		"-1 of 1000000":     {Runtime: -time.Microsecond, Period: time.Second},
	} {
		published := Realtime(b)
		if got := fmt.Sprintf("%d of %d", published.RuntimeMicroseconds, published.PeriodMicroseconds); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		read, err := Machine(&v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{}, Realtime: published})
		if err != nil || *read.Realtime != *b {
			t.Errorf("got %+v, %v, want %+v", read.Realtime, err, b)
		}
	}
	if got := Realtime(&spec.Bandwidth{Runtime: -1, Period: time.Second}).RuntimeMicroseconds; got != -1 {
		t.Errorf("no limit is published as %d", got)
	}
	if Realtime(nil) != nil {
		t.Error("a bandwidth that is not known is published")
	}
}

func TestUnfitIsWhatTheNodePublishes(t *testing.T) {
	bound := modelOf(t, func(r *v1alpha1.RunSpec) {
		r.MemoryPolicies = []v1alpha1.MemoryPolicy{{Name: "m", Mode: v1alpha1.MemoryBind, Nodes: "3"}}
	})
	for name, tc := range map[string]struct {
		topology *v1alpha1.Topology
		want     string
	}{
		"it has the node":             {&v1alpha1.Topology{OnlineCPUs: "0", MemoryNodes: "2-3"}, ""},
		"it has others":               {&v1alpha1.Topology{OnlineCPUs: "0", MemoryNodes: "0-1"}, "lacks NUMA node 3 of memoryPolicies[0].nodes (it has 0-1)"},
		"it has none":                 {&v1alpha1.Topology{OnlineCPUs: "0"}, "lacks NUMA node 3 of memoryPolicies[0].nodes (it has none)"},
		"what it publishes is no set": {&v1alpha1.Topology{OnlineCPUs: "0", MemoryNodes: "some"}, `publishes "some" as its NUMA nodes with memory`},
		"its CPUs are no set":         {&v1alpha1.Topology{OnlineCPUs: "some"}, `publishes "some" as its CPUs`},
		"those for runs are no set":   {&v1alpha1.Topology{OnlineCPUs: "0", AllowedCPUs: "few"}, `publishes "few" as CPUs that runs may use`},
		"a cache is no set": {&v1alpha1.Topology{OnlineCPUs: "0", Caches: []v1alpha1.LastLevelCache{{CPUs: "x"}}, Nodes: []v1alpha1.NUMANode{{}}},
			`publishes "x" as CPUs of a last-level cache`},
		"it publishes nothing": {nil, "has not published its topology"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Unfit(bound, &v1alpha1.TestNodeStatus{Topology: tc.topology}); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A run is placed by the CPUs it may use, which are not always all that are online.
func TestARunIsResolvedOnTheCPUsItMayUse(t *testing.T) {
	m := synthetic(t, "1n1l4c1t")
	run := modelOf(t, func(r *v1alpha1.RunSpec) { r.Groups[0].Affinity = &v1alpha1.Affinity{Exact: "2-3"} })
	for name, tc := range map[string]struct {
		cpus      cpuset.CPUSet
		published string
		want      string
	}{
		"nobody says":            {cpuset.New(), "", ""},
		"all":                    {cpuset.New(0, 1, 2, 3), "", ""},
		"all, and some offline":  {cpuset.New(0, 1, 2, 3, 4), "", ""},
		"what isolcpus leaves":   {cpuset.New(0, 1, 2), "0-2", "lacks CPU 3 of groups[0].affinity.exact (it has 0-2)"},
		"some that are not here": {cpuset.New(1, 2, 3, 7), "1-3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			published, err := Topology(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := Allow(published, m, tc.cpus, cpuset.New()); err != nil {
				t.Fatal(err)
			}
			if published.AllowedCPUs != tc.published || published.OnlineCPUs != "0-3" {
				t.Errorf("publishes %q of %q, want %q", published.AllowedCPUs, published.OnlineCPUs, tc.published)
			}
			if got := Unfit(run, &v1alpha1.TestNodeStatus{Topology: published}); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	var every []int // second CPU: a long list
	for cpu := 0; cpu < 8192; cpu += 2 {
		every = append(every, cpu)
	}
	large := synthetic(t, "1n64l128c1t")
	published, err := Topology(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := Allow(published, large, cpuset.New(every...), cpuset.New()); err == nil || !strings.Contains(err.Error(), "the API takes 8192") {
		t.Errorf("a list that is too long: %v", err)
	}
}

func TestMemoryThatRunsMayUseIsPublished(t *testing.T) {
	m := synthetic(t, "2n2l1c1t")
	for name, tc := range map[string]struct {
		memory cpuset.CPUSet
		want   string
	}{
		"nobody says":           {cpuset.New(), "0-1"},
		"all":                   {cpuset.New(0, 1), "0-1"},
		"of one node":           {cpuset.New(1), "1"},
		"of one that has none":  {cpuset.New(1, 2), "1"},
		"of none that has some": {cpuset.New(3), ""},
	} {
		t.Run(name, func(t *testing.T) {
			published, err := Topology(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := Allow(published, m, cpuset.New(), tc.memory); err != nil || published.MemoryNodes != tc.want {
				t.Errorf("publishes %q, %v; want %q", published.MemoryNodes, err, tc.want)
			}
		})
	}
}

func TestDigestOfTellsMachinesApart(t *testing.T) {
	status := func(shape string, changes ...func(*v1alpha1.TestNodeStatus)) *v1alpha1.TestNodeStatus {
		published, err := Topology(synthetic(t, shape))
		if err != nil {
			t.Fatal(err)
		}
		s := &v1alpha1.TestNodeStatus{Topology: published, Features: []v1alpha1.Feature{{Name: "A", State: v1alpha1.FeaturePresent}}}
		for _, change := range changes {
			change(s)
		}
		return s
	}
	like := DigestOf(status("2n4l2c2t"))
	for name, tc := range map[string]struct {
		node *v1alpha1.TestNodeStatus
		same bool
	}{
		"a machine like it": {status("2n4l2c2t"), true},
		"another kernel, boot and fingerprint": {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) {
			s.Kernel, s.BootID, s.Fingerprint = "7.3", "b", &v1alpha1.Fingerprint{Digest: "d"}
		}), true},
		"a bit less memory":        {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Topology.Nodes[1].MemoryKiB-- }), true},
		"another explanation":      {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Features[0].Message = "since" }), true},
		"no memory at all":         {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Topology.Nodes[1].MemoryKiB = 0 }), false},
		"another shape":            {status("2n4l4c1t"), false},
		"a feature that is gone":   {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Features[0].State = v1alpha1.FeatureAbsent }), false},
		"another bandwidth":        {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Realtime = &v1alpha1.RealtimeBandwidth{} }), false},
		"a CPU at another cache":   {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Topology.Caches[0].CPUs = "0-2" }), false},
		"fewer CPUs for runs":      {status("2n4l2c2t", func(s *v1alpha1.TestNodeStatus) { s.Topology.AllowedCPUs = "0" }), false},
		"nothing published so far": {&v1alpha1.TestNodeStatus{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := tc.node.DeepCopy()
			if same := DigestOf(tc.node) == like; same != tc.same {
				t.Errorf("the same: %t, want %t", same, tc.same)
			}
			if diff := cmp.Diff(before, tc.node); diff != "" {
				t.Errorf("the status was changed (-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkDigestOf(b *testing.B) {
	published, err := Topology(synthetic(b, "2n16l8c2t"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		DigestOf(&v1alpha1.TestNodeStatus{Topology: published})
	}
}

// BenchmarkUnfit is what one node costs when a Workload is placed.
func BenchmarkUnfit(b *testing.B) {
	for _, shape := range []string{"1n1l2c1t", "2n4l8c2t", "2n16l8c2t"} {
		b.Run(shape, func(b *testing.B) {
			m := synthetic(b, shape)
			published, err := Topology(m)
			if err != nil {
				b.Fatal(err)
			}
			node := &v1alpha1.TestNodeStatus{Topology: published}
			run := modelOf(b, func(r *v1alpha1.RunSpec) {
				r.Cgroups = []v1alpha1.Cgroup{{Name: "c", Cpuset: &v1alpha1.Cpuset{LLC: new(int32(0))}}}
				r.Groups[0].Cgroup = "c"
			})
			node.Features = []v1alpha1.Feature{{Name: capability.CgroupV2, State: v1alpha1.FeaturePresent}, {Name: capability.CgroupCpuset, State: v1alpha1.FeaturePresent}}
			for b.Loop() {
				if why := Unfit(run, node); why != "" {
					b.Fatal(why)
				}
			}
		})
	}
}
