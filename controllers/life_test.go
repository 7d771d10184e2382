// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var _ = Describe("A Workload", func() {
	It("runs on two nodes and is Complete", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		w.join("n2", holds)
		w.join("n3", holds)
		obj := w.load("happy", onNodes(2))

		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveCondition(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted),
			haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionTrue, v1alpha1.ReasonPlaced),
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRunning, ContainSubstring("2 of 2 NodeRuns are running")),
			haveCondition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonNotFinished),
			haveCounts(2, 2, 0, 0),
			HaveField("Status.StartTime", Not(BeNil())),
			HaveField("Finalizers", ContainElement(v1alpha1.FinalizerCleanup)),
		))
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(runs).To(HaveEach(And(
			HaveField("Name", MatchRegexp(`^happy-n[12]-1$`)),
			HaveField("Spec.Workload.UID", string(obj.UID)),
			HaveField("Spec.Attempt", int32(1)),
			HaveField("Spec.Run.Groups", HaveLen(1)),
			HaveField("OwnerReferences", ConsistOf(And(HaveField("UID", obj.UID), HaveField("Controller", HaveValue(BeTrue()))))),
		)))
		Expect(runs[0].Spec.RunID).NotTo(Equal(runs[1].Spec.RunID))

		w.behave("n1", completes)
		w.behave("n2", completes)
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		Expect(of(obj)(ctx)).To(And(
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionFalse, v1alpha1.ReasonFinished),
			haveCondition(v1alpha1.ConditionFailed, metav1.ConditionFalse, v1alpha1.ReasonAllValid),
			haveCounts(2, 0, 2, 0),
			HaveField("Status.CompletionTime", Not(BeNil())),
			HaveField("Status.MergedNodeRuns", int32(2)),
			HaveField("Status.Failures", BeEmpty()),
			HaveField("Status.Groups", ConsistOf(And(
				HaveField("Name", "web"),
				HaveField("Workers", int32(4)),
				HaveField("Iterations", int64(200)),
				HaveField("CPUsUsed", BeEmpty()),
				HaveField("Distributions", ConsistOf(HaveField("Count", int64(2*len(resultValues))))),
			))),
		))
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ConsistOf(v1alpha1.ReasonPlaced, v1alpha1.ReasonAllValid))
	})

	It("is refused if it asks for what is not supported yet", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		obj := w.load("scheduled", func(s *v1alpha1.WorkloadSpec) { s.Scheduler = &v1alpha1.Scheduler{Name: "scx_simple"} })
		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveCondition(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonNotSupportedYet, ContainSubstring("scheduler")),
			haveFailed(v1alpha1.ReasonNotSupportedYet, ContainSubstring("scheduler")),
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionFalse, v1alpha1.ReasonFinished),
		))
		Expect(runsOf(obj)(ctx)).To(BeEmpty())
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ConsistOf(v1alpha1.ReasonNotSupportedYet))
		Expect(admin.Delete(ctx, obj)).To(Succeed())
		Eventually(gone(obj)).WithContext(ctx).Should(BeTrue())
	})

	It("is repeated elsewhere when its node is lost", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("lost")
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		w.join("n2", completes)
		w.silence("n1", true)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 1),
			HaveField("Status.Failures", ConsistOf(And(
				HaveField("Node", "n1"), HaveField("NodeRun", "lost-n1-1"), HaveField("Reason", v1alpha1.VoidNodeLost))))))
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(runs).To(ConsistOf(
			And(HaveField("Name", "lost-n1-1"), HaveField("Status.CompletionTime", Not(BeNil())), WithTransform(reasonOf, Equal(v1alpha1.VoidNodeLost))),
			HaveField("Name", "lost-n2-1"),
		))
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ContainElement(string(v1alpha1.VoidNodeLost)))
	})

	It("is repeated on the same node if there is no other, until its retries are used up", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidAgentRestart, "the agent was restarted"))
		obj := w.load("flaky", withRetries(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonRetriesExhausted,
			ContainSubstring("3 of 3 NodeRuns are void (3 AgentRestart)"), ContainSubstring("spec.retries is 2")))
		Expect(of(obj)(ctx)).To(haveCounts(1, 0, 0, 3))
		runs, err := runsOf(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(runs).To(HaveLen(3))
		Expect(runs).To(ContainElement(And(HaveField("Name", "flaky-n1-3"), HaveField("Spec.Attempt", int32(3)))))
		Consistently(runsOf(obj)).WithContext(ctx).Should(HaveLen(3))
	})

	It("ends with VoidSample only after the other nodes have finished", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", voids(v1alpha1.VoidLoadAbsent, "worker 0 of group web stood still"))
		w.join("n2", holds)
		obj := w.load("absent", onNodes(2))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(2, 1, 0, 1))
		Consistently(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionFailed, metav1.ConditionFalse, v1alpha1.ReasonNotFinished))
		w.behave("n2", completes)
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonVoidSample,
			ContainSubstring("1 of 2 NodeRuns are void (1 LoadAbsent); absent-n1-1: worker 0 of group web stood still")))
		Expect(of(obj)(ctx)).To(And(haveCounts(2, 0, 1, 1), HaveField("Status.MergedNodeRuns", int32(1))))
	})

	It("does not take a result of another run for its own", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", func(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
			status := completes(run)
			if status.Result != nil {
				status.Result.RunID = "somebody-elses"
			}
			return status
		})
		obj := w.load("foreign", withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonRetriesExhausted, ContainSubstring("somebody-elses")))
	})

	It("stops while suspended, and starts again from the beginning", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("pause", withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		suspend(ctx, obj, true)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionFalse, v1alpha1.ReasonSuspended, ContainSubstring("nothing runs")),
			haveCounts(1, 0, 0, 0),
			HaveField("Status.Failures", BeEmpty()),
		))
		Consistently(runsOf(obj)).WithContext(ctx).Should(HaveLen(1))
		w.behave("n1", completes)
		suspend(ctx, obj, false)
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(1, 0, 1, 0)))
		Expect(runsOf(obj)(ctx)).To(ContainElement(HaveField("Name", "pause-n1-2")))
	})

	It("fails at its deadline once its NodeRuns have ended", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("late", withDeadline(2*time.Second))
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonDeadlineExceeded, ContainSubstring("0 of 1 nodes gave a valid sample")))
		Expect(of(obj)(ctx)).To(haveCounts(1, 0, 0, 1))
		Expect(runsOf(obj)(ctx)).To(ConsistOf(WithTransform(reasonOf, Equal(v1alpha1.VoidCancelled))))
	})

	It("fails at its deadline even if an agent never stops, or no node ever came", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", neverStops)
		stuck := w.load("stuck", withDeadline(2*time.Second))
		Eventually(runsOf(stuck)).WithContext(ctx).Should(HaveLen(1))
		alone := w.load("alone", withDeadline(time.Second))
		held := w.load("held", withDeadline(time.Second), func(s *v1alpha1.WorkloadSpec) { s.Suspend = true })
		Eventually(of(alone)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonDeadlineExceeded))
		Eventually(of(held)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonDeadlineExceeded))
		Eventually(of(stuck)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonDeadlineExceeded,
			ContainSubstring("not confirmed to have stopped: n1")))
	})

	It("is deleted after its NodeRuns have been cancelled and have ended", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", neverStops)
		obj := w.load("deleted")
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		Expect(admin.Delete(ctx, obj)).To(Succeed())
		Eventually(runsOf(obj)).WithContext(ctx).Should(ConsistOf(HaveField("Spec.Cancel", true)))
		Eventually(of(obj)).WithContext(ctx).Should(
			haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonDeleting, ContainSubstring("n1")))
		w.behave("n1", holds)
		Eventually(gone(obj)).WithContext(ctx).Should(BeTrue())
		Expect(runsOf(obj)(ctx)).To(BeEmpty())
		Expect(eventReasons(obj)(ctx)).NotTo(ContainElement(v1alpha1.ReasonNotConfirmedClean))
	})

	It("is deleted in the end though an agent never answers, and an event says so", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", deaf)
		obj := w.load("deaf")
		Eventually(runsOf(obj)).WithContext(ctx).Should(HaveLen(1))
		deleted := time.Now()
		Expect(admin.Delete(ctx, obj)).To(Succeed())
		Eventually(gone(obj)).WithContext(ctx).Should(BeTrue())
		Expect(time.Since(deleted)).To(BeNumerically(">", quick.CleanupTimeout-time.Second))
		Expect(runsOf(obj)(ctx)).To(BeEmpty())
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ContainElement(v1alpha1.ReasonNotConfirmedClean))
	})

	It("is deleted when its TTL after finishing is over", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		obj := w.load("brief", func(s *v1alpha1.WorkloadSpec) { s.TTLAfterFinished = &metav1.Duration{Duration: 2 * time.Second} })
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		Eventually(gone(obj)).WithContext(ctx).Should(BeTrue())
		Expect(runsOf(obj)(ctx)).To(BeEmpty())
	})

	It("is deleted when its TTL is over, though the manager was restarted meanwhile", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", completes)
		obj := w.load("brief", func(s *v1alpha1.WorkloadSpec) { s.TTLAfterFinished = &metav1.Duration{Duration: 3 * time.Second} })
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
		w.stop()
		w.startManager()
		Consistently(gone(obj), time.Second).WithContext(ctx).Should(BeFalse())
		Eventually(gone(obj)).WithContext(ctx).Should(BeTrue())
	})

	It("goes on when the manager is restarted in the middle", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		w.join("n2", holds)
		obj := w.load("restart", onNodes(3))
		all := w.load("restart-all", onAllNodes)
		Eventually(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode))
		Eventually(runsOf(all)).WithContext(ctx).Should(HaveLen(2))
		w.stop()
		w.join("n3", completes)
		w.behave("n1", completes)
		w.behave("n2", completes)
		w.startManager()
		Eventually(of(all)).WithContext(ctx).Should(And(beComplete(), haveCounts(2, 0, 2, 0)))
		Eventually(of(obj)).WithContext(ctx).Should(And(beComplete(), haveCounts(3, 0, 3, 0)))
		Expect(runsOf(all)(ctx)).To(HaveLen(2))
		Expect(runsOf(obj)(ctx)).To(HaveLen(3))
	})

	It("comes to the same end though every write of a manager is its last", func(ctx SpecContext) {
		w := newWorld()
		w.stop()
		w.writes.deadly = true
		w.join("n1", holds)
		w.join("n2", completes)
		w.join("n3", voids(v1alpha1.VoidLoadAbsent, "worker 0 of group web stood still"))
		obj := w.load("killed", onAllNodes, validNodes(2), withRetries(0))
		lives := w.untilNow(ctx, func() bool { return len(must(runsOf(obj)(ctx))) == 3 })
		w.join("n4", completes)
		change(ctx, "n1", drained)
		lives += w.untilNow(ctx, func() bool { return must(of(obj)(ctx)).Finished() })
		Expect(of(obj)(ctx)).To(And(beEnough(ContainSubstring("2 void (1 Evicted, 1 LoadAbsent)")), haveCounts(3, 0, 2, 2)))
		Expect(runsOf(obj)(ctx)).To(ConsistOf(HaveField("Name", "killed-n1-1"), HaveField("Name", "killed-n2-1"),
			HaveField("Name", "killed-n3-1"), HaveField("Name", "killed-n4-1")))
		Expect(admin.Delete(ctx, obj)).To(Succeed())
		lives += w.untilNow(ctx, func() bool { return must(gone(obj)(ctx)) })
		Expect(runsOf(obj)(ctx)).To(BeEmpty())
		// That they were killed at all, and again and again: 7 to 9 were seen, by how many writes
		// were under way when the first of them came through.
		Expect(lives).To(BeNumerically(">", 5), "managers that were killed")
	}, SpecTimeout(2*time.Minute))

	It("is not given up by a manager that starts, before its node could be heard", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("heard", withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		w.stop()
		w.silence("n1", true)
		expired := &coordinationv1.Lease{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: v1alpha1.DefaultLeaseNamespace, Name: "n1"}, expired)).To(Succeed())
		longAgo := expired.Spec.RenewTime.Add(-time.Minute).UTC().Format(metav1.RFC3339Micro)
		Expect(admin.Patch(ctx, expired, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"renewTime":%q}}`, longAgo)))).To(Succeed())
		w.startManager()
		Consistently(of(obj), 500*time.Millisecond).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		w.silence("n1", false)
		Consistently(of(obj), time.Second).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		w.behave("n1", completes)
		Eventually(of(obj)).WithContext(ctx).Should(beComplete())
	})

	It("takes no notice of what time it is on the nodes", func(ctx SpecContext) {
		w := newWorld()
		for name, skew := range map[string]time.Duration{"behind": -10 * time.Minute, "ahead": 10 * time.Minute, "stepped": 0} {
			w.join(name, holds)
			w.stepClock(name, skew)
		}
		obj := w.load("skewed", onNodes(3), withRetries(0))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(3, 3, 0, 0))
		w.stepClock("stepped", -time.Hour)
		Consistently(of(obj), leaseSeconds*2*time.Second).WithContext(ctx).Should(haveCounts(3, 3, 0, 0))
		w.silence("ahead", true)
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(3, 2, 0, 1))
		w.behave("behind", completes)
		w.behave("stepped", completes)
		Eventually(of(obj)).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonRetriesExhausted))
	})

	It("does not touch NodeRuns of its name that are not its own, but removes those of a Workload that is no more", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", neverStops)
		obj := w.load("ghost")
		Eventually(runsOf(obj)).WithContext(ctx).Should(HaveLen(1))
		Eventually(of(obj)).WithContext(ctx).Should(haveCounts(1, 1, 0, 0))
		Expect(admin.Patch(ctx, obj.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		Expect(admin.Delete(ctx, obj)).To(Succeed())
		Eventually(runsOf(obj)).WithContext(ctx).Should(BeEmpty())
		w.behaveNext("n1", completes)
		again := w.load("ghost")
		Eventually(of(again)).WithContext(ctx).Should(beComplete())
	})

	It("keeps its status small and writes it at most once a second, on 300 nodes", func(ctx SpecContext) {
		w := newWorld()
		w.leaseSeconds = 3600
		var joining sync.WaitGroup
		for worker := range 10 {
			joining.Go(func() {
				defer GinkgoRecover()
				for i := range 30 {
					w.join(fmt.Sprintf("n%03d", worker*30+i), voidsSome)
				}
			})
		}
		joining.Wait()
		obj := w.load("wide", onNodes(300), withRetries(0))
		Eventually(of(obj), 40*time.Second).WithContext(ctx).Should(haveFailed(v1alpha1.ReasonVoidSample))
		got, err := of(obj)(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(got).To(And(
			haveCounts(300, 0, 270, 30),
			HaveField("Status.MergedNodeRuns", int32(270)),
			HaveField("Status.Failures", HaveLen(10)),
			HaveField("Status.Groups", ConsistOf(HaveField("Iterations", int64(27000)))),
		))
		size, err := json.Marshal(got.Status)
		Expect(err).NotTo(HaveOccurred())
		Expect(len(size)).To(BeNumerically("<", 100_000))
		Expect(w.writes.between(obj.Name)).To(And(Not(BeEmpty()), HaveEach(BeNumerically(">=", time.Second))), "the time between two writes")
	})
})

// voidsSome ends every tenth node's NodeRun void, with a long message.
func voidsSome(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
	if strings.HasSuffix(run.Spec.NodeName, "0") {
		return voids(v1alpha1.VoidSetupFailed, strings.Repeat("no such cgroup; ", 100))(run)
	}
	return completes(run)
}

func reasonOf(run v1alpha1.NodeRun) v1alpha1.VoidReason {
	reason, _ := run.VoidBecause()
	return reason
}

// untilNow starts one manager after the other, whenever the last was killed, until
// something is so. It says how many were killed.
func (w *world) untilNow(ctx SpecContext, so func() bool) (killed int) {
	GinkgoHelper()
	for !so() {
		w.startManager()
		Eventually(func() bool { return w.lives.Err() != nil || so() }).WithContext(ctx).Should(BeTrue(), "after %d managers", killed)
		if w.lives.Err() != nil {
			killed++
		}
		w.stop()
	}
	return killed
}

func must[T any](value T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return value
}

func suspend(ctx SpecContext, obj *v1alpha1.Workload, yes bool) {
	GinkgoHelper()
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, yes))
	Expect(admin.Patch(ctx, obj.DeepCopy(), patch)).To(Succeed())
}

func gone(obj client.Object) func(SpecContext) (bool, error) {
	return func(ctx SpecContext) (bool, error) {
		err := admin.Get(ctx, client.ObjectKeyFromObject(obj), &v1alpha1.Workload{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	}
}

// statusWrites are when the manager wrote the status of Workloads, by their names. The
// watch of a busy API server tells it too late to measure by.
type statusWrites struct {
	mu    sync.Mutex
	times map[string][]time.Time
	// deadly makes every write of a manager its last, whatever it writes; kill ends it.
	deadly, swept bool
	kill          func()
}

// client is a manager's client that notes such writes.
func (s *statusWrites) client(cfg *rest.Config, options client.Options) (client.Client, error) {
	plain, err := client.NewWithWatch(cfg, options)
	if err != nil {
		return nil, err
	}
	return interceptor.NewClient(plain, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return s.last(c.Create(ctx, obj, opts...))
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return s.last(c.Patch(ctx, obj, patch, opts...))
		},
		DeleteAllOf: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteAllOfOption) error {
			if err := c.DeleteAllOf(ctx, obj, opts...); err != nil || s.swept {
				return err // the second time there is nothing left to delete
			}
			s.swept = true
			return s.last(nil)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if _, ok := obj.(*v1alpha1.Workload); ok {
				s.note(obj.GetName())
			}
			return s.last(c.SubResource(name).Patch(ctx, obj, patch, opts...))
		},
	}), nil
}

// last kills a manager that has written, where writes are deadly.
func (s *statusWrites) last(err error) error {
	if s.deadly && err == nil {
		s.kill()
	}
	return err
}

func (s *statusWrites) note(workload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times == nil {
		s.times = map[string][]time.Time{}
	}
	s.times[workload] = append(s.times[workload], time.Now())
}

// between is the time between any two writes of a Workload's status.
func (s *statusWrites) between(workload string) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []time.Duration
	for i, at := range s.times[workload] {
		if i > 0 {
			list = append(list, at.Sub(s.times[workload][i-1]))
		}
	}
	return list
}
