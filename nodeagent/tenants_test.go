// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

var _ = Describe("NodeRuns of one name in several namespaces", func() {
	It("have cgroups, ends and reports of their own", func(ctx SpecContext) {
		m := newMachine()
		spaces := []string{newNamespace(), newNamespace(), newNamespace()}
		slices.Sort(spaces) // the order of NodeRuns that were made in the same second
		release := make(chan struct{})
		m.runner.set(func(ctx context.Context, job runner.Job) (*report.Report, error) {
			rep, err := holds(release)(ctx, job)
			rep.Groups[0].Iterations = uint64(len(job.RunID)) // tells whose it is
			return rep, err
		})
		var runs []*v1alpha1.NodeRun
		for i, ns := range spaces {
			runs = append(runs, m.nodeRun(ctx, func(run *v1alpha1.NodeRun) {
				run.Namespace, run.Name = ns, "same"
				run.Spec.RunID += "xxx"[:i]
			}))
		}
		m.start()
		// One after the other, and by age: the tenants wait for each other, whoever they are.
		Eventually(state(ctx, runs[0])).Should(Equal("started"))
		cancel(ctx, runs[1])
		Consistently(state(ctx, runs[0])).Should(Equal("started"), "another tenant's cancel reached it")
		close(release)
		Eventually(state(ctx, runs[0])).Should(Equal("Complete Valid"))
		Eventually(state(ctx, runs[1])).Should(Equal("Failed " + string(v1alpha1.VoidCancelled)))
		Eventually(state(ctx, runs[2])).Should(Equal("Complete Valid"))
		for _, run := range []*v1alpha1.NodeRun{runs[0], runs[2]} {
			result := get(ctx, run).Status.Result
			Expect(result.RunID).To(Equal(run.Spec.RunID))
			Expect(result.Groups[0].Iterations).To(BeEquivalentTo(len(run.Spec.RunID)))
		}
		Expect(get(ctx, runs[1]).Status.Result).To(BeNil())
		Expect(m.runner.ran()).To(Equal([]string{runs[0].Spec.RunID, runs[2].Spec.RunID}))
		Expect(m.runner.jobs[0].Cgroup).NotTo(Equal(m.runner.jobs[1].Cgroup))
		Eventually(m.spooled).Should(BeEmpty())
	})
})

func newNamespace() string {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "tenant-"}}
	Expect(admin.Create(context.Background(), ns)).To(Succeed())
	return ns.Name
}
