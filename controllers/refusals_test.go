// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// manifestOf is a Workload as somebody would write it.
func manifestOf(name, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	obj := &unstructured.Unstructured{}
	var body map[string]any
	Expect(yaml.Unmarshal([]byte(spec), &body)).To(Succeed())
	obj.Object = map[string]any{
		"apiVersion": "schedfleet.dev/v1alpha1", "kind": "Workload",
		"metadata": map[string]any{"name": name, "namespace": "default"},
		"spec":     body,
	}
	return obj
}

var _ = Describe("The API server", func() {
	// kubectl asks for strict validation of fields, and so do we.
	apply := func(obj *unstructured.Unstructured) error {
		return admin.Create(GinkgoT().Context(), obj, client.FieldValidation("Strict"), client.DryRunAll)
	}

	It("takes a manifest with every supported kind of work", func() {
		Expect(apply(manifestOf("all-kinds", `
duration: 1m30s
groups:
- {name: a, workers: 1, work: {spinWait: {}}}
- {name: b, workers: 2, work: {yieldHeavy: {}}, affinity: {exact: "0-1,3"}, nice: 5, comm: worker}
- {name: c, workers: 3, work: {bursty: {burst: 500us, sleep: 1.5ms}}, affinity: {singleCPU: {}}}
- {name: d, workers: 2, work: {pipeIo: {burstIters: 0}}, affinity: {randomSubset: {from: 0-3, count: 2}}}
- {name: e, workers: 4, work: {futexPingPong: {}}, schedulingPolicy: rt}
- {name: f, workers: 10, work: {futexFanOut: {fanOut: 4}}, cgroup: web/front}
- {name: g, workers: 1, work: {timerLatency: {interval: 200us}}}
- {name: h, workers: 1, work: {cachePressure: {size: 8Mi, stride: 4096}}}
cgroups: [{name: web}, {name: web/front}]
schedulingPolicies: [{name: rt, fifo: {priority: 10}}]
placement: {nodes: 2, nodeSelector: {pool: a}, tolerations: [{key: k}], requires: {minCPUs: 2, features: [CgroupV2]}}
deadline: 1h
ttlAfterFinished: 0s
`))).To(Succeed())
	})

	It("takes threads, credentials and memory policies", func() {
		Expect(apply(manifestOf("processes", `
memoryPolicies:
- {name: a, mode: Default}
- {name: b, mode: Bind, nodes: 0-1, flags: [StaticNodes, NUMABalancing]}
- {name: c, mode: Preferred, nodes: "1023"}
- {name: d, mode: Interleave, nodes: "0,3", flags: [RelativeNodes]}
- {name: e, mode: Local, flags: []}
- {name: f, mode: PreferredMany, nodes: "0", flags: [NUMABalancing]}
- {name: g, mode: WeightedInterleave, nodes: "0-7,1000-1009"}
cgroups: [{name: web}]
groups:
- {name: a, workers: 1, cloneMode: Thread, processName: fifteen-letters, memoryPolicy: b, uid: 7, gid: 0, work: {spinWait: {}}}
- {name: b, workers: 1, cloneMode: Thread, processName: fifteen-letters, memoryPolicy: c, uid: 7, gid: 0, work: {spinWait: {}}}
- {name: c, workers: 1, cloneMode: Thread, processName: fifteen-letters, cgroup: web, uid: 8, work: {spinWait: {}}}
- {name: d, workers: 1, cloneMode: Thread, processName: other, uid: 9, work: {spinWait: {}}}
- {name: e, workers: 1, cloneMode: Thread, gid: 4294967294, work: {spinWait: {}}}
- {name: f, workers: 1, uid: 0, work: {spinWait: {}}}
`))).To(Succeed())
	})

	DescribeTable("takes a cachePressure of every size that a quantity can say,",
		func(work string) {
			Expect(apply(manifestOf("sizes", "groups: [{name: a, workers: 1, work: {cachePressure: {"+work+"}}}]"))).To(Succeed())
		},
		Entry("the smallest", `size: 4Ki`),
		Entry("the largest", `size: 16Gi`),
		Entry("a number", `size: 32768`),
		Entry("one with a suffix of tens", `size: 64k`),
		Entry("one with an exponent", `size: 1e6`),
		Entry("a part of a larger one", `size: 0.5Gi`),
		Entry("a stride of one byte", `stride: 1`),
		Entry("a stride as large as the default size", `stride: 32768`),
		Entry("a stride as large as its size", `size: 4097, stride: 4097`),
	)

	It("fills in the defaults", func(ctx SpecContext) {
		obj := manifestOf("defaults", `groups: [{name: a, workers: 1, work: {bursty: {}}}, {name: b, workers: 1, work: {cachePressure: {}}}]`)
		Expect(apply(obj)).To(Succeed())
		spec := obj.Object["spec"].(map[string]any)
		Expect(spec).To(HaveKeyWithValue("duration", "12s"))
		Expect(spec).To(HaveKeyWithValue("seed", BeNumerically("==", 1)))
		Expect(spec).To(HaveKeyWithValue("retries", BeNumerically("==", 1)))
		group := spec["groups"].([]any)[0].(map[string]any)
		Expect(group).To(HaveKeyWithValue("cloneMode", "Fork"))
		Expect(group["work"]).To(HaveKeyWithValue("bursty", And(
			HaveKeyWithValue("burst", "50ms"), HaveKeyWithValue("sleep", "100ms"))))
		Expect(spec["groups"].([]any)[1].(map[string]any)["work"]).To(HaveKeyWithValue("cachePressure", And(
			HaveKeyWithValue("size", "32Ki"), HaveKeyWithValue("stride", BeNumerically("==", 64)))))
	})

	DescribeTable("refuses, naming the field and what to do,",
		func(name, spec string, says ...string) {
			err := apply(manifestOf(name, spec))
			Expect(err).To(HaveOccurred())
			Expect(apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "%v", err)
			for _, text := range says {
				Expect(err.Error()).To(ContainSubstring(text))
			}
		},
		Entry("an unknown kind of work", "w", `groups: [{name: a, workers: 1, work: {spinWiat: {}}}]`,
			"spec.groups[0].work", "exactly one kind of work must be set, out of: spinWait"),
		Entry("two kinds of work in a group", "w", `groups: [{name: a, workers: 1, work: {spinWait: {}, bursty: {}}}]`,
			"spec.groups[0].work"),
		Entry("no kind of work", "w", `groups: [{name: a, workers: 1, work: {}}]`,
			"spec.groups[0].work", "exactly one kind of work"),
		Entry("zero workers", "w", `groups: [{name: a, workers: 0, work: {spinWait: {}}}]`,
			"spec.groups[0].workers", "greater than or equal to 1"),
		Entry("workers and workersPercent together", "w", `groups: [{name: a, workers: 1, workersPercent: 5, work: {spinWait: {}}}]`,
			"spec.groups[0]", "exactly one of workers and workersPercent"),
		Entry("a negative duration", "w", `{duration: -5s, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.duration", "must be a duration above 0s"),
		Entry("a duration that is none", "w", `{duration: soon, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.duration", "must be a duration above 0s"),
		Entry("a duration of more than a day", "w", `{duration: 25h, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.duration", "at most 24h"),
		Entry("a name of 300 characters", strings.Repeat("w", 300), `groups: [{name: a, workers: 1, work: {spinWait: {}}}]`,
			"metadata.name"),
		Entry("a name of 64 characters", strings.Repeat("w", 64), `groups: [{name: a, workers: 1, work: {spinWait: {}}}]`,
			"metadata.name must be a DNS label"),
		Entry("a name with a dot", "w.x", `groups: [{name: a, workers: 1, work: {spinWait: {}}}]`,
			"metadata.name must be a DNS label"),
		Entry("pipeIo with odd workers", "w", `groups: [{name: a, workers: 3, work: {pipeIo: {}}}]`,
			"spec.groups[0]", "pipeIo works in pairs"),
		Entry("futexPingPong with odd workers", "w", `groups: [{name: a, workers: 1, work: {futexPingPong: {}}}]`,
			"spec.groups[0]", "futexPingPong works in pairs"),
		Entry("futexFanOut with an incomplete set", "w", `groups: [{name: a, workers: 6, work: {futexFanOut: {}}}]`,
			"spec.groups[0]", "futexFanOut works in sets"),
		Entry("no groups", "w", `{}`, "spec.groups"),
		Entry("two groups of one name", "w", `groups: [{name: a, workers: 1, work: {spinWait: {}}}, {name: a, workers: 1, work: {spinWait: {}}}]`,
			"spec.groups[1]", "Duplicate value"),
		Entry("a cgroup that is not declared", "w", `groups: [{name: a, workers: 1, cgroup: x, work: {spinWait: {}}}]`,
			"every groups[].cgroup must be the name of an entry in cgroups"),
		Entry("a scheduling policy that is not declared", "w", `groups: [{name: a, workers: 1, schedulingPolicy: x, work: {spinWait: {}}}]`,
			"every groups[].schedulingPolicy must be the name"),
		Entry("a list of CPUs that is none", "w", `groups: [{name: a, workers: 1, affinity: {exact: "0..3"}, work: {spinWait: {}}}]`,
			"spec.groups[0].affinity.exact", "must be a list of CPUs"),
		Entry("two affinities", "w", `groups: [{name: a, workers: 1, affinity: {exact: "0", singleCPU: {}}, work: {spinWait: {}}}]`,
			"spec.groups[0].affinity", "exactly one of"),
		Entry("a burst of nothing", "w", `groups: [{name: a, workers: 1, work: {bursty: {burst: 0s}}}]`,
			"spec.groups[0].work.bursty.burst", "must be a duration above 0s"),
		Entry("a deadline of nothing", "w", `{deadline: 0s, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.deadline", "must be a duration above 0s"),
		Entry("nodes and allNodes together", "w", `{placement: {nodes: 2, allNodes: true}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement", "at most one of nodes, nodesPercent and allNodes"),
		Entry("a share and allNodes together", "w", `{placement: {nodesPercent: 50, allNodes: true}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement", "at most one of nodes, nodesPercent and allNodes"),
		Entry("one class and a spread over classes", "w", `{placement: {sameClass: true, spread: Classes}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement", "at most one of sameClass and spread"),
		Entry("a spread over something else", "w", `{placement: {spread: Racks}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement.spread", `supported values: "Classes"`),
		Entry("a range of kernels without an end", "w", `{placement: {requires: {kernel: {}}}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement.requires.kernel", "at least one of min and below must be set"),
		Entry("a kernel that is no version", "w", `{placement: {requires: {kernel: {min: "6"}}}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement.requires.kernel.min", "must be two or three numbers"),
		Entry("a kernel with a name", "w", `{placement: {requires: {kernel: {below: 7.0-rc1}}}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement.requires.kernel.below", "must be two or three numbers"),
		Entry("an unknown field", "w", `{durationn: 5s, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			`unknown field "spec.durationn"`),
	)

	const (
		wholeSize = "must be 4Ki to 16Gi in whole bytes, such as 32Ki or 8Mi"
		onePair   = "groups of one cgroup and processName are threads of one process: uid and gid must be the same in all of them"
		needNode  = "Bind, Interleave, PreferredMany and WeightedInterleave need at least one node"
		nodeList  = "must be a list of NUMA nodes of 0 to 1023, such as 0-1,3"
	)
	DescribeTable("refuses of a group, naming the field and what to do,",
		func(group, field, says string) {
			err := apply(manifestOf("w", "{cgroups: [{name: c}], groups: [{name: b, workers: 1, cloneMode: Thread, processName: p, cgroup: c, uid: 7, work: {spinWait: {}}}, "+
				"{name: a, workers: 1, work: {spinWait: {}}, "+group+"}]}"))
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(And(ContainSubstring(field), ContainSubstring(says)))
		},
		Entry("a clone mode that is none", "cloneMode: Vfork", "spec.groups[1].cloneMode", `supported values: "Fork", "Thread"`),
		Entry("a process name of forked workers", "processName: q", "spec.groups[1]", "processName needs cloneMode Thread"),
		Entry("a process name of 16 bytes", "cloneMode: Thread, processName: sixteen--letters", "spec.groups[1].processName", "15"),
		Entry("a process name of 8 long letters", "cloneMode: Thread, processName: üüüüüüüü", "spec.groups[1].processName", "at most 15 bytes without '/'"),
		Entry("a process name with a slash", "cloneMode: Thread, processName: a/b", "spec.groups[1].processName", "at most 15 bytes without '/'"),
		Entry("a process name of nothing", `cloneMode: Thread, processName: ""`, "spec.groups[1].processName", "at least 1 char"),
		Entry("a user below zero", "uid: -1", "spec.groups[1].uid", "greater than or equal to 0"),
		Entry("the user that is none", "uid: 4294967295", "spec.groups[1].uid", "less than or equal to 4294967294"),
		Entry("the group that is none", "gid: 4294967295", "spec.groups[1].gid", "less than or equal to 4294967294"),
		Entry("another user of the same process", "cloneMode: Thread, processName: p, cgroup: c, uid: 8", "spec", onePair),
		Entry("no user beside one of the same process", "cloneMode: Thread, processName: p, cgroup: c", "spec", onePair),
		Entry("another group of the same process", "cloneMode: Thread, processName: p, cgroup: c, uid: 7, gid: 7", "spec", onePair),
		Entry("a memory policy that is not declared", "memoryPolicy: m", "spec", "every groups[].memoryPolicy must be the name of an entry in memoryPolicies"),
	)

	DescribeTable("refuses of a cachePressure, naming the field and what to do,",
		func(work, field, says string) {
			err := apply(manifestOf("w", "groups: [{name: a, workers: 1, work: {cachePressure: {"+work+"}}}]"))
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(And(ContainSubstring("spec.groups[0].work.cachePressure."+field), ContainSubstring(says)))
		},
		Entry("less than a page", "size: 4095", "size", wholeSize),
		Entry("more than the engine takes", "size: 17179869185", "size", wholeSize),
		Entry("far more", "size: 1Ei", "size", wholeSize),
		Entry("less than nothing", "size: -4Ki", "size", wholeSize),
		Entry("half a byte", `size: 8192500m`, "size", wholeSize),
		Entry("a fraction of a byte", `size: 4.0001Ki`, "size", wholeSize),
		Entry("a size that is none", "size: much", "size", "should match"),
		Entry("a suffix that is none", "size: 32KiB", "size", "should match"),
		Entry("no stride", "stride: 0", "stride", "greater than or equal to 1"),
		Entry("a stride beyond the default size", "stride: 32769", "stride", "must be 1 to the size in bytes"),
		Entry("a stride beyond its size", "size: 4k, stride: 4001", "stride", "must be 1 to the size in bytes"),
	)

	DescribeTable("refuses of a memory policy, naming the field and what to do,",
		func(policy, field, says string) {
			err := apply(manifestOf("w", "{memoryPolicies: [{name: m, "+policy+"}], groups: [{name: a, workers: 1, work: {spinWait: {}}}]}"))
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(And(ContainSubstring("spec.memoryPolicies[0]"+field), ContainSubstring(says)))
		},
		Entry("a mode that is none", "mode: Scatter", ".mode", `supported values: "Default"`),
		Entry("Bind without nodes", "mode: Bind", "", needNode),
		Entry("Interleave without nodes", "mode: Interleave", "", needNode),
		Entry("PreferredMany without nodes", "mode: PreferredMany", "", needNode),
		Entry("WeightedInterleave without nodes", "mode: WeightedInterleave", "", needNode),
		Entry("Preferred without nodes", "mode: Preferred", "", "Preferred takes exactly one node"),
		Entry("Preferred with two nodes", `mode: Preferred, nodes: "0,1"`, "", "Preferred takes exactly one node"),
		Entry("Local with nodes", `mode: Local, nodes: "0"`, "", "Default and Local take no nodes"),
		Entry("Default with nodes", `mode: Default, nodes: "0"`, "", "Default and Local take no nodes"),
		Entry("Local with a flag", "mode: Local, flags: [StaticNodes]", "", "Default and Local take no flags"),
		Entry("nodes that are no list", "mode: Bind, nodes: a-b", ".nodes", nodeList),
		Entry("a list of no nodes", `mode: Bind, nodes: ""`, ".nodes", nodeList),
		Entry("a node that cannot be", "mode: Bind, nodes: 0-1024", ".nodes", nodeList),
		Entry("a flag that is none", `mode: Bind, nodes: "0", flags: [Sticky]`, ".flags[0]", `supported values: "StaticNodes", "RelativeNodes", "NUMABalancing"`),
		Entry("a flag that is set twice", `mode: Bind, nodes: "0", flags: [StaticNodes, StaticNodes]`, ".flags[1]", "Duplicate value"),
		Entry("static and relative", `mode: Bind, nodes: "0", flags: [StaticNodes, RelativeNodes]`, "", "StaticNodes and RelativeNodes exclude each other"),
		Entry("balancing of interleaved pages", `mode: Interleave, nodes: "0", flags: [NUMABalancing]`, "", "NUMABalancing is only for Bind and PreferredMany"),
	)

	DescribeTable("lets only suspend and ttlAfterFinished be changed,",
		func(ctx SpecContext, change string, allowed bool) {
			obj := manifestOf("fixed", `{groups: [{name: a, workers: 1, work: {spinWait: {}}}], suspend: true}`)
			Expect(admin.Create(ctx, obj)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(admin.Delete(ctx, obj)).To(Succeed()) })
			err := admin.Patch(ctx, obj, client.RawPatch("application/merge-patch+json", []byte(`{"spec":`+change+`}`)))
			if allowed {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(ContainSubstring("the spec cannot be changed, but for suspend and ttlAfterFinished: create another Workload"))
		},
		Entry("suspend", `{"suspend":false}`, true),
		Entry("ttlAfterFinished", `{"ttlAfterFinished":"1h"}`, true),
		Entry("duration", `{"duration":"13s"}`, false),
		Entry("groups", `{"groups":[{"name":"a","workers":2,"work":{"spinWait":{}}}]}`, false),
		Entry("placement", `{"placement":{"nodes":2}}`, false),
		Entry("a deadline that was not there", `{"deadline":"1h"}`, false),
		Entry("cgroups that were not there", `{"cgroups":[{"name":"c"}]}`, false),
		Entry("retries", `{"retries":3}`, false),
		Entry("priority", `{"priority":3}`, false),
	)
})
