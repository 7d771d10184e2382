// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var _ = Describe("Workloads of one name in two namespaces", func() {
	It("share the nodes and nothing else", func(ctx SpecContext) {
		w := newWorld()
		elsewhere := &world{fleet: w.fleet, namespace: secondNamespace()}
		w.join("n1", holds)
		w.join("n2", holds)
		ours, theirs := w.load("twin"), elsewhere.load("twin")
		for _, obj := range []*v1alpha1.Workload{ours, theirs} {
			Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
			runs, err := runsOf(obj)(ctx)
			Expect(err).NotTo(HaveOccurred())
			Expect(runs).To(ConsistOf(And(
				HaveField("Spec.Workload.UID", string(obj.UID)), HaveField("OwnerReferences", ConsistOf(HaveField("UID", obj.UID))))))
		}
		// A NodeRun that claims to be of another's Workload counts for nobody.
		forged := &v1alpha1.NodeRun{ObjectMeta: metav1.ObjectMeta{
			Namespace: theirs.Namespace, Name: "forged", Labels: map[string]string{v1alpha1.LabelWorkload: "twin"},
		}}
		forged.Spec = v1alpha1.NodeRunSpec{
			NodeName: "n3", Attempt: 1, RunID: "run-forged", Run: ours.Spec.RunSpec, Workload: v1alpha1.WorkloadReference{Name: "twin", UID: string(ours.UID)},
		}
		Expect(admin.Create(ctx, forged)).To(Succeed())
		for _, obj := range []*v1alpha1.Workload{ours, theirs} {
			Consistently(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		}

		Expect(admin.Delete(ctx, ours)).To(Succeed())
		Eventually(cancelledRuns(ours)).WithContext(ctx).Should(Equal(1))
		Expect(cancelledRuns(theirs)(ctx)).To(BeZero(), "the other tenant's run was cancelled, too")
		w.behave("n1", completes)
		w.behave("n2", completes)
		Eventually(gone(ours)).WithContext(ctx).Should(BeTrue())
		Eventually(of(theirs)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 0)))
		Expect(runsOf(ours)(ctx)).To(BeEmpty())
		Expect(runsOf(theirs)(ctx)).To(ContainElement(HaveField("Spec.Workload.UID", string(theirs.UID))))
	})
})

// secondNamespace is beside that of a world.
func secondNamespace() string {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-other-"}}
	Expect(admin.Create(context.Background(), ns)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { (&world{namespace: ns.Name}).clear(ctx) })
	return ns.Name
}

// cancelledRuns counts a Workload's NodeRuns that are to be stopped or gone.
func cancelledRuns(obj *v1alpha1.Workload) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		runs, err := runsOf(obj)(ctx)
		n := 0
		for i := range runs {
			if runs[i].Spec.Cancel {
				n++
			}
		}
		return n, err
	}
}
