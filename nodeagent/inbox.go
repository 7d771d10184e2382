// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Why a run in hand is stopped, as the cause of its context.
var (
	errCancelled = errors.New("spec.cancel was set")
	errDeleted   = errors.New("the NodeRun was deleted")
	errEnded     = errors.New("the NodeRun was declared ended")
)

// evictedError is errCancelled for the node's sake, as spec.eviction says.
type evictedError struct{ why string }

func (e evictedError) Error() string { return "evicted: " + e.why }

// Is makes it errCancelled, too.
func (e evictedError) Is(target error) bool { return target == errCancelled }

// cancelledBy is why a NodeRun whose spec.cancel is set was cancelled.
func cancelledBy(run *v1alpha1.NodeRun) error {
	if run.Spec.Eviction != "" {
		return evictedError{run.Spec.Eviction}
	}
	return errCancelled
}

// inbox holds the NodeRuns of the node that have not ended, as the watch tells,
// and stops the one in hand when the watch says so.
type inbox struct {
	wake chan struct{} // has room for one
	// news is told of changes of the run in hand; it has room for one.
	news chan struct{}

	// mu guards what is below.
	mu   sync.Mutex
	runs map[types.UID]*v1alpha1.NodeRun
	// settled are those whose end the agent knows and the watch has not shown yet.
	settled map[types.UID]bool
	inHand  types.UID
	stop    context.CancelCauseFunc
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), news: make(chan struct{}, 1), runs: map[types.UID]*v1alpha1.NodeRun{}, settled: map[types.UID]bool{}}
}

// todo lists the NodeRuns to be dealt with, the oldest first.
func (b *inbox) todo() []types.UID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var open []*v1alpha1.NodeRun
	for uid, run := range b.runs {
		if !b.settled[uid] {
			open = append(open, run)
		}
	}
	slices.SortFunc(open, byAge)
	var uids []types.UID
	for _, run := range open {
		uids = append(uids, run.UID)
	}
	return uids
}

func byAge(a, b *v1alpha1.NodeRun) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// get is the last version seen of a NodeRun that has not ended, nil if there is none.
func (b *inbox) get(uid types.UID) *v1alpha1.NodeRun {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs[uid]
}

// settle keeps a NodeRun from being dealt with again; unsettle undoes that. One
// that the watch does not show (any more) needs no keeping.
func (b *inbox) settle(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runs[uid] != nil {
		b.settled[uid] = true
	}
}

// settleAhead is settle for what the watch has yet to show.
func (b *inbox) settleAhead(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled[uid] = true
}

func (b *inbox) unsettle(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.settled, uid)
}

// hold makes stop be called when the NodeRun is to be stopped, at once if that
// is so already.
func (b *inbox) hold(uid types.UID, stop context.CancelCauseFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inHand, b.stop = uid, stop
	switch run := b.runs[uid]; {
	case run == nil:
		stop(errDeleted)
	case run.Spec.Cancel:
		stop(cancelledBy(run))
	}
}

// release ends hold.
func (b *inbox) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inHand, b.stop = "", nil
}

// OnAdd implements the informer's handler.
func (b *inbox) OnAdd(object any, _ bool) { b.put(object) }

// OnUpdate implements the informer's handler. An object deleted and made anew
// while the watch was interrupted comes as an update.
func (b *inbox) OnUpdate(old, object any) {
	before, ok := old.(*v1alpha1.NodeRun)
	after, ok2 := object.(*v1alpha1.NodeRun)
	if ok && ok2 && before.UID != after.UID {
		b.drop(before.UID, errDeleted)
	}
	b.put(object)
}

// OnDelete implements the informer's handler.
func (b *inbox) OnDelete(object any) {
	if last, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if run, ok := object.(*v1alpha1.NodeRun); ok {
		b.drop(run.UID, errDeleted)
	}
}

func (b *inbox) put(object any) {
	run, ok := object.(*v1alpha1.NodeRun)
	switch {
	case !ok:
		return
	case run.Finished():
		b.drop(run.UID, errEnded)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[run.UID] = run
	if run.UID == b.inHand && run.Spec.Cancel {
		b.stop(cancelledBy(run))
	}
	if run.UID == b.inHand {
		tell(b.news)
	}
	tell(b.wake)
}

func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (b *inbox) drop(uid types.UID, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.runs, uid)
	delete(b.settled, uid)
	if uid == b.inHand {
		b.stop(why)
	}
}
