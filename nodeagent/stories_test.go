// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

var _ = Describe("the TestNode", func() {
	It("tells what the node is, has a heartbeat before it is ready, and says when the agent stops", func(ctx SpecContext) {
		m := newMachine()
		m.net.lost.Store("/leases/")
		stop := m.start()
		Consistently(ready(ctx, m)).Should(BeEmpty(), "ready before the first heartbeat")
		Expect(m.agent.Ready()).NotTo(Succeed(), "to a probe")
		m.net.lost.Store("")
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		node := m.node(ctx)
		Expect(node.Status.Topology).To(HaveValue(Equal(v1alpha1.Topology{Shape: "1n1l2c1t", OnlineCPUs: "0-1", CPUs: 2, Cores: 2, LLCs: 1, NUMANodes: 1})))
		Expect(node.Status.Kernel).To(Equal("7.3.0-fake"))
		Expect(node.Status.AgentVersion).To(Equal("v1-test"))
		Expect(node.Status.AgentInstance).NotTo(BeEmpty())
		Expect(node.Status.Features).To(HaveLen(1))

		lease := &coordinationv1.Lease{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: v1alpha1.DefaultLeaseNamespace, Name: m.name}, lease)).To(Succeed())
		Expect(lease.Spec.RenewTime.Time).To(BeTemporally("~", time.Now(), soon))
		Expect(lease.Spec.LeaseDurationSeconds).To(HaveValue(BeEquivalentTo(30)))

		since := meta.FindStatusCondition(node.Status.Conditions, v1alpha1.ConditionReady).LastTransitionTime
		writes := len(m.net.seen("PATCH", "/testnodes/"))
		Consistently(func() int { return len(m.net.seen("PATCH", "/testnodes/")) }).Should(Equal(writes), "status written without a change")

		m.inventory.set("scx_simple")
		Eventually(func() string { return m.node(ctx).Status.Scheduler }).Should(Equal("scx_simple"))
		Expect(meta.FindStatusCondition(m.node(ctx).Status.Conditions, v1alpha1.ConditionReady).LastTransitionTime.Equal(&since)).To(BeTrue())

		stop()
		Expect(ready(ctx, m)()).To(Equal("False AgentStopped"))
	})

	It("comes back when somebody deletes it: after the next run, or when there is something to say", func(ctx SpecContext) {
		m := newMachine()
		m.start()
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		Expect(admin.Delete(ctx, m.node(ctx))).To(Succeed())
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"))
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))

		Expect(admin.Delete(ctx, m.node(ctx))).To(Succeed())
		m.inventory.set("scx_simple")
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		Expect(m.node(ctx).Status.Scheduler).To(Equal("scx_simple"))
	})

	It("is not ready while the node cannot be cleaned or cannot fork, and its NodeRuns wait", func(ctx SpecContext) {
		m := newMachine()
		m.sweeper.set(errors.New("removing cgroup /made-up: device or resource busy"))
		m.runner.fail(errors.New("starting the runner: no such file or directory"))
		m.start()
		Eventually(ready(ctx, m)).Should(Equal("False NotClean"))
		run := m.nodeRun(ctx)
		m.sweeper.set(nil)
		Eventually(ready(ctx, m)).Should(Equal("False CannotFork"))
		Consistently(state(ctx, run)).Should(Equal("pending"))
		Expect(m.agent.Ready()).NotTo(Succeed(), "to a probe")
		m.runner.fail(nil)
		Eventually(ready(ctx, m)).Should(Equal("True AgentReady"))
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		Expect(m.agent.Ready()).To(Succeed())
	})
})

