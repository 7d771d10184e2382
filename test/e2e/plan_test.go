// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("A plan", func() {
	plan := func(ctx context.Context, manifest string) (said string, code int) {
		GinkgoHelper()
		out, err := c.schedfleet(ctx, time.Minute, "plan", "--kubeconfig", filepath.Join(c.dir, "kubeconfig"), writeTemp(manifest))
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return out, exit.ExitCode()
		}
		Expect(err).NotTo(HaveOccurred(), out)
		return out, 0
	}
	of := func(placement string) string {
		return strings.Replace(workload("planned", "2s", ""), "nodes: 2", placement, 1)
	}

	It("says what the cluster would do, and changes nothing", func(ctx context.Context) {
		said, code := plan(ctx, of("nodes: 2"))
		Expect(code).To(BeZero(), said)
		Expect(said).To(And(ContainSubstring("Workload default/planned would start now on 2 of 2 test nodes"), ContainSubstring("ping"), MatchRegexp(`burner +1 +- +0`)))

		said, code = plan(ctx, of("nodes: 3"))
		Expect(code).To(Equal(6), said)
		Expect(said).To(ContainSubstring("2 of 2 test nodes fit, 3 are asked for"))

		said, code = plan(ctx, of("nodes: 2\n    allNodes: true"))
		Expect(code).To(Equal(2), said)
		Expect(said).To(ContainSubstring("at most one of nodes, nodesPercent and allNodes may be set"))

		By("planning behind a Workload that has all nodes")
		apply(ctx, workload("ahead", "1h", ""))
		DeferCleanup(remove, "ahead")
		awaitWorkers(ctx)
		said, code = plan(ctx, of("nodes: 1"))
		Expect(code).To(Equal(5), said)
		Expect(said).To(And(ContainSubstring("of 2 that fit, 2 are busy"), ContainSubstring("has the NodeRun default/ahead-")))

		out, err := c.kubectl(ctx, "", "get", "workload", "planned", "--ignore-not-found", "-o", "name")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(BeEmpty())
	}, NodeTimeout(3*time.Minute))
})
