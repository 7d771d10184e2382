// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func asGang(s *v1alpha1.WorkloadSpec) { s.Placement.Gang = true }

// starts parks the workers of a NodeRun, waits for its start time and starts them late.
func starts(late time.Duration) behaviour {
	return func(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
		switch {
		case run.Spec.Cancel:
			return ended(run, v1alpha1.VoidCancelled, "cancelled before the workers started")
		case !run.Started():
			status := started(run)
			meta.SetStatusCondition(&status.Conditions, metav1.Condition{
				Type: v1alpha1.ConditionPrepared, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonParked,
			})
			return status
		case run.Spec.StartTime == nil:
			return nil
		}
		status := ended(run, "", "")
		status.Result.SynchronizedStart = &v1alpha1.SynchronizedStart{
			Planned: *run.Spec.StartTime, Actual: metav1.NewMicroTime(run.Spec.StartTime.Add(late)), LateNanoseconds: late.Nanoseconds(),
		}
		return status
	}
}

var _ = Describe("A gang", func() {
	It("starts at one time once all nodes are prepared, and says how far apart they did", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", starts(time.Millisecond))
		w.join("n2", deaf)
		obj := w.load("together", onNodes(2), asGang)
		Eventually(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRunning,
			ContainSubstring("1 of them with parked workers")))
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		for _, run := range runs {
			Expect(run.Spec.StartTime).To(BeNil(), "a start before all were prepared")
		}
		w.behave("n2", starts(4*time.Millisecond))
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		live, err := of(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		s := live.Status.SynchronizedStart
		Expect(s).NotTo(BeNil())
		Expect(s.NodeRuns).To(BeEquivalentTo(2))
		Expect(s.SpreadNanoseconds).To(BeEquivalentTo(3e6))
		Expect(s.MaxLateNanoseconds).To(BeEquivalentTo(4e6))
	})

	It("is stopped before its start when a node cannot take part", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", starts(0))
		w.join("n2", voids(v1alpha1.VoidSetupFailed, "no such policy"))
		obj := w.load("apart", onNodes(2), asGang)
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonVoidSample, ContainSubstring("no such policy")))
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		for _, run := range runs {
			Expect(run.Spec.StartTime).To(BeNil(), "a start of a gang that is not complete")
			Expect(run.Finished()).To(BeTrue())
		}
	})
})