var _ = Describe("a NodeRun", func() {
	It("is taken, run and reported with two writes", func(ctx SpecContext) {
		m := newMachine()
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		before := m.net.seen("")
		Consistently(func() []string { return m.net.seen("") }).Should(Equal(before), "requests during the hold")

		close(letGo)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		live := get(ctx, run)
		Expect(live.Status.Result.RunID).To(Equal(run.Spec.RunID))
		Expect(live.Status.Result.Groups).To(HaveLen(1))
		Expect(live.Status.ObservedGeneration).To(Equal(live.Generation))
		Expect(live.Status.StartTime).NotTo(BeNil())
		Expect(live.Status.CompletionTime.Time).To(BeTemporally(">=", live.Status.StartTime.Time))
		Expect(live.Status.AgentInstance).To(Equal(m.node(ctx).Status.AgentInstance))
		Expect(m.net.seen("PATCH", "/noderuns/")).To(HaveLen(2))
		text, err := json.Marshal(live.Status)
		Expect(err).NotTo(HaveOccurred())
		Expect(len(text)).To(BeNumerically("<", 10_000))
		Expect(m.runner.jobs[0].Cgroup).To(Equal("/made-up/" + m.name + "/" + run.Spec.RunID))
	})

	It("waits for the older ones, one at a time", func(ctx SpecContext) {
		m := newMachine()
		var running, most atomic.Int32
		m.runner.set(func(_ context.Context, job runner.Job) (*report.Report, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			return reportOf(job), nil
		})
		runs := []*v1alpha1.NodeRun{m.nodeRun(ctx), m.nodeRun(ctx), m.nodeRun(ctx)}
		m.start()
		var ids []string
		for _, run := range runs {
			Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
			ids = append(ids, run.Spec.RunID)
		}
		Expect(m.runner.ran()).To(Equal(ids))
		Expect(most.Load()).To(BeEquivalentTo(1))
	})

	It("of another node is not touched, nor asked for", func(ctx SpecContext) {
		m, other := newMachine(), newMachine()
		run := other.nodeRun(ctx)
		events := watchOf(ctx, run)
		m.start()
		own := m.nodeRun(ctx)
		Eventually(state(ctx, own)).Should(Equal("Complete Valid"))
		Consistently(events).ShouldNot(Receive())
		Expect(state(ctx, run)()).To(Equal("pending"))
		for _, request := range m.net.seen("GET", "/noderuns?") {
			Expect(request).To(ContainSubstring("fieldSelector=spec.nodeName%3D" + m.name))
		}
	})

	DescribeTable("that cannot be run fails", func(ctx SpecContext, act behaviour, change func(*v1alpha1.NodeRun), want, message string) {
		m := newMachine()
		if act != nil {
			m.runner.set(act)
		}
		m.start()
		run := m.nodeRun(ctx, change)
		Eventually(state(ctx, run)).Should(Equal("Failed " + want))
		_, said := get(ctx, run).VoidBecause()
		Expect(said).To(ContainSubstring(message))
		m.runner.set(completes)
		next := m.nodeRun(ctx)
		Eventually(state(ctx, next)).Should(Equal("Complete Valid"), "the agent goes on")
	},
		Entry("for CPUs the node lacks", nil, func(r *v1alpha1.NodeRun) {
			r.Spec.Run.Groups[0].Affinity = &v1alpha1.Affinity{Exact: "512"}
		}, "SetupFailed", "512"),
		Entry("for what is not supported", nil, func(r *v1alpha1.NodeRun) {
			r.Spec.Run.Groups[0].NUMANode = ptr.To[int32](0)
		}, "SetupFailed", "groups[0].numaNode"),
		Entry("for a run ID that is no name", nil, func(r *v1alpha1.NodeRun) {
			r.Spec.RunID = "../../escape"
		}, "SetupFailed", "runID"),
		Entry("for a set-up that fails", behaviour(func(context.Context, runner.Job) (*report.Report, error) {
			return nil, &runner.SetupError{Message: "SCHED_FIFO: operation not permitted"}
		}), keep, "SetupFailed", "SCHED_FIFO"),
		Entry("for a runner that fails", behaviour(func(context.Context, runner.Job) (*report.Report, error) {
			return nil, fmt.Errorf("the runner ended without a report; it said: %s the end", strings.Repeat("x", 1<<20))
		}), keep, "RunnerFailed", "the end"),
		Entry("for a panic", behaviour(func(context.Context, runner.Job) (*report.Report, error) {
			panic("a bug")
		}), keep, "RunnerFailed", "a bug"),
		Entry("for a worker that was lost", behaviour(func(_ context.Context, job runner.Job) (*report.Report, error) {
			rep := reportOf(job)
			rep.Workers[0].Completed, rep.Workers[0].Problem = false, "killed by signal 9"
			return rep, nil
		}), keep, "MissingSamples", "killed by signal 9"),
		Entry("for a result the API refuses", behaviour(func(_ context.Context, job runner.Job) (*report.Report, error) {
			rep := reportOf(job)
			rep.Groups[0].Name = strings.Repeat("n", 100)
			return rep, nil
		}), keep, "RunnerFailed", "refuses the result"),
	)
})

