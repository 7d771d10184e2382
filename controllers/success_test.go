// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var _ = Describe("A Workload with a success policy", func() {
	It("is Complete when enough nodes gave a valid sample and nothing is left to run", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidLoadAbsent, "worker 0 of group web stood still"))
		w.join("n2", completes)
		w.join("n3", holds)
		obj := w.load("most", onNodes(3), validNodes(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(3, 1, 1, 1))
		Consistently(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonNotFinished))
		w.behave("n3", completes)
		Eventually(of(obj)).WithContext(ctx).Should(beEnough(Equal(
			"True EnoughNodesValid 2 of 3 nodes gave a valid sample, spec.successPolicy asks for 2; 1 void (1 LoadAbsent)")))
		Expect(of(obj)(ctx)).To(And(
			haveCounts(3, 0, 2, 1),
			haveCondition(v1alpha1.ConditionFailed, metav1.ConditionFalse, v1alpha1.ReasonEnoughValid),
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionFalse, v1alpha1.ReasonFinished),
			haveCondition(v1alpha1.ConditionPassed, metav1.ConditionTrue, string(v1alpha1.VerdictSkip)),
			HaveField("Status.MergedNodeRuns", int32(2)),
			HaveField("Status.Failures", ConsistOf(And(HaveField("Node", "n1"), HaveField("Reason", v1alpha1.VoidLoadAbsent)))),
		))
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ContainElement(v1alpha1.ReasonEnoughValid))
	})

	It("does not wait for ever for a node to repeat what was lost", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		w.join("n2", completes)
		w.join("n3", holds)
		obj := w.load("lost", onNodes(3), validPercent(60))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(3, 1, 2, 0))
		w.silence("n3", true)
		Eventually(of(obj)).WithContext(ctx).Should(beEnough(ContainSubstring("1 void (1 NodeLost); no node is left to repeat 1")))
	})

	It("waits for a busy node to repeat what was lost, if one fits", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		w.join("n2", holds)
		w.join("n3", holds)
		w.join("n4", holds)
		obj := w.load("patient", onNodes(3), validNodes(1), withRetries(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(3, 2, 1, 0))
		busy := w.load("busy")
		Eventually(of(busy)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		Expect(runsOf(busy)(ctx)).To(ConsistOf(HaveField("Spec.NodeName", "n4")))
		for _, name := range []string{"n2", "n3"} {
			w.silence(name, true)
		}
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(3, 0, 1, 2))
		Consistently(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonNotFinished))
	})

	It("is Complete at its deadline if enough nodes gave a valid sample by then", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		w.join("n2", holds)
		obj := w.load("late", onNodes(2), validPercent(50), withDeadline(3*time.Second))
		Eventually(of(obj)).WithContext(ctx).Should(beEnough(ContainSubstring("spec.deadline of 3s has passed")))
		Expect(of(obj)(ctx)).To(And(haveCounts(2, 0, 1, 1),
			HaveField("Status.Failures", ConsistOf(And(HaveField("Node", "n2"), HaveField("Reason", v1alpha1.VoidCancelled))))))
	})

	It("fails as soon as enough nodes cannot give one any more, and says by how much", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidSteal, "20 % stolen"))
		w.join("n2", voids(v1alpha1.VoidSteal, "30 % stolen"))
		w.join("n3", completes)
		obj := w.load("few", onNodes(3), validNodes(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonVoidSample,
			ContainSubstring("1 of 3 nodes gave a valid sample, spec.successPolicy asks for 2; 2 of 3 NodeRuns are void (2 Steal)")))
	})

	It("does not begin on all nodes while these are fewer than must be valid", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		obj := w.load("all", onAllNodes, validNodes(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode,
			ContainSubstring("1 of 1 test node fit, 2 are asked for")))
		Expect(runsOf(obj)(ctx)).To(BeEmpty())
		w.join("n2", completes)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(2, 0, 2, 0)))
	})

	It("is refused where the policy cannot hold, or is changed", func(ctx SpecContext) {
		w := newWorld()
		refused := func(message string, change ...func(*v1alpha1.WorkloadSpec)) {
			GinkgoHelper()
			Expect(w.try("refused", change...)).To(MatchError(ContainSubstring(message)))
		}
		refused("successPolicy.minValidNodes must not be more than placement.nodes", onNodes(2), validNodes(3))
		refused("successPolicy.minValidNodes must not be more than placement.nodes", validNodes(2))
		refused("exactly one of minValidNodes and minValidPercent must be set", func(s *v1alpha1.WorkloadSpec) { s.SuccessPolicy = &v1alpha1.SuccessPolicy{} })
		refused("exactly one of minValidNodes and minValidPercent must be set", onNodes(3), func(s *v1alpha1.WorkloadSpec) {
			s.SuccessPolicy = &v1alpha1.SuccessPolicy{MinValidNodes: new(int32(1)), MinValidPercent: new(int32(1))}
		})
		obj := w.load("kept", onNodes(2), validNodes(1))
		for _, patch := range []string{`{"spec":{"successPolicy":null}}`, `{"spec":{"successPolicy":{"minValidNodes":2}}}`} {
			err := admin.Patch(ctx, obj.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)))
			Expect(err).To(MatchError(ContainSubstring("the spec cannot be changed")))
		}
	})
})

func validNodes(n int32) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { s.SuccessPolicy = &v1alpha1.SuccessPolicy{MinValidNodes: &n} }
}

func validPercent(p int32) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { s.SuccessPolicy = &v1alpha1.SuccessPolicy{MinValidPercent: &p} }
}

func beEnough(message ...types.GomegaMatcher) types.GomegaMatcher {
	return haveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, v1alpha1.ReasonEnoughValid, message...)
}
