// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var _ = Describe("Draining a test node", func() {
	It("ends what runs there and repeats it elsewhere, without using up a retry", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("moved", withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		w.join("n2", completes)
		change(ctx, "n1", drained)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 1),
			HaveField("Status.Failures", ConsistOf(And(
				HaveField("Node", "n1"), HaveField("Reason", v1alpha1.VoidEvicted),
				HaveField("Message", "test node n1 has the taint repair with the effect NoExecute, which is not tolerated"))))))
		Expect(runsOf(obj)(ctx)).To(ConsistOf(HaveField("Name", "moved-n1-1"), HaveField("Name", "moved-n2-1")))
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ContainElement(string(v1alpha1.VoidEvicted)))
	})

	It("says so while the run has not ended, and repeats it only then", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", neverStops)
		w.join("n2", holds)
		w.join("n3", completes)
		change(ctx, "n3", cordoned)
		obj := w.load("slow", onNodes(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(2, 2, 0, 0))
		change(ctx, "n1", drained)
		change(ctx, "n3", uncordoned)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaiting, ContainSubstring("evicted have to end before they are repeated: n1")),
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRunning, ContainSubstring("evicted, but not ended yet on n1"))))
		Consistently(runsOf(obj)).WithContext(ctx).Should(HaveLen(2))
		w.behave("n1", holds)
		w.behave("n2", completes)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(2, 0, 2, 1)))
	})

	It("leaves alone what tolerates it", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("tolerant", func(s *v1alpha1.WorkloadSpec) { s.Placement.Tolerations = []v1alpha1.Toleration{{Key: "repair"}} })
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		change(ctx, "n1", drained)
		Consistently(runsOf(obj)).WithContext(ctx).Should(HaveEach(HaveField("Spec.Cancel", false)))
		w.behave("n1", completes)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 0)))
	})

	It("is noticed by a manager that was not there when it began", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		w.join("n2", holds)
		obj := w.load("unseen", withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		w.stop()
		change(ctx, runs[0].Spec.NodeName, drained)
		w.startManager()
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 1))
	})

	It("by a cordon withdraws what the agent has not taken, and lets go on what it has", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", deaf)
		waiting := w.load("waiting", withRetries(0))
		Eventually(runsOf(waiting)).WithContext(ctx).Should(HaveLen(1))
		w.join("n2", holds)
		running := w.load("running", withRetries(0))
		Eventually(of(running)).WithContext(ctx).Should(
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRunning, ContainSubstring("1 of 1 NodeRuns are running")))
		w.join("n3", completes)
		change(ctx, "n1", cordoned)
		change(ctx, "n2", cordoned)
		Eventually(runsOf(waiting)).WithContext(ctx).Should(ConsistOf(HaveField("Spec.Eviction", "test node n1 was cordoned before its agent had taken the run")))
		w.behave("n1", holds)
		Eventually(of(waiting)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 1)))
		Expect(runsOf(running)(ctx)).To(ConsistOf(HaveField("Spec.Cancel", false)))
		w.behave("n2", completes)
		Eventually(of(running)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 0)))
	})

	It("replaces a node by one of the same class", func(ctx SpecContext) {
		w := newWorld()
		of := func(class string) func(*v1alpha1.TestNode) {
			return func(n *v1alpha1.TestNode) { n.Status.Fingerprint = &v1alpha1.Fingerprint{HardwareDigest: class} }
		}
		w.join("n1", holds, of("epyc"))
		obj := w.load("class")
		Eventually(runsOf(obj)).WithContext(ctx).Should(HaveLen(1))
		w.join("n2", completes, of("xeon"))
		w.join("n3", completes, of("epyc"))
		change(ctx, "n1", drained)
		Eventually(runsOf(obj)).WithContext(ctx).Should(ConsistOf(HaveField("Spec.NodeName", "n1"), HaveField("Spec.NodeName", "n3")))
	})
})

// What people say about a test node.
const (
	drained    = `{"spec":{"taints":[{"key":"repair","effect":"NoExecute"}]}}`
	cordoned   = `{"spec":{"unschedulable":true}}`
	uncordoned = `{"spec":{"unschedulable":false}}`
)

// change patches a test node.
func change(ctx context.Context, node, patch string) {
	GinkgoHelper()
	n := &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
	Expect(admin.Patch(ctx, n, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
}
