// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

type nodeOption func(*placement.Node)

// node is a free, ready test node with CPUs 0 and 1.
func node(name string, options ...nodeOption) placement.Node {
	n := placement.Node{TestNode: &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: name}}, Alive: true}
	n.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAgentReady}}
	n.Status.Topology = &v1alpha1.Topology{OnlineCPUs: "0-1", CPUs: 2, LLCs: 1, NUMANodes: 1}
	for _, o := range options {
		o(&n)
	}
	n.Machine = manifest.DigestOf(&n.Status)
	return n
}

func busy(n *placement.Node)     { n.Busy = true }
func silent(n *placement.Node)   { n.Alive = false }
func cordoned(n *placement.Node) { n.Spec.Unschedulable = true }

func used(minutesAgo int) nodeOption {
	return func(n *placement.Node) { n.LastUsed = epoch.Add(-time.Duration(minutesAgo) * time.Minute) }
}

func labelled(key, value string) nodeOption {
	return func(n *placement.Node) { n.Labels = map[string]string{key: value} }
}

func tainted(key, value string) nodeOption {
	return func(n *placement.Node) { n.Spec.Taints = []v1alpha1.Taint{{Key: key, Value: value}} }
}

func notReady(reason string) nodeOption {
	return func(n *placement.Node) {
		n.Status.Conditions[0].Status, n.Status.Conditions[0].Reason = metav1.ConditionFalse, reason
	}
}

func feature(name string, state v1alpha1.FeatureState) nodeOption {
	return func(n *placement.Node) {
		n.Status.Features = append(n.Status.Features, v1alpha1.Feature{Name: name, State: state})
	}
}

type demandOption func(*placement.Demand)

// demand is for one node for a Workload of one spinning worker.
func demand(name string, options ...demandOption) placement.Demand {
	w := &v1alpha1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(epoch)}}
	w.Spec.Duration.Duration = time.Second
	w.Spec.Seed = 1
	w.Spec.Groups = []v1alpha1.Group{{Name: "a", Workers: new(int32(1)), Work: v1alpha1.Work{SpinWait: &v1alpha1.SpinWait{}}}}
	d := placement.Demand{Workload: w, Nodes: 1}
	for _, o := range options {
		o(&d)
	}
	return d
}

func nodes(n int) demandOption { return func(d *placement.Demand) { d.Nodes = n } }

func begun(d *placement.Demand) { d.Begun = true }

func all(d *placement.Demand) {
	d.Nodes, d.Unsettled = 0, true
	d.Workload.Spec.Placement.AllNodes = true
}

func percent(p int32) demandOption {
	return func(d *placement.Demand) {
		d.Nodes, d.Unsettled = 0, true
		d.Workload.Spec.Placement.NodesPercent = &p
	}
}

func gang(d *placement.Demand) { d.Workload.Spec.Placement.Gang = true }

func built(architecture, kernel string) nodeOption {
	return func(n *placement.Node) { n.Status.Architecture, n.Status.Kernel = architecture, kernel }
}

func runs(kernel string) nodeOption { return built("", kernel) }

func kernels(least, below string) demandOption {
	return requiring(v1alpha1.MachineRequirements{Kernel: &v1alpha1.KernelRange{Min: least, Below: below}})
}

func priority(p int32) demandOption {
	return func(d *placement.Demand) { d.Workload.Spec.Priority = p }
}

func older(minutes int) demandOption {
	return func(d *placement.Demand) {
		d.Workload.CreationTimestamp = metav1.NewTime(epoch.Add(-time.Duration(minutes) * time.Minute))
	}
}

func taken(names ...string) demandOption {
	return func(d *placement.Demand) { d.Taken = sets.New(names...) }
}

func tried(names ...string) demandOption {
	return func(d *placement.Demand) { d.Tried = sets.New(names...) }
}

func asking(change func(*v1alpha1.Placement)) demandOption {
	return func(d *placement.Demand) { change(&d.Workload.Spec.Placement) }
}

