// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// After any of these no worker lives five seconds later, and every object ends.
var _ = Describe("Kill -9", Ordered, func() {
	// terminal waits until the Workload and all its NodeRuns have ended.
	terminal := func(ctx context.Context, name string) *v1alpha1.Workload {
		GinkgoHelper()
		var w *v1alpha1.Workload
		Eventually(func() bool { w = get(ctx, name); return w.Finished() }).WithContext(ctx).
			WithTimeout(90*time.Second).WithPolling(200*time.Millisecond).Should(BeTrue(), "the Workload never ended")
		for _, run := range nodeRuns(ctx, name) {
			Expect(run.Finished()).To(BeTrue(), "NodeRun %s never ended", run.Name)
		}
		return w
	}
	reasons := func(ctx context.Context, name string) map[v1alpha1.VoidReason]int {
		count := map[v1alpha1.VoidReason]int{}
		for _, run := range nodeRuns(ctx, name) {
			reason, _ := run.VoidBecause()
			count[reason]++
		}
		return count
	}

	// What was killed is back at work before anything else begins.
	AfterEach(settle, NodeTimeout(time.Minute))

	It("of a runner: the run is repeated", func(ctx context.Context) {
		apply(ctx, workload("runner", "4s", ""))
		DeferCleanup(remove, "runner")
		workers := awaitWorkers(ctx)
		runner := parentOf(workers[0])
		var mine []process
		for _, w := range workers {
			if parentOf(w) == runner {
				mine = append(mine, w)
			}
		}
		Expect(mine).To(HaveLen(allWorkers / 2))
		runner.kill()
		assertDead(ctx, mine)
		w := terminal(ctx, "runner")
		Expect(meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionComplete)).To(BeTrue())
		Expect(reasons(ctx, "runner")).To(Equal(map[v1alpha1.VoidReason]int{"": 2, v1alpha1.VoidRunnerFailed: 1}))
	}, NodeTimeout(3*time.Minute))

	It("of an agent: the run ends as AgentRestart and is repeated", func(ctx context.Context) {
		apply(ctx, workload("agent", "4s", ""))
		DeferCleanup(remove, "agent")
		workers := awaitWorkers(ctx)
		agent := child("node-a")
		var mine []process
		for _, w := range workers {
			if parentOf(parentOf(w)) == agent {
				mine = append(mine, w)
			}
		}
		Expect(mine).To(HaveLen(allWorkers / 2))
		agent.kill()
		assertDead(ctx, mine)
		w := terminal(ctx, "agent")
		Expect(meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionComplete)).To(BeTrue())
		Expect(reasons(ctx, "agent")).To(Equal(map[v1alpha1.VoidReason]int{"": 2, v1alpha1.VoidAgentRestart: 1}))
	}, NodeTimeout(3*time.Minute))

	It("of an agent without a retry left: the Workload fails and says why", func(ctx context.Context) {
		apply(ctx, workload("noretry", "4s", "  retries: 0"))
		DeferCleanup(remove, "noretry")
		awaitWorkers(ctx)
		killChild(ctx, "node-b")
		w := terminal(ctx, "noretry")
		failed := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionFailed)
		Expect(failed).To(HaveField("Reason", v1alpha1.ReasonRetriesExhausted))
		Expect(w.Status.Failures).To(ConsistOf(HaveField("Reason", v1alpha1.VoidAgentRestart)))
	}, NodeTimeout(3*time.Minute))

	It("of the manager: the runs do not notice", func(ctx context.Context) {
		apply(ctx, workload("manager", "4s", ""))
		DeferCleanup(remove, "manager")
		awaitWorkers(ctx)
		killChild(ctx, "manager")
		w := terminal(ctx, "manager")
		Expect(meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionComplete)).To(BeTrue())
		Expect(reasons(ctx, "manager")).To(Equal(map[v1alpha1.VoidReason]int{"": 2}))
	}, NodeTimeout(3*time.Minute))

	It("of everything at once", func(ctx context.Context) {
		apply(ctx, workload("all", "4s", ""))
		DeferCleanup(remove, "all")
		workers := awaitWorkers(ctx)
		runner := parentOf(workers[0])
		for _, p := range []process{child("manager"), child("node-a"), child("node-b"), runner} {
			if p.alive() { // the runner may have ended with its agent
				p.kill()
			}
		}
		assertDead(ctx, workers)
		terminal(ctx, "all")
		Expect(workersIn()).To(BeEmpty())
	}, NodeTimeout(3*time.Minute))

	It("before the workers are at work", func(ctx context.Context) {
		apply(ctx, workload("early", "2s", ""))
		DeferCleanup(remove, "early")
		Eventually(func() int { return len(nodeRuns(ctx, "early")) }).WithContext(ctx).
			WithTimeout(20 * time.Second).WithPolling(10 * time.Millisecond).Should(Equal(2))
		killChild(ctx, "node-a")
		w := terminal(ctx, "early")
		Expect(meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionComplete)).To(BeTrue())
	}, NodeTimeout(3*time.Minute))

	It("at random moments", func(ctx context.Context) {
		const rounds = 8
		rng := rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), 0))
		for round := range rounds {
			name := fmt.Sprintf("random-%d", round)
			apply(ctx, workload(name, "2s", ""))
			moment := time.Duration(rng.Int64N(int64(3 * time.Second)))
			victim := []string{"manager", "node-a", "node-b", "runner"}[rng.IntN(4)]
			By(fmt.Sprintf("killing %s %v after the Workload was created", victim, moment))
			select {
			case <-ctx.Done():
			case <-time.After(moment):
			}
			workers := workersIn()
			if victim != "runner" {
				killChild(ctx, victim)
			} else if len(workers) > 0 && workers[0].alive() { // else the run has just ended
				killRunnerOf(workers[0])
			}
			terminal(ctx, name)
			assertDead(ctx, workers)
			Expect(workersIn()).To(BeEmpty())
			remove(ctx, name)
		}
	}, NodeTimeout(5*time.Minute))
})
