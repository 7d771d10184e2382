// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func synchronized(run *v1alpha1.NodeRun) { run.Spec.Start = v1alpha1.StartSynchronized }

// setStart is what the manager does when all are prepared.
func setStart(ctx context.Context, run *v1alpha1.NodeRun, at metav1.MicroTime) error {
	text := []byte(`{"spec":{"startTime":"` + at.UTC().Format(metav1.RFC3339Micro) + `"}}`)
	return admin.Patch(ctx, run.DeepCopy(), client.RawPatch("application/merge-patch+json", text))
}

var _ = Describe("a synchronized NodeRun", func() {
	It("is prepared, waits for its start, and says how it kept to it, with two writes", func(ctx SpecContext) {
		m := newMachine()
		m.start()
		run := m.nodeRun(ctx, synchronized)
		Eventually(func() bool { return get(ctx, run).Prepared() }).Should(BeTrue())
		Consistently(state(ctx, run)).Should(Equal("started"))
		at := metav1.NowMicro()
		Expect(setStart(ctx, run, at)).To(Succeed())
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		s := get(ctx, run).Status.Result.SynchronizedStart
		Expect(s).NotTo(BeNil())
		Expect(s.LateNanoseconds).To(BeEquivalentTo(1500))
		Expect(s.Planned.Time).To(BeTemporally("~", at.Time, time.Microsecond))
		Expect(m.net.seen("PATCH", "/noderuns/")).To(HaveLen(2))
		Expect(setStart(ctx, run, metav1.NewMicroTime(at.Add(time.Second)))).To(MatchError(ContainSubstring("startTime cannot be changed")))
	})

	It("ends void when no start comes, and when it is cancelled before", func(ctx SpecContext) {
		m := newMachine()
		m.startWait = while
		m.start()
		late := m.nodeRun(ctx, synchronized)
		Eventually(state(ctx, late)).Should(Equal("Failed SetupFailed"))
		_, message := get(ctx, late).VoidBecause()
		Expect(message).To(ContainSubstring("no common start came"))

		m = newMachine()
		m.start()
		run := m.nodeRun(ctx, synchronized)
		Eventually(func() bool { return get(ctx, run).Prepared() }).Should(BeTrue())
		cancel(ctx, run)
		Eventually(state(ctx, run)).Should(Equal("Failed Cancelled"))
	})

	It("ends as AgentRestart when its agent is restarted before the start", func(ctx SpecContext) {
		m := newMachine()
		stop := m.start()
		run := m.nodeRun(ctx, synchronized)
		Eventually(func() bool { return get(ctx, run).Prepared() }).Should(BeTrue())
		m.kill(stop)
		m.start()
		Eventually(state(ctx, run)).Should(Equal("Failed AgentRestart"))
	})
})