func requiring(r v1alpha1.MachineRequirements) demandOption {
	return asking(func(p *v1alpha1.Placement) { p.Requires = &r })
}

// machine is the machine of a shape, with all features that a cpuset needs.
func machine(tb testing.TB, shape string) nodeOption {
	tb.Helper()
	m, err := topology.Synthetic(shape)
	if err != nil {
		tb.Fatal(err)
	}
	published, err := manifest.Topology(m)
	if err != nil {
		tb.Fatal(err)
	}
	return func(n *placement.Node) {
		n.Status.Topology = published
		for _, name := range []string{capability.CgroupV2, capability.CgroupCpuset} {
			n.Status.Features = append(n.Status.Features, v1alpha1.Feature{Name: name, State: v1alpha1.FeaturePresent})
		}
	}
}

// inCache puts the workers into a cgroup with the CPUs of a last-level cache.
func inCache(llc int32) demandOption {
	return func(d *placement.Demand) {
		d.Workload.Spec.Cgroups = []v1alpha1.Cgroup{{Name: "c", Cpuset: &v1alpha1.Cpuset{LLC: &llc}}}
		d.Workload.Spec.Groups[0].Cgroup = "c"
	}
}

func onCPU(list string) demandOption {
	return func(d *placement.Demand) { d.Workload.Spec.Groups[0].Affinity = &v1alpha1.Affinity{Exact: list} }
}

func tolerating(key string, value *string) demandOption {
	return asking(func(p *v1alpha1.Placement) { p.Tolerations = []v1alpha1.Toleration{{Key: key, Value: value}} })
}

func fitting(wanted int, names ...string) placement.Decision {
	return placement.Decision{Wanted: wanted, Nodes: names}
}

func noFit(wanted int, message string) placement.Decision {
	return placement.Decision{Wanted: wanted, Reason: v1alpha1.ReasonNoFittingNode, Message: message}
}

func waits(wanted int, message string, names ...string) placement.Decision {
	return placement.Decision{Wanted: wanted, Nodes: names, Reason: v1alpha1.ReasonWaitingForNodes, Message: message}
}

