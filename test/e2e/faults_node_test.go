// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func (f *faults) disks() {
	It("that are full under the spool: the report arrives, also one that had to wait, and the agent says where it is", func(ctx context.Context) {
		spool := filepath.Join(c.dir, "spool", "node-a")
		Expect(syscall.Mount("tmpfs", spool, "tmpfs", 0, "size=64k")).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			Expect(syscall.Unmount(spool, syscall.MNT_DETACH)).To(Succeed())
			killChild(ctx, "node-a") // it starts again on the disk below
		})
		fill(filepath.Join(spool, "filler"))
		since := logSize()
		killChild(ctx, "node-a")
		Eventually(func() string { return logOf(since) }).WithContext(ctx).WithTimeout(restartLimit).
			Should(ContainSubstring("naming spool"))
		only(ctx, "full", "node-a")
		apply(ctx, onNode("full", "full", "2s", ""))
		awaitTimers(ctx)
		f.proxies["node-a"].Cut()
		Eventually(func() string { return logOf(since) }).WithContext(ctx).WithTimeout(restartLimit).
			Should(And(ContainSubstring("kept in memory only"), ContainSubstring("no space left on device")))
		f.proxies["node-a"].Mend()
		awaitFinished(ctx, "full")
		Expect(endings(ctx, "full")).To(Equal(map[string][]string{"node-a": {"Valid"}}))
		apply(ctx, onNode("full", "full-2", "1s", ""))
		awaitFinished(ctx, "full-2")
		Expect(endings(ctx, "full-2")).To(Equal(map[string][]string{"node-a": {"Valid"}}))
	}, NodeTimeout(3*time.Minute))
}

// fill writes to a file until its disk is full.
func fill(path string) {
	GinkgoHelper()
	f, err := os.Create(path)
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(f.Close()).To(Succeed()) }()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	Expect(err).To(MatchError(syscall.ENOSPC))
}

func (f *faults) hands() {
	It("to a NodeRun, which is deleted: the run is stopped and another one stands for it", func(ctx context.Context) {
		only(ctx, "hand", "node-a")
		apply(ctx, onNode("hand", "deleted", "3s", ""))
		workers := awaitTimers(ctx)
		runs := nodeRuns(ctx, "deleted")
		Expect(runs).To(HaveLen(1))
		Expect(c.client.Delete(ctx, &runs[0])).To(Succeed())
		assertDead(ctx, workers)
		awaitFinished(ctx, "deleted")
		again := nodeRuns(ctx, "deleted")
		Expect(again).To(HaveLen(1))
		Expect(again[0].UID).NotTo(Equal(runs[0].UID))
		Expect(again[0].Spec.RunID).NotTo(Equal(runs[0].Spec.RunID))
		Expect(again[0].Valid()).To(BeTrue())
	}, NodeTimeout(2*time.Minute))

	It("to a TestNode, which is deleted: the run goes on and the node comes back", func(ctx context.Context) {
		apply(ctx, workload("nodeless", "3s", ""))
		awaitWorkers(ctx)
		before := testNode(ctx, "node-a").UID
		Expect(c.client.Delete(ctx, &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: "node-a"}})).To(Succeed())
		awaitFinished(ctx, "nodeless")
		Expect(endings(ctx, "nodeless")).To(Equal(bothValid()))
		awaitReady(ctx, "node-a")
		Expect(testNode(ctx, "node-a").UID).NotTo(Equal(before))
	}, NodeTimeout(2*time.Minute))

	It("to a Workload, whose finalizer is removed: its runs are stopped and its NodeRuns go", func(ctx context.Context) {
		apply(ctx, workload("torn", "10m", ""))
		workers := awaitWorkers(ctx)
		w := get(ctx, "torn")
		Expect(c.client.Patch(ctx, w, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		Expect(c.client.Delete(ctx, w)).To(Succeed())
		assertDead(ctx, workers)
		Eventually(func() []v1alpha1.NodeRun { return nodeRuns(ctx, "torn") }).WithContext(ctx).WithTimeout(20 * time.Second).Should(BeEmpty())
	}, NodeTimeout(2*time.Minute))
}
