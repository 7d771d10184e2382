// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// consents is the node of an agent that allows what those of the cluster do not.
const consents = "node-consents"

// consentingAgent starts the agent of one more node of this machine. It ends with the story, and its
// TestNode goes with it.
func consentingAgent(ctx context.Context) {
	GinkgoHelper()
	s, err := c.state()
	Expect(err).NotTo(HaveOccurred())
	agent := exec.Command(filepath.Join(c.bin, "schedfleet-agent"), "--kubeconfig="+s.Kubeconfig, "--node-name="+consents,
		"--runner="+filepath.Join(c.bin, "schedfleet-runner"), "--cgroup-root="+filepath.Join(s.CgroupRoot, consents),
		"--spool-dir="+GinkgoT().TempDir(), "--allow-dangerous-work", "--allow-program=dd=/bin/dd")
	agent.Stdout, agent.Stderr = GinkgoWriter, GinkgoWriter
	agent.WaitDelay = time.Second
	Expect(agent.Start()).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(agent.Process.Signal(syscall.SIGTERM)).To(Succeed())
		limit := time.AfterFunc(30*time.Second, func() { _ = agent.Process.Kill() })
		defer limit.Stop()
		Expect(agent.Wait()).To(Succeed())
		out, err := c.kubectl(ctx, "", "delete", "testnode", consents)
		Expect(err).NotTo(HaveOccurred(), out)
	})
	Eventually(func() (string, error) {
		return c.kubectl(ctx, "", "get", "testnode", consents, "-o", "jsonpath={.status.policy.dangerousWork} {.status.policy.programs}")
	}).WithContext(ctx).WithTimeout(30 * time.Second).WithPolling(200 * time.Millisecond).Should(Equal(`Allowed ["dd"]`))
}

var _ = Describe("Work that a node's owner has to allow", func() {
	const (
		dangerous = "allowDangerousWork: true\n  groups: [{name: g, workers: 2, affinity: {singleCPU: {}}, work: {rtStarvation: {}}}]\n"
		program   = `groups: [{name: g, workers: 1, work: {exec: {program: dd, args: [if=/dev/zero, of=/dev/null, bs=64k, count=1000],
      metrics: [{name: time, from: Stderr, pattern: 'copied, ([0-9.]+) s', unit: s, polarity: LowerIsBetter}]}}}]
`
	)
	text := func(name, spec string) string {
		return "apiVersion: schedfleet.dev/v1alpha1\nkind: Workload\nmetadata:\n  name: " + name + "\nspec:\n  duration: 1s\n  " + spec
	}

	It("waits for a node that allows it, and runs there", func(ctx context.Context) {
		for name, tc := range map[string]struct{ spec, why string }{
			"dangerous": {dangerous, "2 do not allow dangerous work, which groups[0].work.rtStarvation is"},
			"program":   {program, "2 do not offer the program dd, which groups[0].work.exec.program names"},
		} {
			apply(ctx, text(name, tc.spec))
			DeferCleanup(remove, name)
			Eventually(func() string {
				placed := meta.FindStatusCondition(get(ctx, name).Status.Conditions, v1alpha1.ConditionPlaced)
				if placed == nil || placed.Reason != v1alpha1.ReasonNoFittingNode {
					return ""
				}
				return placed.Message
			}).WithContext(ctx).WithTimeout(20 * time.Second).Should(ContainSubstring(tc.why))
		}

		consentingAgent(ctx)
		out, err := c.kubectl(ctx, "", "wait", "--for=condition=Complete", "workload/dangerous", "workload/program", "--timeout=90s")
		Expect(err).NotTo(HaveOccurred(), out)
		for _, name := range []string{"dangerous", "program"} {
			Expect(nodeRuns(ctx, name)).To(ContainElement(HaveField("Spec.NodeName", consents)))
		}
		Expect(workersIn()).To(BeEmpty())
		Expect(get(ctx, "program").Status.Groups[0].ProgramMetrics).To(ConsistOf(And(
			HaveField("Name", "time"), HaveField("Unit", "s"), HaveField("Polarity", v1alpha1.PolarityLower), HaveField("Count", BeEquivalentTo(1)),
			HaveField("Sum", Not(BeEmpty())))))
	}, NodeTimeout(4*time.Minute))
})