var _ = Describe("cancelling", func() {
	It("before the start ends the NodeRun without running it", func(ctx SpecContext) {
		m := newMachine()
		run := m.nodeRun(ctx, func(r *v1alpha1.NodeRun) { r.Spec.Cancel = true })
		m.start()
		Eventually(state(ctx, run)).Should(Equal("Failed Cancelled"))
		Expect(m.runner.ran()).To(BeEmpty())
	})

	It("during the run keeps the report", func(ctx SpecContext) {
		m := newMachine()
		m.runner.set(holds(nil))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		cancel(ctx, run)
		Eventually(state(ctx, run)).Should(Equal("Failed Cancelled"))
		Expect(get(ctx, run).Status.Result).NotTo(BeNil())
	})

	It("by deletion stops the run", func(ctx SpecContext) {
		m := newMachine()
		ended := make(chan struct{})
		m.runner.set(func(ctx context.Context, job runner.Job) (*report.Report, error) {
			defer close(ended)
			return holds(nil)(ctx, job)
		})
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		Expect(admin.Delete(ctx, run)).To(Succeed())
		Eventually(ended).Should(BeClosed())
		m.runner.set(completes)
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"), "the agent goes on")
	})
})

var _ = Describe("when things go wrong", func() {
	It("a stopped agent reports its run as its own fault", func(ctx SpecContext) {
		m := newMachine()
		m.runner.set(holds(nil))
		stop := m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		stop()
		Expect(state(ctx, run)()).To(Equal("Failed AgentRestart"))
		Expect(get(ctx, run).Status.Result).NotTo(BeNil())
		Expect(ready(ctx, m)()).To(Equal("False AgentStopped"))
	})

	It("a run whose agent was killed is not run again", func(ctx SpecContext) {
		m := newMachine()
		m.runner.set(holds(nil))
		stop := m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		taker := get(ctx, run).Status.AgentInstance
		m.kill(stop)
		for _, report := range m.spooled() { // nothing was saved
			Expect(os.Remove(report)).To(Succeed())
		}

		m.start()
		Eventually(state(ctx, run)).Should(Equal("Failed AgentRestart"))
		Expect(m.runner.ran()).To(HaveLen(1))
		Expect(get(ctx, run).Status.AgentInstance).To(Equal(taker))
		Expect(get(ctx, run).Status.StartTime).NotTo(BeNil())
	})

	It("a report waits for an API server that is away", func(ctx SpecContext) {
		m := newMachine()
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.cut()
		close(letGo)
		Eventually(m.spooled).Should(HaveLen(1))
		Consistently(state(ctx, run)).Should(Equal("started"))
		m.net.mend()
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		Eventually(m.spooled).Should(BeEmpty())
	})

	It("a report that had arrived without the agent hearing of it is not written again", func(ctx SpecContext) {
		m := newMachine()
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.unheard.Store("PATCH /apis/schedfleet.dev/v1alpha1/namespaces/default/noderuns/" + run.Name)
		close(letGo)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		Expect(m.spooled()).To(HaveLen(1))
		arrived := get(ctx, run).ResourceVersion
		m.net.unheard.Store("")
		Eventually(m.spooled).Should(BeEmpty())
		Expect(get(ctx, run).ResourceVersion).To(Equal(arrived))
	})

	It("a report outlives its agent", func(ctx SpecContext) {
		m := newMachine()
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		stop := m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.cut()
		close(letGo)
		Eventually(m.spooled).Should(HaveLen(1))
		m.kill(stop)
		Expect(state(ctx, run)()).To(Equal("started"))

		m.start()
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		Eventually(m.spooled).Should(BeEmpty())
		Expect(m.runner.ran()).To(HaveLen(1))
	})

	It("a late report does not undo that the node was lost", func(ctx SpecContext) {
		m := newMachine()
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.cut()
		close(letGo)
		Eventually(m.spooled).Should(HaveLen(1))
		declareLost(ctx, run)
		m.net.mend()
		Eventually(m.spooled).Should(BeEmpty())
		Expect(state(ctx, run)()).To(Equal("Failed NodeLost"))
		Expect(get(ctx, run).Status.Result).To(BeNil())
	})

	It("a run declared lost while it goes on is stopped", func(ctx SpecContext) {
		m := newMachine()
		m.runner.set(holds(nil))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		declareLost(ctx, run)
		m.runner.set(completes)
		Eventually(state(ctx, m.nodeRun(ctx))).Should(Equal("Complete Valid"), "the agent goes on")
		Expect(state(ctx, run)()).To(Equal("Failed NodeLost"))
		Expect(m.spooled()).To(BeEmpty())
		Expect(m.net.seen("PATCH", run.Name)).To(HaveLen(1), "nobody waits for a report")
	})

	It("a report is not for another NodeRun of the same name", func(ctx SpecContext) {
		m := newMachine()
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.cut()
		close(letGo)
		Eventually(m.spooled).Should(HaveLen(1))
		Expect(admin.Delete(ctx, run)).To(Succeed())
		again := m.nodeRun(ctx, func(r *v1alpha1.NodeRun) { r.Name = run.Name })
		m.net.mend()
		Eventually(state(ctx, again)).Should(Equal("Complete Valid"))
		Expect(get(ctx, again).Status.Result.RunID).To(Equal(again.Spec.RunID))
		Eventually(m.spooled).Should(BeEmpty())
	})
})

