// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The main job", func() {
	It("runs a Workload on two nodes and reports", func(ctx context.Context) {
		apply(ctx, workload("main", "3s", ""))
		DeferCleanup(remove, "main")

		By("making every worker one task, in its node's cgroup")
		for _, w := range awaitWorkers(ctx) {
			tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", w.PID))
			Expect(err).NotTo(HaveOccurred())
			Expect(tasks).To(HaveLen(1), "tasks of worker %d", w.PID)
		}

		By("kubectl wait")
		out, err := c.kubectl(ctx, "", "wait", "--for=condition=Complete", "workload/main", "--timeout=60s")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(workersIn()).To(BeEmpty())

		w := get(ctx, "main")
		Expect(w.Status.ObservedGeneration).To(Equal(w.Generation))
		Expect(*w.Status.Nodes).To(HaveField("Valid", BeEquivalentTo(2)))
		Expect(w.Status.MergedNodeRuns).To(BeEquivalentTo(2))
		Expect(w.Status.Machines).To(ConsistOf(And(HaveField("NodeRuns", BeEquivalentTo(2)), HaveField("FingerprintDigest", HaveLen(32)))),
			"both nodes are one machine")
		Expect(w.Status.CompletionTime).NotTo(BeNil())

		By("adding both nodes up")
		runs := nodeRuns(ctx, "main")
		Expect(runs).To(HaveLen(2))
		Expect(runs[0].Spec.NodeName).NotTo(Equal(runs[1].Spec.NodeName))
		for g, group := range w.Status.Groups {
			a, b := runs[0].Status.Result.Groups[g], runs[1].Status.Result.Groups[g]
			Expect(group.Name).To(Equal(a.Name))
			Expect(group.Workers).To(Equal(a.Workers + b.Workers))
			Expect(group.Completed).To(Equal(group.Workers))
			Expect(group.Iterations).To(BeNumerically(">", 0))
			Expect(group.Iterations).To(Equal(a.Iterations + b.Iterations))
			for d, dist := range group.Distributions {
				Expect(dist.Count).To(Equal(a.Distributions[d].Count + b.Distributions[d].Count))
				Expect(dist.Max).To(Equal(max(a.Distributions[d].Max, b.Distributions[d].Max)))
				Expect(dist.Histogram).NotTo(BeEmpty())
			}
		}

		By("saying so in words")
		for _, tc := range []struct{ args, want []string }{
			{[]string{"get", "workloads"}, []string{"main", "Finished", "True"}},
			{[]string{"get", "noderuns"}, []string{"main-node-a-1", "main-node-b-1", "Valid"}},
			{[]string{"get", "testnodes"}, []string{"node-a", "node-b", "True"}},
			{[]string{"get", "schedfleet"}, []string{"workload.schedfleet.dev/main", "testnode.schedfleet.dev/node-a"}},
			{[]string{"explain", "workload.spec.groups.work.timerLatency.interval"}, []string{"Default 1ms"}},
			{[]string{"get", "events", "--field-selector", "involvedObject.name=main"}, []string{"AllNodesValid"}},
		} {
			out, err := c.kubectl(ctx, "", tc.args...)
			Expect(err).NotTo(HaveOccurred(), out)
			for _, want := range tc.want {
				Expect(out).To(ContainSubstring(want), "kubectl %v", tc.args)
			}
		}
	}, NodeTimeout(3*time.Minute))

	It("ends a run that is deleted and leaves nothing", func(ctx context.Context) {
		apply(ctx, endless("deleted"))
		workers := awaitWorkers(ctx)
		remove(ctx, "deleted")
		assertDead(ctx, workers)
	}, NodeTimeout(3*time.Minute))

	It("holds a suspended Workload back and starts it when it is let go", func(ctx context.Context) {
		apply(ctx, workload("held", "1s", "  suspend: true"))
		DeferCleanup(remove, "held")
		out, err := c.kubectl(ctx, "", "wait", `--for=jsonpath={.status.conditions[?(@.type=="Progressing")].reason}=Suspended`, "workload/held", "--timeout=30s")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(nodeRuns(ctx, "held")).To(BeEmpty())
		out, err = c.kubectl(ctx, "", "patch", "workload", "held", "--type=merge", "-p", `{"spec":{"suspend":false}}`)
		Expect(err).NotTo(HaveOccurred(), out)
		out, err = c.kubectl(ctx, "", "wait", "--for=condition=Complete", "workload/held", "--timeout=60s")
		Expect(err).NotTo(HaveOccurred(), out)
	}, NodeTimeout(3*time.Minute))
})
