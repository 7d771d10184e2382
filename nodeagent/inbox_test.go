// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func nodeRun(uid string, age time.Duration, change ...func(*v1alpha1.NodeRun)) *v1alpha1.NodeRun {
	run := &v1alpha1.NodeRun{ObjectMeta: metav1.ObjectMeta{
		UID: types.UID(uid), Name: uid, CreationTimestamp: metav1.NewTime(time.Unix(1_000_000, 0).Add(-age)),
	}}
	for _, c := range change {
		c(run)
	}
	return run
}

func cancelled(run *v1alpha1.NodeRun) { run.Spec.Cancel = true }

func evicted(run *v1alpha1.NodeRun) { run.Spec.Cancel, run.Spec.Eviction = true, "drain" }

func finished(run *v1alpha1.NodeRun) {
	run.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionFailed, Status: metav1.ConditionTrue}}
}

func TestTodoIsOldestFirst(t *testing.T) {
	b := newInbox()
	for _, run := range []*v1alpha1.NodeRun{
		nodeRun("young", time.Minute), nodeRun("old", time.Hour), nodeRun("b", time.Second), nodeRun("a", time.Second),
		nodeRun("done", 2*time.Hour, finished), nodeRun("settled", 3*time.Hour),
	} {
		b.OnAdd(run, false)
	}
	b.settle("settled")
	if got, want := b.todo(), []types.UID{"old", "young", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("todo %v, want %v", got, want)
	}
}

func TestWhatStopsTheRunInHand(t *testing.T) {
	for name, tc := range map[string]struct {
		event func(b *inbox)
		want  error
	}{
		"nothing":                       {func(*inbox) {}, nil},
		"an update of its status":       {func(b *inbox) { b.OnUpdate(nodeRun("x", 0), nodeRun("x", 0)) }, nil},
		"spec.cancel":                   {func(b *inbox) { b.OnUpdate(nodeRun("x", 0), nodeRun("x", 0, cancelled)) }, errCancelled},
		"spec.cancel with an eviction":  {func(b *inbox) { b.OnUpdate(nodeRun("x", 0), nodeRun("x", 0, evicted)) }, evictedError{"drain"}},
		"the cancelling of another":     {func(b *inbox) { b.OnAdd(nodeRun("y", 0, cancelled), false) }, nil},
		"its deletion":                  {func(b *inbox) { b.OnDelete(nodeRun("x", 0)) }, errDeleted},
		"a deletion the watch missed":   {func(b *inbox) { b.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: nodeRun("x", 0)}) }, errDeleted},
		"another under the same name":   {func(b *inbox) { b.OnUpdate(nodeRun("x", 0), nodeRun("y", 0)) }, errDeleted},
		"that it was declared lost":     {func(b *inbox) { b.OnUpdate(nodeRun("x", 0), nodeRun("x", 0, finished)) }, errEnded},
		"something that is no NodeRun":  {func(b *inbox) { b.OnAdd("x", false); b.OnDelete("x") }, nil},
		"spec.cancel after the release": {func(b *inbox) { b.release(); b.OnUpdate(nil, nodeRun("x", 0, cancelled)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newInbox()
			b.OnAdd(nodeRun("x", 0), false)
			ctx, stop := context.WithCancelCause(t.Context())
			defer stop(nil)
			b.hold("x", stop)
			tc.event(b)
			if got := context.Cause(ctx); !errors.Is(got, tc.want) {
				t.Errorf("stopped because of %v, want %v", got, tc.want)
			}
		})
	}
}

func TestHoldSeesWhatCameBefore(t *testing.T) {
	b := newInbox()
	b.OnAdd(nodeRun("x", 0, cancelled), false)
	for uid, want := range map[types.UID]error{"x": errCancelled, "gone": errDeleted} {
		ctx, stop := context.WithCancelCause(t.Context())
		b.hold(uid, stop)
		if got := context.Cause(ctx); !errors.Is(got, want) {
			t.Errorf("%s: stopped because of %v, want %v", uid, got, want)
		}
		b.release()
	}
}

func TestSettledIsForgottenWithTheRun(t *testing.T) {
	b := newInbox()
	b.settleAhead("x")
	b.OnAdd(nodeRun("x", 0), false)
	if got := b.todo(); len(got) != 0 {
		t.Errorf("todo %v, want nothing: it was settled ahead", got)
	}
	b.OnUpdate(nil, nodeRun("x", 0, finished))
	b.settle("x") // its end comes after the watch showed it
	if len(b.settled) != 0 || len(b.runs) != 0 {
		t.Errorf("still held: runs %v, settled %v", b.runs, b.settled)
	}
}

func TestSlim(t *testing.T) {
	live := nodeRun("x", 0)
	live.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}}
	live.Spec.Run.Groups = []v1alpha1.Group{{Name: "g"}}
	over := live.DeepCopy()
	finished(over)
	over.Status.Result = &v1alpha1.RunResult{}
	for _, run := range []*v1alpha1.NodeRun{live, over} {
		if _, err := slim(run); err != nil {
			t.Fatal(err)
		}
	}
	if live.ManagedFields != nil || len(live.Spec.Run.Groups) != 1 {
		t.Errorf("a run to be done: %+v; want its groups and no managed fields", live)
	}
	if over.Status.Result != nil || over.Spec.Run.Groups != nil {
		t.Errorf("a run that has ended: %+v; want neither groups nor result", over)
	}
}
