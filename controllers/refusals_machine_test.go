// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// everyKnob is a run with everything of the machine that can be set.
const everyKnob = `
duration: 1s
interference: {maxOtherCPU: 200m, maxSteal: "0.05", maxInterruptCPU: 1, maxMemoryPressurePercent: 0, maxIOPressurePercent: 100,
  minFrequencyPercent: 90, maxThermalEvents: 0, maxClockStep: 1ms, maxThrottledPercent: 5}
schedulingPolicies:
- {name: d, deadline: {runtime: 1024ns, deadline: 10ms}}
- {name: e, deadline: {runtime: 1ms, deadline: 1ms, period: 1ms}}
- {name: f, fifo: {priority: 98}}
- {name: g, ext: {}}
cgroups:
- name: app
  cpuset: {exact: "0-3,8", mems: "0-1", partition: Root}
  cpu: {weight: 10000, quota: 1ms, period: 1s, burst: 1ms, uclampMinPercent: 50, uclampMaxPercent: 50}
  memory: {min: 0, low: 1e6, high: 1Gi, max: 1024Mi, swapMax: "0"}
  io: {weight: 1, limits: [{device: "8:0", readBytesPerSecond: 10Mi, writeBytesPerSecond: 1, readOperationsPerSecond: 1, writeOperationsPerSecond: 5}, {device: "259:1048575", readOperationsPerSecond: 2}]}
  pidsMax: 4194304
- {name: app/a, threaded: true, cpuset: {llc: 0}, cpu: {idle: true}, pidsMax: 1}
- {name: app/b, threaded: true, cpuset: {numaNode: 1023}}
- {name: c, cpuset: {range: {startPercent: 0, endPercent: 100}, partition: Isolated}, cpu: {quota: 800ms}}
- {name: d, cpuset: {disjoint: {index: 2, of: 3}}}
- {name: e, cpuset: {overlap: {index: 0, of: 2, percent: 100}}}
- {name: f, cpuset: {mems: "0"}}
groups:
- {name: a, workersPercent: 50, numaNode: 0, cgroup: app/a, cloneMode: Thread, processName: p, work: {spinWait: {}}}
- {name: b, workers: 1, cgroup: app/b, cloneMode: Thread, processName: p, affinity: {llcAligned: {}}, work: {spinWait: {}}}
- {name: c, workersPercent: 100000, affinity: {smtSiblingPair: {}}, work: {futexFanOut: {}}}
- {name: d, workers: 1, affinity: {crossCgroup: {}}, schedulingPolicy: d, work: {spinWait: {}}}
`