func TestDecideForOne(t *testing.T) {
	selector := asking(func(p *v1alpha1.Placement) { p.NodeSelector = map[string]string{"pool": "a", "arch": "x"} })
	for name, tc := range map[string]struct {
		demand placement.Demand
		nodes  []placement.Node
		want   placement.Decision
	}{
		"there is no node at all": {demand("w", nodes(2)), nil,
			noFit(2, "there are no test nodes, 2 are asked for")},
		"a free node that fits is taken": {demand("w"), []placement.Node{node("n1")},
			fitting(1, "n1")},
		"nodes never used come first, then the least recently used, then by name": {demand("w", nodes(4)),
			[]placement.Node{node("n5", used(1)), node("n4", used(9)), node("n3", used(5)), node("n2"), node("n1"), node("n6", used(5))},
			fitting(4, "n1", "n2", "n4", "n3")},
		"nodes that failed it come last": {demand("w", nodes(2), tried("n1"), begun), []placement.Node{node("n1"), node("n2", used(1)), node("n3", used(2))},
			fitting(2, "n3", "n2")},
		"a node that failed it is better than none": {demand("w", tried("n1"), begun), []placement.Node{node("n1")},
			fitting(1, "n1")},
		"a node gets no second NodeRun of a Workload that counts": {demand("w", taken("n1"), begun), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 more is asked for: 1 has a NodeRun of this Workload")},
		"it starts nowhere before enough nodes fit": {demand("w", nodes(2)), []placement.Node{node("n1"), node("n2", cordoned)},
			noFit(2, "1 of 2 test nodes fit, 2 are asked for: 1 is cordoned")},
		"once begun it takes what there is": {demand("w", nodes(2), begun), []placement.Node{node("n1"), node("n2", cordoned)},
			placement.Decision{Wanted: 2, Nodes: []string{"n1"}, Reason: v1alpha1.ReasonNoFittingNode,
				Message: "1 of 2 test nodes fit, 2 more are asked for: 1 is cordoned"}},
		"it starts on the free ones of the nodes that fit": {demand("w", nodes(3)), []placement.Node{node("n1"), node("n2", busy), node("n3", busy)},
			waits(3, "2 test nodes are awaited; of 3 that fit, 2 are busy", "n1")},
		"all nodes are those that fit": {demand("w", all), []placement.Node{node("n1"), node("n2", cordoned), node("n3", busy)},
			waits(2, "1 test node is awaited; of 2 that fit, 1 is busy", "n1")},
		"all nodes are at least one": {demand("w", all), []placement.Node{node("n1", cordoned)},
			noFit(0, "0 of 1 test node fit, 1 is asked for: 1 is cordoned")},
		"a node without heartbeat does not fit": {demand("w"), []placement.Node{node("n1", silent), node("n2", silent)},
			noFit(1, "0 of 2 test nodes fit, 1 is asked for: 2 send no heartbeat")},
		"a node that is not ready says why": {demand("w"), []placement.Node{node("n1", notReady(v1alpha1.ReasonCannotFork))},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 is not ready (CannotFork)")},
		"a taint keeps it off": {demand("w"), []placement.Node{node("n1", tainted("team", "b")), node("n2", tainted("spare", ""))},
			noFit(1, "0 of 2 test nodes fit, 1 is asked for: 1 has the taint spare, which is not tolerated; 1 has the taint team=b, which is not tolerated")},
		"a toleration without value covers any value": {demand("w", tolerating("team", nil)), []placement.Node{node("n1", tainted("team", "b"))},
			fitting(1, "n1")},
		"a toleration with a value covers that one only": {demand("w", tolerating("team", new("a"))), []placement.Node{node("n1", tainted("team", "b")), node("n2", tainted("team", "a"))},
			fitting(1, "n2")},
		"the first missing label is named": {demand("w", selector), []placement.Node{node("n1", labelled("pool", "a"))},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 lacks the label arch=x")},
		"CPUs are counted": {demand("w", requiring(v1alpha1.MachineRequirements{MinCPUs: new(int32(4))})), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has fewer than 4 CPUs (it has 2)")},
		"last-level caches are counted": {demand("w", requiring(v1alpha1.MachineRequirements{MinLLCs: new(int32(2))})), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has fewer than 2 last-level caches (it has 1)")},
		"NUMA nodes are counted": {demand("w", requiring(v1alpha1.MachineRequirements{MinNUMANodes: new(int32(2))})), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has fewer than 2 NUMA nodes (it has 1)")},
		"cores are counted": {demand("w", requiring(v1alpha1.MachineRequirements{MinCores: new(int32(2))})), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has fewer than 2 cores (it has 0)")},
		"another architecture is named": {demand("w", nodes(2), requiring(v1alpha1.MachineRequirements{Architecture: "arm64"})),
			[]placement.Node{node("n1", built("amd64", "")), node("n2", built("arm64", "")), node("n3", built("amd64", ""))},
			noFit(2, "1 of 3 test nodes fit, 2 are asked for: 2 have another architecture than arm64 (they have amd64)")},
		"kernels are compared by their numbers": {demand("w", nodes(9), kernels("6.9", "6.12")),
			[]placement.Node{node("n1", runs("6.8.12")), node("n2", runs("6.10.0-rc1")), node("n3", runs("6.12")), node("n4", runs("6.12.0")), node("n5", runs(""))},
			noFit(9, "1 of 5 test nodes fit, 9 are asked for: 2 run a kernel that is not older than 6.12; 1 does not tell which kernel it runs; 1 runs a kernel older than 6.9 (it has 6.8.12)")},
		"a share of the nodes that fit is rounded up": {demand("w", percent(34)), []placement.Node{node("n1"), node("n2"), node("n3"), node("n4", cordoned)},
			fitting(2, "n1", "n2")},
		"a share is at least one node": {demand("w", percent(1)), []placement.Node{node("n1"), node("n2")},
			fitting(1, "n1")},
		"a share of nothing is nothing": {demand("w", percent(50)), []placement.Node{node("n1", cordoned)},
			noFit(0, "0 of 1 test node fit, 1 is asked for: 1 is cordoned")},
		"SMT is looked for": {demand("w", requiring(v1alpha1.MachineRequirements{SMT: true})), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has no SMT")},
		"absent, unknown and unheard-of features are told apart": {demand("w", requiring(v1alpha1.MachineRequirements{Features: []string{"SchedExt"}})),
			[]placement.Node{node("n1", feature("SchedExt", v1alpha1.FeatureAbsent)), node("n2", feature("SchedExt", v1alpha1.FeatureUnknown)), node("n3")},
			noFit(1, "0 of 3 test nodes fit, 1 is asked for: 1 cannot tell whether it has the feature SchedExt; 1 does not tell of the feature SchedExt; 1 lacks the feature SchedExt")},
		"a node with everything required fits": {demand("w", requiring(v1alpha1.MachineRequirements{MinCPUs: new(int32(2)), Features: []string{"SchedExt"}})),
			[]placement.Node{node("n1", feature("SchedExt", v1alpha1.FeaturePresent))},
			fitting(1, "n1")},
		"culprits are counted, the most frequent first": {demand("w", nodes(2), onCPU("512")),
			[]placement.Node{node("n1", cordoned), node("n2"), node("n3")},
			noFit(2, "0 of 3 test nodes fit, 2 are asked for: 2 lack CPU 512 of groups[0].affinity.exact (they have 0-1); 1 is cordoned")},
	} {
		t.Run(name, func(t *testing.T) {
			got := placement.Decide(tc.demand, placement.Snapshot{Nodes: tc.nodes})
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What a run needs of a machine without saying so in placement.requires.
func TestDecideByWhatTheRunNeeds(t *testing.T) {
	cpu := func(d *placement.Demand) {
		d.Workload.Spec.Cgroups = []v1alpha1.Cgroup{{Name: "c", CPU: &v1alpha1.CgroupCPU{Weight: new(int32(5))}}}
	}
	pair := func(d *placement.Demand) {
		d.Workload.Spec.Groups[0].Affinity = &v1alpha1.Affinity{SMTSiblingPair: &v1alpha1.SMTSiblingPair{}}
	}
	onNode := func(id int32) demandOption {
		return func(d *placement.Demand) { d.Workload.Spec.Groups[0].NUMANode = &id }
	}
	percent := func(p int32) demandOption {
		return func(d *placement.Demand) {
			d.Workload.Spec.Groups[0].Workers, d.Workload.Spec.Groups[0].WorkersPercent = nil, &p
		}
	}
	small, large, smt := machine(t, "1n2l2c1t"), machine(t, "2n4l4c1t"), machine(t, "2n4l2c2t")
	hasCPU := feature(capability.CgroupCPU, v1alpha1.FeaturePresent)
	lacksCPU := feature(capability.CgroupCPU, v1alpha1.FeatureAbsent)
	unsure := feature(capability.CgroupCPU, v1alpha1.FeatureUnknown)
	for name, tc := range map[string]struct {
		demand placement.Demand
		nodes  []placement.Node
		want   placement.Decision
	}{
		"nodes with the feature are taken, and nobody says so": {demand("w", cpu),
			[]placement.Node{node("n1", small, lacksCPU), node("n2", small, hasCPU)},
			fitting(1, "n2")},
		"a feature that is absent, unknown or not told of excludes a node": {demand("w", nodes(2), cpu),
			[]placement.Node{node("n1", small, lacksCPU), node("n2", large, lacksCPU), node("n3", small, hasCPU), node("n4", small, unsure), node("n5", small)},
			noFit(2, "1 of 5 test nodes fit, 2 are asked for: 2 lack the feature CgroupCPU, which cgroups[0].cpu needs; "+
				"1 cannot tell whether it has the feature CgroupCPU, which cgroups[0].cpu needs; 1 does not tell of the feature CgroupCPU, which cgroups[0].cpu needs")},
		"a cache that only some have": {demand("w", nodes(2), inCache(2)),
			[]placement.Node{node("n1", small), node("n2", small), node("n3", large)},
			noFit(2, "1 of 3 test nodes fit, 2 are asked for: 2 lack the last-level cache 2 that cgroups[0].cpuset.llc names (they have 2, counted from 0)")},
		"a NUMA node that only some have": {demand("w", nodes(2), onNode(1)),
			[]placement.Node{node("n1", small), node("n2", large)},
			noFit(2, "1 of 2 test nodes fit, 2 are asked for: 1 lacks NUMA node 1 of groups[0].numaNode")},
		"a node that publishes less than what is relative needs": {demand("w", onNode(0)), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has not published its topology, which groups[0].numaNode needs")},
		"no core with two threads": {demand("w", pair),
			[]placement.Node{node("n1", small, feature(capability.SMT, v1alpha1.FeatureAbsent)), node("n2", smt, feature(capability.SMT, v1alpha1.FeaturePresent))},
			fitting(1, "n2")},
		"a share of the CPUs that is too many workers on large nodes only": {demand("w", nodes(2), percent(100000)),
			[]placement.Node{node("n1", small), node("n2", machine(t, "1n1l64c1t"))},
			noFit(2, "1 of 2 test nodes fit, 2 are asked for: 1 would have 64000 workers in groups, with what depends on its CPUs; at most 20000 are possible")},
		"what nodes have instead is left out if it differs": {demand("w", onCPU("512")),
			[]placement.Node{node("n1", small), node("n2", large), node("n3", large)},
			noFit(1, "0 of 3 test nodes fit, 1 is asked for: 3 lack CPU 512 of groups[0].affinity.exact")},
		"how many CPUs nodes have instead, too": {demand("w", requiring(v1alpha1.MachineRequirements{MinCPUs: new(int32(512))})),
			[]placement.Node{node("n1", small), node("n2", large)},
			noFit(1, "0 of 2 test nodes fit, 1 is asked for: 2 have fewer than 512 CPUs")},
	} {
		t.Run(name, func(t *testing.T) {
			got := placement.Decide(tc.demand, placement.Snapshot{Nodes: tc.nodes})
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecideInTheQueue(t *testing.T) {
	for name, tc := range map[string]struct {
		demand  placement.Demand
		nodes   []placement.Node
		waiting []placement.Demand
		want    placement.Decision
	}{
		"a higher priority goes first": {demand("w", older(5)), []placement.Node{node("n1")},
			[]placement.Demand{demand("x", priority(1))},
			waits(1, "1 test node is awaited; of 1 that fit, 0 are busy and 1 is kept for Workloads ahead in the queue")},
		"a lower priority comes after": {demand("w", priority(2)), []placement.Node{node("n1")},
			[]placement.Demand{demand("x", priority(1), older(5))},
			fitting(1, "n1")},
		"the older goes first": {demand("w"), []placement.Node{node("n1"), node("n2")},
			[]placement.Demand{demand("x", older(5))},
			fitting(1, "n2")},
		"of the same age the name decides": {demand("w"), []placement.Node{node("n1"), node("n2")},
			[]placement.Demand{demand("x"), demand("v")},
			fitting(1, "n2")},
		"one whose nodes do not exist blocks nobody": {demand("w"), []placement.Node{node("n1")},
			[]placement.Demand{demand("x", priority(9), nodes(2))},
			fitting(1, "n1")},
		"one that waits for busy nodes keeps the free ones it can use": {demand("w"), []placement.Node{node("n1"), node("n2", busy)},
			[]placement.Demand{demand("x", priority(9), nodes(2))},
			waits(1, "1 test node is awaited; of 2 that fit, 1 is busy and 1 is kept for Workloads ahead in the queue")},
		"one that cannot use a node does not keep it": {demand("w"), []placement.Node{node("n1")},
			[]placement.Demand{demand("x", priority(9), onCPU("7"))},
			fitting(1, "n1")},
		"a point of priority is worth an hour of age": {demand("w", older(61)), []placement.Node{node("n1")},
			[]placement.Demand{demand("x", priority(1))},
			fitting(1, "n1")},
		"a gang keeps nodes before it gets any": {demand("w"), []placement.Node{node("n1"), node("n2", busy), node("n3")},
			[]placement.Demand{demand("x", older(1), nodes(2), gang), demand("y", older(2))},
			waits(1, "1 test node is awaited; of 3 that fit, 1 is busy and 2 are kept for Workloads ahead in the queue")},
		"a gang of which a part stands goes first": {demand("w", priority(5)), []placement.Node{node("n1")},
			[]placement.Demand{demand("x", gang, begun)},
			waits(1, "1 test node is awaited; of 1 that fit, 0 are busy and 1 is kept for Workloads ahead in the queue")},
		"one for all nodes keeps all": {demand("w"), []placement.Node{node("n1"), node("n2")},
			[]placement.Demand{demand("x", priority(9), all)},
			waits(1, "1 test node is awaited; of 2 that fit, 0 are busy and 2 are kept for Workloads ahead in the queue")},
		"those ahead choose in their order": {demand("w"), []placement.Node{node("n1", labelled("fast", "1")), node("n2"), node("n3")},
			[]placement.Demand{
				demand("y", priority(1)),
				demand("x", priority(2), asking(func(p *v1alpha1.Placement) { p.NodeSelector = map[string]string{"fast": "1"} })),
			},
			fitting(1, "n3")},
		"its own demand in the queue does not count": {demand("w"), []placement.Node{node("n1")},
			[]placement.Demand{demand("w", priority(9))},
			fitting(1, "n1")},
	} {
		t.Run(name, func(t *testing.T) {
			got := placement.Decide(tc.demand, placement.Snapshot{Nodes: tc.nodes, Waiting: tc.waiting})
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	var fleet []placement.Node
	for i := range 5000 {
		fleet = append(fleet, node(fmt.Sprintf("n%04d", i), tainted(strings.Repeat("k", 240)+fmt.Sprint(i), strings.Repeat("v", 60))))
	}
	got := placement.Decide(demand("w"), placement.Snapshot{Nodes: fleet})
	if len(got.Message) > 1000 {
		t.Errorf("the message has %d bytes: %s", len(got.Message), got.Message)
	}
	if want := "; 4995 do not fit for other reasons"; !strings.HasSuffix(got.Message, want) {
		t.Errorf("the message does not end in %q: %s", want, got.Message)
	}
}

// BenchmarkDecideFor5000Nodes places a run with a cpuset relative to the machine on
// a fleet of three kinds of machines, alone and behind ten others.
func BenchmarkDecideFor5000Nodes(b *testing.B) {
	var fleet []placement.Node
	for i := range 5000 {
		fleet = append(fleet, node(fmt.Sprintf("n%04d", i), machine(b, []string{"1n4l4c2t", "2n4l8c2t", "2n16l8c2t"}[i%3])))
	}
	var waiting []placement.Demand
	for i := range 10 {
		waiting = append(waiting, demand(fmt.Sprint("x", i), priority(1), inCache(0), nodes(100)))
	}
	for name, snap := range map[string]placement.Snapshot{
		"alone":             {Nodes: fleet},
		"behind ten others": {Nodes: fleet, Waiting: waiting},
	} {
		b.Run(name, func(b *testing.B) {
			d := demand("w", nodes(1000), inCache(0))
			for b.Loop() {
				if got := placement.Decide(d, snap); len(got.Nodes) != 1000 {
					b.Fatal(got.Message)
				}
			}
		})
	}
}
