// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// manifest is a Workload with one group of the given members.
func manifest(name, duration, group string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata:
  name: %s
spec:
  duration: %s
  groups:
    - {name: g, %s}
`, name, duration, group)
}

var _ = Describe("Bad input", func() {
	// refused checks that kubectl and schedfleet run refuse a manifest in the same words.
	refused := func(ctx context.Context, text string, words ...string) {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "w.yaml")
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())

		out, err := c.kubectl(ctx, text, "apply", "-f", "-")
		Expect(err).To(HaveOccurred(), "kubectl took it: %s", out)
		local, err := exec.CommandContext(ctx, filepath.Join(c.bin, "schedfleet"), "run", path).CombinedOutput()
		Expect(err).To(HaveOccurred(), "schedfleet run took it: %s", local)
		Expect(err.(*exec.ExitError).ExitCode()).To(Equal(2)) //nolint:errorlint,forcetypeassert // the failure says it
		for _, want := range words {
			Expect(out).To(ContainSubstring(want))
			Expect(string(local)).To(ContainSubstring(want))
		}
	}

	DescribeTable("is refused by kubectl apply and by schedfleet run in the same words, by field", refused,
		Entry("an unknown kind of work", manifest("bad", "1s", "workers: 1, work: {spinwait: {}}"),
			"spec.groups[0].work: Invalid value:", "exactly one kind of work must be set, out of: spinWait, yieldHeavy, mixed, aluHot, "),
		Entry("two kinds of work in one group", manifest("bad", "1s", "workers: 1, work: {spinWait: {}, yieldHeavy: {}}"),
			"spec.groups[0].work: Too many: 2: must have at most 1 item"),
		Entry("zero workers", manifest("bad", "1s", "workers: 0, work: {spinWait: {}}"),
			"spec.groups[0].workers: Invalid value: 0: spec.groups[0].workers in body should be greater than or equal to 1"),
		Entry("half a pair", manifest("bad", "1s", "workers: 3, work: {pipeIo: {}}"),
			"spec.groups[0].workers: Invalid value:", "pipeIo works in pairs: workers must be a multiple of 2"),
		Entry("dangerous work that nobody opted in to", manifest("bad", "1s", "workers: 2, work: {rtStarvation: {}}"),
			"spec.allowDangerousWork: Invalid value:", "can harm what else runs on the machine: set allowDangerousWork, and use nodes that allow it"),
		Entry("threads of work that forks", manifest("bad", "1s", "workers: 1, cloneMode: Thread, work: {forkExit: {}}"),
			"spec.groups[0].cloneMode: Invalid value:", "forkExit works in processes only: a process with threads cannot fork safely; leave cloneMode out"),
		Entry("a negative duration", manifest("bad", "-5s", "workers: 1, work: {spinWait: {}}"),
			"spec.duration: Invalid value:", "must be a duration above 0s and at most 24h, such as 500ms, 10s or 1m30s"),
		Entry("an unknown field", manifest("bad", "1s", "wrokers: 1, work: {spinWait: {}}"),
			`strict decoding error: unknown field "spec.groups[0].wrokers"`),
		Entry("a policy that is not there", manifest("bad", "1s", "workers: 1, schedulingPolicy: rt, work: {spinWait: {}}"),
			"every groups[].schedulingPolicy must be the name of an entry in schedulingPolicies"),
		Entry("a name of 300 characters", manifest(strings.Repeat("n", 300), "1s", "workers: 1, work: {spinWait: {}}"),
			"metadata.name: Invalid value:", "must be no more than 253 characters"),
		Entry("a name of 100 characters", manifest(strings.Repeat("n", 100), "1s", "workers: 1, work: {spinWait: {}}"),
			"metadata.name must be a DNS label: at most 63 of a-z, 0-9 and -"),
		Entry("a manifest of 2 MB", manifest("bad", "1s", "workers: 1, work: {spinWait: {}}")+groups(42_000),
			"Request entity too large: limit is 3145728"),
		Entry("a manifest of 300 kB", manifest("bad", "1s", "workers: 1, work: {spinWait: {}}")+groups(6_000),
			"metadata.annotations: Too long: may not be more than 262144 bytes", "spec.groups: Too many: 6001: must have at most 12 items"),
	)

	DescribeTable("that only the manager can see becomes a condition",
		func(ctx context.Context, rest, reason, message string) {
			apply(ctx, manifest("unseen", "1s", "workers: 1, work: {spinWait: {}}")+rest)
			DeferCleanup(remove, "unseen")
			out, err := c.kubectl(ctx, "", "wait", "--for=condition=Failed", "workload/unseen", "--timeout=30s")
			Expect(err).NotTo(HaveOccurred(), out)
			Expect(get(ctx, "unseen").Status.Conditions).To(ContainElement(And(
				HaveField("Type", v1alpha1.ConditionAccepted), HaveField("Reason", reason), HaveField("Message", HavePrefix(message)))))
		},
		Entry("a step that cannot be carried out", NodeTimeout(time.Minute),
			"  steps: [{name: s, ops: [{thawCgroup: {cgroup: none}}], hold: {fixed: 1s}}]\n", v1alpha1.ReasonInvalid, "spec.steps[0].ops[0].thawCgroup.cgroup: "),
		Entry("what this version does not do", NodeTimeout(time.Minute),
			"  scheduler: {name: default}\n", v1alpha1.ReasonNotSupportedYet, "not supported yet: spec.scheduler"),
	)

	It("that no node can satisfy waits and says why", func(ctx context.Context) {
		text := manifest("cpu", "1s", `workers: 1, affinity: {exact: "4095"}, work: {spinWait: {}}`)
		apply(ctx, text)
		DeferCleanup(remove, "cpu")
		words := "CPU 4095 of groups[0].affinity.exact ("
		Eventually(func() []string {
			var messages []string
			for _, cond := range get(ctx, "cpu").Status.Conditions {
				if cond.Reason == v1alpha1.ReasonNoFittingNode {
					messages = append(messages, cond.Message)
				}
			}
			return messages
		}).WithContext(ctx).WithTimeout(20 * time.Second).Should(ContainElement(ContainSubstring(words)))
		out, err := c.schedfleet(ctx, time.Minute, "run", writeTemp(text))
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring(words))
	}, NodeTimeout(time.Minute))

	AfterEach(func() { // nothing of it made anything fall over
		for _, name := range []string{"manager", "node-a", "node-b"} {
			Expect(child(name).alive()).To(BeTrue(), "%s has died", name)
		}
	})
})

// groups are more groups for a manifest, too many of them.
func groups(n int) string {
	return strings.Repeat("    - {name: h, workers: 1, work: {spinWait: {}}}\n", n)
}

func writeTemp(text string) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "w.yaml")
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return path
}