var _ = Describe("The API server, of the machine under test,", func() {
	apply := func(name, spec string) error {
		return admin.Create(GinkgoT().Context(), manifestOf(name, spec), client.FieldValidation("Strict"), client.DryRunAll)
	}

	It("takes all that can be set", func() {
		Expect(apply("every-knob", everyKnob)).To(Succeed())
	})

	refuses := func(spec, field, says string) {
		GinkgoHelper()
		err := apply("w", spec)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err.Error()).To(And(ContainSubstring(field), ContainSubstring(says)))
	}

	const groups = "groups: [{name: a, workers: 1, work: {spinWait: {}}}]"
	const (
		oneWay     = "at most one of exact, llc, numaNode, range, disjoint, overlap may be set"
		noWay      = "set one of exact, llc, numaNode, range, disjoint, overlap, or mems, or leave cpuset out"
		fromZero   = "index counts from 0: it must be less than of"
		cpuList    = "must be a list of CPUs such as 0-3,8"
		nodeList   = "must be a list of NUMA nodes of 0 to 1023, such as 0-1,3"
		exclusive  = "partition needs CPUs that no other cgroup has: set one of exact, llc, numaNode, range, disjoint"
		wholeBytes = "must be 0 to 1Pi in whole bytes, such as 64Mi"
		somePages  = "must be 4Ki to 1Pi in whole bytes, such as 64Mi"
		perSecond  = "must be 1 to 1Pi in whole bytes, such as 10Mi"
		device     = "must be the number of a block device, major:minor, such as 8:0"
		above      = "a threaded cgroup lies below another one"
		holder     = "memory and io are not for threaded cgroups: set them on the cgroup above"
		someCPUs   = "must be 0 to 8192 CPUs, such as 200m"
		quota      = "must be a duration of at least 1ms and at most 1000h, such as 50ms"
		period     = "must be a duration of at least 1ms and at most 1s, such as 100ms"
	)
	DescribeTable("refuses of a cgroup, naming the field and what to do,",
		func(knobs, field, says string) {
			refuses("{cgroups: [{name: app}, {name: app/a, "+knobs+"}], "+groups+"}", "spec.cgroups[1]"+field, says)
		},
		Entry("a cpuset of nothing", "cpuset: {}", ".cpuset", noWay),
		Entry("a partition of nothing", "cpuset: {partition: Root}", ".cpuset", noWay),
		Entry("a cpuset in two ways", `cpuset: {exact: "0", llc: 0}`, ".cpuset", oneWay),
		Entry("a cpuset in two other ways", `cpuset: {range: {startPercent: 0, endPercent: 1}, overlap: {index: 0, of: 1, percent: 0}}`, ".cpuset", oneWay),
		Entry("CPUs that are no list", `cpuset: {exact: "0..3"}`, ".cpuset.exact", cpuList),
		Entry("an empty list of CPUs", `cpuset: {exact: ""}`, ".cpuset.exact", cpuList),
		Entry("nodes that are no list", `cpuset: {mems: "0-"}`, ".cpuset.mems", nodeList),
		Entry("a node that cannot be", `cpuset: {mems: "1024"}`, ".cpuset.mems", nodeList),
		Entry("a cache before the first", "cpuset: {llc: -1}", ".cpuset.llc", "greater than or equal to 0"),
		Entry("a NUMA node that cannot be", "cpuset: {numaNode: 1024}", ".cpuset.numaNode", "less than or equal to 1023"),
		Entry("a range that ends before it begins", "cpuset: {range: {startPercent: 50, endPercent: 50}}", ".cpuset.range", "startPercent must be less than endPercent"),
		Entry("a range beyond the end", "cpuset: {range: {startPercent: 50, endPercent: 101}}", ".cpuset.range.endPercent", "less than or equal to 100"),
		Entry("a range without an end", "cpuset: {range: {startPercent: 50}}", ".cpuset.range.endPercent", "Required"),
		Entry("a part that there is not", "cpuset: {disjoint: {index: 3, of: 3}}", ".cpuset.disjoint", fromZero),
		Entry("a part of no parts", "cpuset: {disjoint: {index: 0, of: 0}}", ".cpuset.disjoint.of", "greater than or equal to 1"),
		Entry("an overlap that there is not", "cpuset: {overlap: {index: 2, of: 2, percent: 1}}", ".cpuset.overlap", fromZero),
		Entry("an overlap of more than all", "cpuset: {overlap: {index: 0, of: 2, percent: 101}}", ".cpuset.overlap.percent", "less than or equal to 100"),
		Entry("a partition that is none", `cpuset: {exact: "0", partition: root}`, ".cpuset.partition", `supported values: "Root", "Isolated"`),
		Entry("a partition of shared CPUs", "cpuset: {partition: Root, overlap: {index: 0, of: 2, percent: 50}}", ".cpuset", exclusive),
		Entry("a partition of inherited CPUs", `cpuset: {partition: Root, mems: "0"}`, ".cpuset", exclusive),
		Entry("cpu of nothing", "cpu: {}", ".cpu", "set weight, idle, quota, uclampMinPercent or uclampMaxPercent, or leave cpu out"),
		Entry("memory of nothing", "memory: {}", ".memory", "set min, low, high, max or swapMax, or leave memory out"),
		Entry("a weight of nothing", "cpu: {weight: 0}", ".cpu.weight", "greater than or equal to 1"),
		Entry("a weight that is too large", "cpu: {weight: 10001}", ".cpu.weight", "less than or equal to 10000"),
		Entry("an idle cgroup with a weight", "cpu: {weight: 1, idle: true}", ".cpu", "weight and idle exclude each other"),
		Entry("a quota that the kernel does not take", "cpu: {quota: 999us}", ".cpu.quota", quota),
		Entry("a quota that is no duration", "cpu: {quota: 50%}", ".cpu.quota", quota),
		Entry("a period that is too short", "cpu: {quota: 1ms, period: 500us}", ".cpu.period", period),
		Entry("a period that is too long", "cpu: {quota: 1ms, period: 1001ms}", ".cpu.period", period),
		Entry("a period without a quota", "cpu: {period: 100ms}", ".cpu", "period and burst need a quota"),
		Entry("a burst without a quota", "cpu: {burst: 1ms}", ".cpu", "period and burst need a quota"),
		Entry("a burst beyond the quota", "cpu: {quota: 10ms, burst: 10001us}", ".cpu", "burst must be at most the quota"),
		Entry("a burst below zero", "cpu: {quota: 10ms, burst: -1ms}", ".cpu.burst", "must be a duration above 0s"),
		Entry("clamps in the wrong order", "cpu: {uclampMinPercent: 51, uclampMaxPercent: 50}", ".cpu", "uclampMinPercent must be at most uclampMaxPercent"),
		Entry("a clamp beyond all", "cpu: {uclampMaxPercent: 101}", ".cpu.uclampMaxPercent", "less than or equal to 100"),
		Entry("memory below zero", "memory: {min: -1}", ".memory.min", wholeBytes),
		Entry("half a byte", "memory: {low: 1500m}", ".memory.low", wholeBytes),
		Entry("swap beyond all", "memory: {swapMax: 2Pi}", ".memory.swapMax", wholeBytes),
		Entry("no memory at all", "memory: {max: 0}", ".memory.max", somePages),
		Entry("no memory to speak of", "memory: {high: 4095}", ".memory.high", somePages),
		Entry("memory that is no amount", "memory: {max: much}", ".memory.max", "should match"),
		Entry("more kept than allowed", "memory: {min: 2Mi, max: 1Mi}", ".memory", "min must be at most max"),
		Entry("more preferred than allowed", "memory: {low: 2Mi, max: 1Mi}", ".memory", "low must be at most max"),
		Entry("more preferred than reclaimed", "memory: {low: 2Mi, high: 1024Ki}", ".memory", "low must be at most high"),
		Entry("reclaimed beyond the limit", "memory: {high: 1025Ki, max: 1Mi}", ".memory", "high must be at most max"),
		Entry("io of nothing", "io: {}", ".io", "set weight or limits, or leave io out"),
		Entry("no limits", "io: {limits: []}", ".io", "set weight or limits, or leave io out"),
		Entry("an io weight of nothing", "io: {weight: 0}", ".io.weight", "greater than or equal to 1"),
		Entry("a device by its name", `io: {limits: [{device: sda, readOperationsPerSecond: 1}]}`, ".io.limits[0].device", device),
		Entry("a device twice", `io: {limits: [{device: "8:0", readOperationsPerSecond: 1}, {device: "8:0", writeOperationsPerSecond: 1}]}`, ".io.limits[1]", "Duplicate value"),
		Entry("a limit of nothing", `io: {limits: [{device: "8:0"}]}`, ".io.limits[0]", "set at least one of readBytesPerSecond"),
		Entry("nothing per second", `io: {limits: [{device: "8:0", readBytesPerSecond: 0}]}`, ".io.limits[0].readBytesPerSecond", perSecond),
		Entry("no tasks", "pidsMax: 0", ".pidsMax", "greater than or equal to 1"),
		Entry("more tasks than there can be", "pidsMax: 4194305", ".pidsMax", "less than or equal to 4194304"),
		Entry("memory of a threaded one", "threaded: true, memory: {max: 1Mi}", "", holder),
		Entry("io of a threaded one", "threaded: true, io: {weight: 1}", "", holder),
	)

	It("refuses a threaded cgroup with nothing above it", func() {
		refuses("{cgroups: [{name: app, threaded: true}], "+groups+"}", "spec.cgroups[0]", above)
	})

	DescribeTable("refuses names of the kernel's own files",
		func(name string) {
			refuses("{cgroups: [{name: "+name+"}], "+groups+"}", "spec.cgroups[0].name", "no part may begin as files of the kernel do")
		},
		Entry("at the top", "cpu.max"),
		Entry("below another", "app/cgroup.procs"),
		Entry("above another", "memory.high/app"),
	)

	It("no longer knows ioWeight", func() {
		err := apply("w", "{cgroups: [{name: app, ioWeight: 5}], "+groups+"}")
		Expect(err).To(MatchError(ContainSubstring(`unknown field "spec.cgroups[0].ioWeight"`)))
	})

	const (
		forRuntime = "must be a duration of at least 1024ns, such as 500us or 10ms"
		supervisor = "must be 1 to 98: 99 is for the supervisor, which has to end the workers"
	)
	DescribeTable("refuses of a scheduling policy, naming the field and what to do,",
		func(policy, field, says string) {
			refuses("{schedulingPolicies: [{name: p, "+policy+"}], "+groups+"}", "spec.schedulingPolicies[0]"+field, says)
		},
		Entry("the supervisor's priority", "fifo: {priority: 99}", ".fifo.priority", supervisor),
		Entry("the supervisor's priority in turn", "roundRobin: {priority: 99}", ".roundRobin.priority", supervisor),
		Entry("no priority", "fifo: {priority: 0}", ".fifo.priority", "greater than or equal to 1"),
		Entry("a runtime that the kernel does not take", "deadline: {runtime: 1023ns, deadline: 1ms}", ".deadline.runtime", forRuntime),
		Entry("a runtime beyond the deadline", "deadline: {runtime: 2ms, deadline: 1ms}", ".deadline", "runtime must be at most deadline"),
		Entry("a deadline beyond the period", "deadline: {runtime: 1ms, deadline: 3ms, period: 2ms}", ".deadline", "deadline must be at most period"),
		Entry("a deadline without a runtime", "deadline: {deadline: 3ms}", ".deadline.runtime", "Required"),
		Entry("two classes", "deadline: {runtime: 1ms, deadline: 3ms}, ext: {}", "", "exactly one of normal"),
	)

	It("says of a duration that is none only that", func() {
		err := apply("w", "{schedulingPolicies: [{name: p, deadline: {runtime: soon, deadline: 1ms, period: 1s}}], cgroups: [{name: a, cpu: {quota: some, burst: 1ms}}], "+groups+"}")
		Expect(err).To(MatchError(And(ContainSubstring(forRuntime), ContainSubstring(quota), Not(ContainSubstring("at most the quota")), Not(ContainSubstring("evaluat")))))
	})

	DescribeTable("refuses of the limits of interference, naming the field and what to do,",
		func(limits, field, says string) {
			refuses("{interference: {"+limits+"}, cgroups: [{name: a, cpu: {quota: 50ms}}], "+groups+"}", "spec.interference"+field, says)
		},
		Entry("nothing", "", "", "set a limit, or leave interference out"),
		Entry("less than no CPU", "maxOtherCPU: -1m", ".maxOtherCPU", someCPUs),
		Entry("more CPUs than there can be", "maxSteal: 8193", ".maxSteal", someCPUs),
		Entry("CPUs that are no amount", "maxInterruptCPU: few", ".maxInterruptCPU", "should match"),
		Entry("more than all the time", "maxIOPressurePercent: 101", ".maxIOPressurePercent", "less than or equal to 100"),
		Entry("no frequency", "minFrequencyPercent: 0", ".minFrequencyPercent", "greater than or equal to 1"),
		Entry("less than no event", "maxThermalEvents: -1", ".maxThermalEvents", "greater than or equal to 0"),
		Entry("a step of nothing", "maxClockStep: 0s", ".maxClockStep", "must be a duration above 0s, such as 1ms"),
		Entry("more than all periods", "maxThrottledPercent: 101", ".maxThrottledPercent", "less than or equal to 100"),
	)

	It("keeps all that a large machine publishes", func(ctx SpecContext) {
		m, err := topology.Synthetic("8n64l8c2t")
		Expect(err).NotTo(HaveOccurred())
		node := &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: "large"}}
		Expect(admin.Create(ctx, node)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(admin.Delete(ctx, node)).To(Succeed()) })
		published, err := manifest.Topology(m)
		Expect(err).NotTo(HaveOccurred())
		node.Status = v1alpha1.TestNodeStatus{
			Topology:    published,
			Features:    []v1alpha1.Feature{{Name: capability.CgroupCPU, State: v1alpha1.FeatureAbsent, Message: "why"}},
			Fingerprint: &v1alpha1.Fingerprint{Digest: "d", HardwareDigest: "h", SoftwareDigest: "s", Facts: []v1alpha1.Fact{{Name: "a", Value: "b"}, {Name: "c"}}},
			Realtime:    &v1alpha1.RealtimeBandwidth{RuntimeMicroseconds: -1, PeriodMicroseconds: 1000000},
		}
		want := node.Status.DeepCopy()
		Expect(admin.Status().Update(ctx, node)).To(Succeed())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(node), node)).To(Succeed())
		Expect(node.Status).To(Equal(*want))
	})

	It("does not let the limits of interference be changed", func(ctx SpecContext) {
		obj := manifestOf("limits", "{suspend: true, interference: {maxSteal: 10m}, "+groups+"}")
		Expect(admin.Create(ctx, obj)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(admin.Delete(ctx, obj)).To(Succeed()) })
		for _, change := range []string{`{"maxSteal":"11m"}`, `null`} {
			err := admin.Patch(ctx, obj, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"interference":`+change+`}}`)))
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring("the spec cannot be changed, but for suspend and ttlAfterFinished: create another Workload")))
		}
	})
})
