// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

// Two machines whose agents were given one node name.
var _ = Describe("two agents of one node", func() {
	// holder is who has a machine's Lease, empty for nobody.
	holder := func(ctx context.Context, m *machine) func() string {
		return func() string {
			lease := &coordinationv1.Lease{}
			if admin.Get(ctx, client.ObjectKey{Namespace: v1alpha1.DefaultLeaseNamespace, Name: m.name}, lease) != nil || lease.Spec.HolderIdentity == nil {
				return ""
			}
			return *lease.Spec.HolderIdentity
		}
	}

	It("never work together: the second waits until the first gives the node back", func(ctx SpecContext) {
		m := newMachine()
		stop := m.start()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		first := m.node(ctx).Status.AgentInstance

		second := m.twin()
		second.start()
		Eventually(func() []string { return second.net.seen("GET", "/leases/") }).ShouldNot(BeEmpty())
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"))
		Expect(second.runner.ran()).To(BeEmpty())
		Expect(second.net.seen("PATCH")).To(BeEmpty(), "it writes nothing")
		Expect(m.node(ctx).Status.AgentInstance).To(Equal(first))

		stop()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"))
		Expect(second.runner.ran()).To(HaveLen(1))
	})

	It("change when the first dies, after its Lease has expired, whatever the time written in it", func(ctx SpecContext) {
		m := newMachine()
		m.lease = 2 * time.Second
		stop := m.start()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		m.kill(stop)
		dead := holder(ctx, m)()
		lease := &coordinationv1.Lease{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: v1alpha1.DefaultLeaseNamespace, Name: m.name}, lease)).To(Succeed())
		ahead := []byte(`{"spec":{"renewTime":"2999-01-01T00:00:00.000000Z"}}`)
		Expect(admin.Patch(ctx, lease, client.RawPatch("application/merge-patch+json", ahead))).To(Succeed())

		second := m.twin()
		second.start()
		Consistently(holder(ctx, m)).Should(Equal(dead))
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"))
		Expect(second.runner.ran()).To(HaveLen(1))
	})

	It("do not share a run: one that lost its Lease stops what it runs, and ends", func(ctx SpecContext) {
		m := newMachine()
		m.lease = 2 * time.Second
		stopped := make(chan struct{})
		m.runner.set(func(ctx context.Context, job runner.Job) (*report.Report, error) {
			defer close(stopped)
			return holds(nil)(ctx, job)
		})
		_, ended := m.launch()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.cut()

		second := m.twin()
		second.start()
		Eventually(state(ctx, run)).Should(Equal("Failed AgentRestart"))
		m.net.mend()
		Eventually(stopped).Should(BeClosed())
		Eventually(ended).Should(Receive(MatchError(ContainSubstring("another agent holds this node's Lease"))))
		Expect(second.runner.ran()).To(BeEmpty(), "the run is not repeated under one run id")
		Expect(ready(ctx, m)()).To(Equal("True AgentReady"), "the first says nothing of a node that is not its own")
	})

	It("do not speak for one another: one that stops after its Lease has expired says nothing of the node", func(ctx SpecContext) {
		m := newMachine()
		m.lease = 2 * time.Second
		stop := m.start()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		first := holder(ctx, m)()
		m.net.lost.Store("/leases/")
		second := m.twin()
		second.start()
		Eventually(holder(ctx, m)).ShouldNot(Equal(first))
		Eventually(func() bool { return strings.HasSuffix(first, m.node(ctx).Status.AgentInstance) }).Should(BeFalse())
		stop()
		Expect(ready(ctx, m)()).To(Equal("True AgentReady"))
		Expect(holder(ctx, m)()).NotTo(BeEmpty())
	})

	It("may follow each other on one spool without waiting", func(ctx SpecContext) {
		m := newMachine()
		stop := m.start()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		m.kill(stop)
		dead := holder(ctx, m)()
		m.start()
		Eventually(holder(ctx, m)).ShouldNot(Equal(dead))
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"))
	})

	It("get over a Lease that is deleted by hand", func(ctx SpecContext) {
		m := newMachine()
		m.lease = 2 * time.Second
		m.start()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		Expect(admin.Delete(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.DefaultLeaseNamespace, Name: m.name}})).To(Succeed())
		Eventually(holder(ctx, m)).ShouldNot(BeEmpty())
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"))
	})
})
