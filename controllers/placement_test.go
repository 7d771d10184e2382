// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func ofClass(class string) func(*v1alpha1.TestNode) {
	return func(n *v1alpha1.TestNode) { n.Status.Fingerprint = &v1alpha1.Fingerprint{Digest: class} }
}

func placedBy(change func(*v1alpha1.Placement)) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { change(&s.Placement) }
}

var _ = Describe("Placement", func() {
	It("starts a gang on all nodes or on none, and keeps nodes for it", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		first := w.load("first")
		Eventually(runsOf(first)).WithContext(ctx).Should(HaveLen(1))
		w.join("n2", holds)
		w.join("n3", holds)
		gang := w.load("gang", onNodes(3), placedBy(func(p *v1alpha1.Placement) { p.Gang = true }))
		Eventually(of(gang)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes,
			ContainSubstring("1 test node is awaited; of 3 that fit, 1 is busy; 2 are free and kept for it, as all begin together (placement.gang)")))
		small := w.load("small", withPriority(-1))
		Eventually(of(small)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes,
			ContainSubstring("2 are kept for Workloads ahead in the queue")))
		Consistently(runsOf(gang)).WithContext(ctx).Should(BeEmpty())

		w.behave("n1", completes)
		Eventually(runsOf(gang)).WithContext(ctx).Should(HaveLen(3))
		Expect(runsOf(small)(ctx)).To(BeEmpty())
		w.behave("n2", completes)
		w.behave("n3", completes)
		Eventually(of(gang)).WithContext(ctx).Should(beComplete())
		Eventually(of(small)).WithContext(ctx).Should(beComplete())
	})

	It("stays in the class in which it has begun", func(ctx SpecContext) {
		w := newWorld()
		w.join("a1", holds, ofClass("a"))
		w.join("b1", holds, ofClass("b"))
		w.join("b2", holds, ofClass("b"))
		alike := w.load("alike", onNodes(2), placedBy(func(p *v1alpha1.Placement) { p.SameClass = true }))
		Eventually(runsOf(alike)).WithContext(ctx).Should(ConsistOf(
			And(HaveField("Spec.NodeName", "b1"), HaveField("Labels", HaveKeyWithValue(v1alpha1.LabelClass, "b"))),
			And(HaveField("Spec.NodeName", "b2"), HaveField("Labels", HaveKeyWithValue(v1alpha1.LabelClass, "b")))))
		three := w.load("three", onNodes(3), placedBy(func(p *v1alpha1.Placement) { p.SameClass = true }))
		Eventually(of(three)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode,
			ContainSubstring("2 of 3 test nodes fit, 3 are asked for: 1 is of another class")))
		w.join("b3", completes, ofClass("b")) // wakes it, and is of the class it waits for
		w.behave("b1", completes)
		w.behave("b2", completes)
		Eventually(of(three)).WithContext(ctx).Should(beComplete())
		Expect(runsOf(three)(ctx)).To(HaveEach(HaveField("Labels", HaveKeyWithValue(v1alpha1.LabelClass, "b"))))
	})

	It("settles once how many nodes a share is", func(ctx SpecContext) {
		w := newWorld()
		for _, name := range []string{"n1", "n2", "n3"} {
			w.join(name, holds)
		}
		share := w.load("share", placedBy(func(p *v1alpha1.Placement) { p.NodesPercent = new(int32(50)) }))
		Eventually(of(share)).WithContext(ctx).Should(haveCounts(2, 2, 0, 0))
		for _, name := range []string{"n4", "n5", "n6"} {
			w.join(name, holds)
		}
		for _, name := range []string{"n1", "n2", "n3"} {
			w.behave(name, completes)
		}
		Eventually(of(share)).WithContext(ctx).Should(And(beComplete(), haveCounts(2, 0, 2, 0)))
	})
})
