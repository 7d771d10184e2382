// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// ledger is what the manager knows before its cache does: which nodes it has
// just given away. Losing it does no harm: a manager that starts reads the whole
// truth first.
type ledger struct {
	// mu is held from looking at the nodes to taking some, so that two Workloads
	// never take the same one. It guards the contenders and the plan as well.
	mu sync.Mutex
	// assumed holds, by node, the NodeRuns the cache does not show yet.
	assumed map[string]assumption
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

// release gives a node back, or forgets a NodeRun the cache now shows. It says whether it was known.
func (l *ledger) release(run *v1alpha1.NodeRun) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.assumed[run.Spec.NodeName]
	if ok = ok && a.run.Spec.RunID == run.Spec.RunID; ok {
		delete(l.assumed, run.Spec.NodeName)
	}
	return ok
}

// see takes note of a NodeRun the cache shows, or showed. It says whether it was awaited.
func (l *ledger) see(run *v1alpha1.NodeRun) bool {
	awaited := l.release(run)
	used := run.CreationTimestamp.Time
	if run.Status.CompletionTime != nil {
		used = run.Status.CompletionTime.Time
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if used.After(l.lastUsed[run.Spec.NodeName]) {
		l.lastUsed[run.Spec.NodeName] = used
	}
	return awaited
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
	// runs is how many NodeRuns the last pass looked at.
	runs int
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

// passAfter is how long events are gathered before the next pass over a Workload.
func (m *memory) passAfter(key types.NamespacedName) time.Duration {
	return gatherDelay + time.Duration(m.of(key).runs)*gatherShare
}

func (m *memory) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.notes, key)
}
