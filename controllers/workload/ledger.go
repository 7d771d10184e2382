// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// ledger is what the manager knows before its cache does: which nodes it has
// just given away. It also knows who waits for nodes. Losing it does no harm:
// a manager that starts reads the whole truth first.
type ledger struct {
	// mu is held from looking at the nodes to taking some, so that two Workloads
	// never take the same one, and nobody misses the event that frees one.
	mu sync.Mutex
	// assumed holds, by node, the NodeRuns the cache does not show yet.
	assumed map[string]assumption
	// waiting are the Workloads that want to hear of free nodes.
	waiting map[types.NamespacedName]struct{}
	// lastUsed is when a NodeRun was last seen on a node.
	lastUsed map[string]time.Time
	// machines are those of the nodes.
	machines machines
}

// assumption is a NodeRun that stands, or is about to, on a node.
type assumption struct {
	// run is private to the ledger until confirmed, and as created after that.
	run *v1alpha1.NodeRun
	// confirmed is when the API server had created it. Zero: it has not yet.
	confirmed time.Time
}

func newLedger() *ledger {
	return &ledger{
		assumed:  map[string]assumption{},
		waiting:  map[types.NamespacedName]struct{}{},
		lastUsed: map[string]time.Time{},
		machines: machines{},
	}
}

// reserve takes a node for a NodeRun that is to be created. Preconditions: mu is held.
func (l *ledger) reserve(run *v1alpha1.NodeRun) {
	l.assumed[run.Spec.NodeName] = assumption{run: run.DeepCopy()}
}

// occupied says whether a node is given away. Preconditions: mu is held.
func (l *ledger) occupied(node string, now time.Time) bool {
	a, ok := l.assumed[node]
	return ok && !a.expired(now)
}

// expired says that the cache ought to have shown the NodeRun long ago.
func (a assumption) expired(now time.Time) bool {
	return !a.confirmed.IsZero() && now.Sub(a.confirmed) > assumptionLifetime
}

// confirm notes that the API server has created run.
func (l *ledger) confirm(run *v1alpha1.NodeRun, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, ok := l.assumed[run.Spec.NodeName]; ok && a.run.Spec.RunID == run.Spec.RunID {
		l.assumed[run.Spec.NodeName] = assumption{run: run, confirmed: now}
	}
}

// release gives a node back, or forgets a NodeRun the cache now shows.
func (l *ledger) release(run *v1alpha1.NodeRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, ok := l.assumed[run.Spec.NodeName]; ok && a.run.Spec.RunID == run.Spec.RunID {
		delete(l.assumed, run.Spec.NodeName)
	}
}

// see takes note of a NodeRun the cache shows, or showed.
func (l *ledger) see(run *v1alpha1.NodeRun) {
	l.release(run)
	used := run.CreationTimestamp.Time
	if run.Status.CompletionTime != nil {
		used = run.Status.CompletionTime.Time
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if used.After(l.lastUsed[run.Spec.NodeName]) {
		l.lastUsed[run.Spec.NodeName] = used
	}
}

// forgetNode drops what is known of a node that is no more.
func (l *ledger) forgetNode(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lastUsed, node)
	delete(l.machines, node)
}

// confirmedFor are the NodeRuns of the Workloads with this name that were
// created and not seen since.
func (l *ledger) confirmedFor(key types.NamespacedName, now time.Time) []*v1alpha1.NodeRun {
	l.mu.Lock()
	defer l.mu.Unlock()
	var runs []*v1alpha1.NodeRun
	for _, a := range l.assumed {
		if !a.confirmed.IsZero() && !a.expired(now) && a.run.Namespace == key.Namespace && a.run.Spec.Workload.Name == key.Name {
			runs = append(runs, a.run)
		}
	}
	return runs
}

// assumedBy are the NodeRuns of a Workload that are not seen, created or about
// to be. Preconditions: mu is held.
func (l *ledger) assumedBy(workload types.UID, now time.Time) []*v1alpha1.NodeRun {
	var runs []*v1alpha1.NodeRun
	for _, a := range l.assumed {
		if !a.expired(now) && a.run.Spec.Workload.UID == string(workload) {
			runs = append(runs, a.run)
		}
	}
	return runs
}

// wait adds a Workload to those that want to hear of free nodes. Preconditions: mu is held.
func (l *ledger) wait(key types.NamespacedName) { l.waiting[key] = struct{}{} }

// stopWaiting is called when a pass begins: it looks for itself.
func (l *ledger) stopWaiting(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, key)
}

func (l *ledger) waitingWorkloads() []types.NamespacedName {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.waiting))
}

// memory is what the manager remembers of a Workload to write its status
// seldom and merge its results once. Losing it costs one write.
type memory struct {
	mu    sync.Mutex
	notes map[types.NamespacedName]note
}

type note struct {
	// written is when the status was last written.
	written time.Time
	// merged stands for the set of results in status.groups.
	merged uint64
}

func newMemory() *memory { return &memory{notes: map[types.NamespacedName]note{}} }

func (m *memory) of(key types.NamespacedName) note {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notes[key]
}

func (m *memory) keep(key types.NamespacedName, n note) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes[key] = n
}

func (m *memory) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.notes, key)
}