var nodeRuns atomic.Int32

// nodeRun creates a NodeRun for the machine, as the manager would.
func (m *machine) nodeRun(ctx context.Context, change ...func(*v1alpha1.NodeRun)) *v1alpha1.NodeRun {
	GinkgoHelper()
	n := nodeRuns.Add(1)
	run := &v1alpha1.NodeRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("run-%03d", n)},
		Spec: v1alpha1.NodeRunSpec{
			NodeName: m.name, Workload: v1alpha1.WorkloadReference{Name: "w", UID: "u"}, Attempt: 1, RunID: fmt.Sprintf("run-id-%03d", n),
			Run: v1alpha1.RunSpec{
				Duration: metav1.Duration{Duration: time.Second}, Seed: 1,
				Groups: []v1alpha1.Group{{Name: "g", Workers: ptr.To[int32](2), Work: v1alpha1.Work{YieldHeavy: &v1alpha1.YieldHeavy{}}}},
			},
		},
	}
	for _, c := range change {
		c(run)
	}
	Expect(admin.Create(ctx, run)).To(Succeed())
	return run
}

func keep(*v1alpha1.NodeRun) {}

func cancel(ctx context.Context, run *v1alpha1.NodeRun) {
	GinkgoHelper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"cancel":true}}`))
	Expect(admin.Patch(ctx, run.DeepCopy(), patch)).To(Succeed())
}

// declareLost is what the manager does when a node's heartbeat stops.
func declareLost(ctx context.Context, run *v1alpha1.NodeRun) {
	GinkgoHelper()
	live := get(ctx, run)
	lost := live.DeepCopy()
	for kind, status := range map[string]metav1.ConditionStatus{v1alpha1.ConditionFailed: "True", v1alpha1.ConditionValid: "False"} {
		meta.SetStatusCondition(&lost.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: string(v1alpha1.VoidNodeLost)})
	}
	Expect(admin.Status().Patch(ctx, lost, client.MergeFromWithOptions(live, client.MergeFromWithOptimisticLock{}),
		client.FieldOwner(v1alpha1.FieldOwnerManager))).To(Succeed())
}

func get(ctx context.Context, run *v1alpha1.NodeRun) *v1alpha1.NodeRun {
	GinkgoHelper()
	live := &v1alpha1.NodeRun{}
	Expect(admin.Get(ctx, client.ObjectKeyFromObject(run), live)).To(Succeed())
	return live
}

// state is how far a NodeRun is: pending, started, or its end.
func state(ctx context.Context, run *v1alpha1.NodeRun) func() string {
	return func() string {
		live := get(ctx, run)
		switch reason, _ := live.VoidBecause(); {
		case meta.IsStatusConditionTrue(live.Status.Conditions, v1alpha1.ConditionComplete) && live.Valid():
			return "Complete Valid"
		case live.Finished():
			return "Failed " + string(reason)
		case live.Started():
			return "started"
		default:
			return "pending"
		}
	}
}

// watchOf gives the events of a NodeRun from now on.
func watchOf(ctx context.Context, run *v1alpha1.NodeRun) <-chan watch.Event {
	GinkgoHelper()
	w, err := admin.Watch(ctx, &v1alpha1.NodeRunList{}, &client.ListOptions{
		Namespace: run.Namespace, Raw: &metav1.ListOptions{FieldSelector: "metadata.name=" + run.Name, ResourceVersion: run.ResourceVersion},
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Stop)
	return w.ResultChan()
}

func (m *machine) node(ctx context.Context) *v1alpha1.TestNode {
	GinkgoHelper()
	node := &v1alpha1.TestNode{}
	Expect(admin.Get(ctx, client.ObjectKey{Name: m.name}, node)).To(Succeed())
	return node
}

// ready is the Ready condition of a machine's TestNode, empty while there is none.
func ready(ctx context.Context, m *machine) func() string {
	return func() string {
		node := &v1alpha1.TestNode{}
		if err := admin.Get(ctx, client.ObjectKey{Name: m.name}, node); err != nil {
			return ""
		}
		c := meta.FindStatusCondition(node.Status.Conditions, v1alpha1.ConditionReady)
		if c == nil {
			return ""
		}
		return string(c.Status) + " " + c.Reason
	}
}
