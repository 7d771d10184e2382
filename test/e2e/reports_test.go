// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Whole reports", func() {
	It("are where the NodeRuns say, as they say, and agree with the status", func(ctx context.Context) {
		apply(ctx, workload("kept", "2s", ""))
		DeferCleanup(remove, "kept")
		out, err := c.kubectl(ctx, "", "wait", "--for=condition=Complete", "workload/kept", "--timeout=60s")
		Expect(err).NotTo(HaveOccurred(), out)

		runs := nodeRuns(ctx, "kept")
		Expect(runs).To(HaveLen(2))
		for _, run := range runs {
			By("reading " + run.Name + "'s as a person would")
			out, err := c.kubectl(ctx, "", "get", "noderun", run.Name, "-o", `jsonpath={.status.result.report.url} {.status.result.report.sha256}`)
			Expect(err).NotTo(HaveOccurred(), out)
			url, sum, _ := strings.Cut(out, " ")
			path, isFile := strings.CutPrefix(url, "file://"+c.dir+"/reports/")
			Expect(isFile).To(BeTrue(), "%s is in the cluster's directory", url)
			Expect(path).To(Equal("default/kept/" + run.Name + "-" + run.Spec.RunID + ".json"))
			text, err := os.ReadFile(strings.TrimPrefix(url, "file://"))
			Expect(err).NotTo(HaveOccurred())
			digest := sha256.Sum256(text)
			Expect(hex.EncodeToString(digest[:])).To(Equal(sum))
			Expect(run.Status.Result.Report.Bytes).To(BeEquivalentTo(len(text)))

			By("comparing it with the status")
			var rep struct {
				RunID    string            `json:"runID"`
				Workload string            `json:"workload"`
				Node     string            `json:"node"`
				Verdict  string            `json:"verdict"`
				Workers  []json.RawMessage `json:"workers"`
				Groups   []struct {
					Iterations int64 `json:"iterations"`
				} `json:"groups"`
			}
			Expect(json.Unmarshal(text, &rep)).To(Succeed())
			Expect(rep.RunID).To(Equal(run.Spec.RunID))
			Expect(rep.Workload).To(Equal("kept"))
			Expect(rep.Node).To(Equal(run.Spec.NodeName))
			Expect(rep.Verdict).To(Equal(string(run.Status.Result.Verdict)))
			var workers int32
			for g, group := range run.Status.Result.Groups {
				workers += group.Workers
				Expect(rep.Groups[g].Iterations).To(BeEquivalentTo(group.Iterations))
			}
			Expect(rep.Workers).To(HaveLen(int(workers)))
		}
	}, NodeTimeout(3*time.Minute))
})
