// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var _ = Describe("A test node that keeps spoiling samples", func() {
	It("is set aside with the reason, and comes back by a trial", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidRunnerFailed, "exit status 2"))
		w.spoil(ctx, "a", "b", "c")
		Eventually(theNode).WithContext(ctx).Should(beQuarantined(metav1.ConditionTrue, v1alpha1.ReasonKeepsFailing,
			ContainSubstring("no valid sample for 3 Workloads in a row (3 RunnerFailed); NodeRun %s/c-n1-1 is void (RunnerFailed: exit status 2)", w.namespace)))
		w.behaveNext("n1", completes)
		next := w.load("next")
		Eventually(of(next)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode,
			ContainSubstring("1 is quarantined (KeepsFailing)")))
		Eventually(of(next)).WithContext(ctx).Should(beComplete())
		Eventually(theNode).WithContext(ctx).Should(And(
			beQuarantined(metav1.ConditionFalse, v1alpha1.ReasonTrialPassed, ContainSubstring("/next-n1-1, gave a valid sample")),
			HaveField("Status.Quarantine", HaveField("Times", int32(0)))))
		node, err := theNode(ctx)
		Expect(err).NotTo(HaveOccurred())
		Eventually(eventReasons(node)).WithContext(ctx).Should(ConsistOf(
			v1alpha1.ReasonKeepsFailing, v1alpha1.ReasonOnTrial, v1alpha1.ReasonTrialPassed))
	})

	It("is set aside for longer when the trial fails, whatever manager looks, until a person releases it", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidDisturbed, "others used 3 CPUs"))
		w.spoil(ctx, "a", "b", "c")
		Eventually(theNode).WithContext(ctx).Should(beQuarantined(metav1.ConditionTrue, v1alpha1.ReasonKeepsDisturbing))
		w.stop()
		w.startManager()
		Eventually(theNode).WithContext(ctx).Should(beQuarantined(metav1.ConditionUnknown, v1alpha1.ReasonOnTrial))
		w.spoil(ctx, "trial")
		Eventually(theNode).WithContext(ctx).Should(And(
			beQuarantined(metav1.ConditionTrue, v1alpha1.ReasonKeepsDisturbing, ContainSubstring("/trial-n1-1, is void (Disturbed: others used 3 CPUs)")),
			HaveField("Status.Quarantine.Times", int32(2))))
		w.behaveNext("n1", completes)
		next := w.load("next")
		Eventually(of(next)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode))
		change(ctx, "n1", `{"metadata":{"annotations":{"schedfleet.dev/release-quarantine":"checked by hand"}}}`)
		Eventually(theNode).WithContext(ctx).Should(beQuarantined(metav1.ConditionFalse, v1alpha1.ReasonReleased))
		Eventually(of(next)).WithContext(ctx).Should(beComplete())
	})

	It("is not set aside if a person exempts it", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidRunnerFailed, "exit status 2"), func(n *v1alpha1.TestNode) {
			n.Annotations = map[string]string{v1alpha1.AnnotationQuarantine: v1alpha1.QuarantineNever}
		})
		w.spoil(ctx, "a", "b", "c")
		Consistently(theNode).WithContext(ctx).Should(HaveField("Status.Quarantine", BeNil()))
	})

	It("keeps what its agent says of it, and the agent keeps its quarantine", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidRunnerFailed, "exit status 2"))
		w.join("n2", deaf)
		applyAsAgent(ctx, "n1", v1alpha1.ReasonAgentReady)
		change(ctx, "n2", cordoned)
		w.spoil(ctx, "a", "b", "c")
		set := And(
			beQuarantined(metav1.ConditionTrue, v1alpha1.ReasonKeepsFailing),
			HaveField("Status.Quarantine.Times", int32(1)),
			WithTransform(func(n *v1alpha1.TestNode) bool { return n.Ready() }, BeTrue()),
			HaveField("Status.Topology.CPUs", int32(2)),
		)
		Eventually(theNode).WithContext(ctx).Should(set)
		applyAsAgent(ctx, "n1", "SaidAgain")
		Expect(theNode(ctx)).To(set)
	})
})

// spoil runs Workloads without retries, one after the other, each to its failure.
func (w *world) spoil(ctx context.Context, names ...string) {
	GinkgoHelper()
	for _, name := range names {
		obj := w.load(name, withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(HaveField("Finished()", BeTrue()), name)
	}
}

// applyAsAgent writes the part of a node's status that a real agent writes, as it does.
func applyAsAgent(ctx context.Context, node, reason string) {
	GinkgoHelper()
	patch := fmt.Appendf(nil, `{"apiVersion":%q,"kind":"TestNode","metadata":{"name":%q},"status":{"topology":{"shape":"1n1l2c1t","onlineCPUs":"0-1","cpus":2,"cores":2,"llcs":1,"numaNodes":1},
		"conditions":[{"type":"Ready","status":"True","reason":%q,"message":"","lastTransitionTime":"2026-11-01T12:00:00Z"}]}}`, v1alpha1.GroupVersion, node, reason)
	n := &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
	Expect(admin.Status().Patch(ctx, n, client.RawPatch("application/apply-patch+yaml", patch),
		client.FieldOwner(v1alpha1.FieldOwnerAgent), client.ForceOwnership)).To(Succeed())
}

func theNode(ctx context.Context) (*v1alpha1.TestNode, error) {
	n := &v1alpha1.TestNode{}
	return n, admin.Get(ctx, client.ObjectKey{Name: "n1"}, n)
}

func beQuarantined(status metav1.ConditionStatus, reason string, message ...types.GomegaMatcher) types.GomegaMatcher {
	return WithTransform(func(n *v1alpha1.TestNode) string {
		c := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionQuarantined)
		if c == nil {
			return "no condition Quarantined"
		}
		return fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message)
	}, And(append(message, HavePrefix("%s %s ", status, reason))...))
}
