// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

var _ = Describe("The queue", func() {
	It("keeps a Workload until a node joins", func(ctx SpecContext) {
		w := newWorld()
		obj := w.load("early")
		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode, ContainSubstring("there are no test nodes, 1 is asked for")),
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonWaiting, ContainSubstring("there are no test nodes")),
		))
		w.join("n1", completes)
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ConsistOf(v1alpha1.ReasonAccepted,
			v1alpha1.ReasonNoFittingNode, v1alpha1.ReasonPlaced, v1alpha1.ReasonAllValid))
	})

	It("says why nodes do not fit, and looks again when one is uncordoned", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		w.join("n2", completes, func(n *v1alpha1.TestNode) { n.Spec.Unschedulable = true })
		cpu512 := w.load("cpu512", func(s *v1alpha1.WorkloadSpec) {
			s.Groups[0].Affinity = &v1alpha1.Affinity{Exact: "512"}
		})
		both := w.load("both", onNodes(2))
		Eventually(of(cpu512)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode,
			ContainSubstring("0 of 2 test nodes fit, 1 is asked for"), ContainSubstring("512"), ContainSubstring("groups[0].affinity.exact"), ContainSubstring("1 is cordoned")))
		Eventually(of(both)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode,
			ContainSubstring("1 of 2 test nodes fit, 2 are asked for: 1 is cordoned")))
		uncordon := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"unschedulable":false}}`))
		Expect(admin.Patch(ctx, &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: "n2"}}, uncordon)).To(Succeed())
		Eventually(of(both)).WithContext(ctx).Should(beComplete())
		Expect(of(cpu512)(ctx)).To(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode))
	})

	It("says which need of the run excludes how many nodes, and looks again when one comes to meet it", func(ctx SpecContext) {
		w := newWorld()
		with := func(shape string, state v1alpha1.FeatureState) func(*v1alpha1.TestNode) {
			return func(n *v1alpha1.TestNode) {
				m, err := topology.Synthetic(shape)
				Expect(err).NotTo(HaveOccurred())
				n.Status.Topology, err = manifest.Topology(m)
				Expect(err).NotTo(HaveOccurred())
				for _, name := range []string{capability.CgroupCPU, capability.CgroupCpuset} {
					n.Status.Features = append(n.Status.Features, v1alpha1.Feature{Name: name, State: state})
				}
			}
		}
		w.join("n1", completes, with("2n4l2c2t", v1alpha1.FeaturePresent))
		w.join("n2", completes, with("1n3l2c1t", v1alpha1.FeatureAbsent))
		w.join("n3", completes, with("1n1l1c1t", v1alpha1.FeatureAbsent))
		w.join("n4", completes, with("1n1l1c1t", v1alpha1.FeaturePresent))
		w.join("n5", completes)
		obj := w.load("needs", onNodes(2), func(s *v1alpha1.WorkloadSpec) {
			s.Cgroups = []v1alpha1.Cgroup{{Name: "c", CPU: &v1alpha1.CgroupCPU{Weight: new(int32(5))}, Cpuset: &v1alpha1.Cpuset{LLC: new(int32(2))}}}
			s.Groups[0].Cgroup = "c"
		})
		Eventually(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode,
			ContainSubstring("1 of 5 test nodes fit, 2 are asked for"),
			ContainSubstring("2 lack the feature CgroupCpuset, which cgroups[0].cpuset needs"),
			ContainSubstring("1 does not tell of the feature CgroupCpuset, which cgroups[0].cpuset needs"),
			ContainSubstring("1 lacks the last-level cache 2 that cgroups[0].cpuset.llc names")))
		Expect(runsOf(obj)(ctx)).To(BeEmpty())

		n2 := &v1alpha1.TestNode{}
		Expect(admin.Get(ctx, client.ObjectKey{Name: "n2"}, n2)).To(Succeed())
		for i := range n2.Status.Features {
			n2.Status.Features[i].State = v1alpha1.FeaturePresent
		}
		Expect(admin.Status().Update(ctx, n2)).To(Succeed())
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(runs).To(ConsistOf(HaveField("Spec.NodeName", "n1"), HaveField("Spec.NodeName", "n2")))
	})

	It("serves the higher priority first, then the older", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		first := w.load("first")
		Eventually(runsOf(first)).WithContext(ctx).Should(HaveLen(1))
		low := w.load("a-low", withPriority(-1))
		older := w.load("b-older")
		younger := w.load("c-younger") // created in the same second, perhaps: then the name decides
		high := w.load("d-high", withPriority(5))
		for _, obj := range []*v1alpha1.Workload{low, older, younger, high} {
			Eventually(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes,
				ContainSubstring("1 test node is awaited; of 1 that fit, 1 is busy")))
		}
		w.behave("n1", completes)
		for _, obj := range []*v1alpha1.Workload{low, older, younger, high} {
			Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		}
		Expect(w.orderOf()).To(Equal([]string{"first", "d-high", "b-older", "c-younger", "a-low"}))
	})

	It("lets nobody be blocked by a Workload whose nodes do not exist, nor starve by one that came later", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		w.join("n2", holds)
		w.load("impossible", withPriority(100), onNodes(3))
		wide := w.load("wide", onNodes(2))
		Eventually(runsOf(wide)).WithContext(ctx).Should(HaveLen(2))
		patient := w.load("patient", onNodes(2))
		Eventually(of(patient)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes))
		later := w.load("later", withPriority(-1))
		Eventually(of(later)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes))
		w.behave("n1", completes)
		w.behave("n2", completes)
		Eventually(of(patient)).WithContext(ctx).Should(beComplete())
		Eventually(of(later)).WithContext(ctx).Should(beComplete())
		Expect(w.orderOf()).To(Equal([]string{"wide", "patient", "later"}))
	})

	It("gives a node on to the next as soon as it is free, whatever the others do", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		w.join("n2", neverStops)
		first := w.load("first", onNodes(2))
		Eventually(runsOf(first)).WithContext(ctx).Should(HaveLen(2))
		next := w.load("next")
		Eventually(of(next)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes))
		w.behave("n1", completes)
		Eventually(of(next)).WithContext(ctx).Should(beComplete())
		Expect(of(first)(ctx)).To(haveCounts(2, 1, 1, 0))
	})

	It("places on all nodes that fit at first, and on no more", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		w.join("n2", holds)
		w.join("other", holds, func(n *v1alpha1.TestNode) { n.Spec.Taints = []v1alpha1.Taint{{Key: "reserved"}} })
		obj := w.load("everywhere", onAllNodes)
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(2, 2, 0, 0))
		w.join("n3", completes)
		w.behave("n1", completes)
		w.behave("n2", completes)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(2, 0, 2, 0)))
	})

	It("finds another name where another Workload's NodeRun has the one it wants", func(ctx SpecContext) {
		w := newWorld()
		w.join("b-c", neverStops)
		w.join("c", completes)
		on := func(node string) func(*v1alpha1.WorkloadSpec) {
			return func(s *v1alpha1.WorkloadSpec) { s.Placement.NodeSelector = map[string]string{"name": node} }
		}
		for _, name := range []string{"b-c", "c"} {
			label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"name":"`+name+`"}}}`))
			Expect(admin.Patch(ctx, &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: name}}, label)).To(Succeed())
		}
		short := w.load("a", on("b-c"))
		Eventually(runsOf(short)).WithContext(ctx).Should(ConsistOf(HaveField("Name", "a-b-c-1")))
		long := w.load("a-b", on("c"))
		Eventually(of(long)).WithContext(ctx).Should(beComplete())
		Expect(runsOf(long)(ctx)).To(ConsistOf(HaveField("Name", "a-b-c-2")))
		Expect(runsOf(short)(ctx)).To(ConsistOf(HaveField("Name", "a-b-c-1")))
	})

	It("never gives a node to two Workloads at a time", func(ctx SpecContext) {
		w := newWorld()
		w.stop()
		for _, name := range []string{"n1", "n2", "n3"} {
			w.join(name, completes)
		}
		var loads []*v1alpha1.Workload
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			loads = append(loads, w.load(name, onNodes(2)))
		}
		w.startManager() // which looks at all of them at the same time
		for _, obj := range loads {
			Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		}
		// The fleet has counted; see audit.
	})
})
