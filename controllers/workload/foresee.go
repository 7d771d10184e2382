// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// Foresight is what the manager would decide about a Workload if it were created now.
type Foresight struct {
	// Refusal is why it would not accept it. Then there is nothing else to say.
	Refusal  *manifest.Refusal
	Decision placement.Decision
	// Outlooks has an entry per node, by name.
	Outlooks []placement.Outlook
}

// Foresee decides about a Workload that is not there, by the manager's own code on
// what the API server says now. Nothing is written. Suspension is not looked at.
func Foresee(ctx context.Context, api client.Client, clk clock.PassiveClock, leaseNamespace string, w *v1alpha1.Workload) (*Foresight, error) {
	switch refusal, err := check(w); {
	case err != nil:
		return nil, err
	case refusal != nil:
		return &Foresight{Refusal: refusal}, nil
	}
	seen := &uncached{Client: api}
	if err := api.List(ctx, &seen.runs); err != nil {
		return nil, fmt.Errorf("listing NodeRuns: %w", err)
	}
	r := &Reconciler{Client: seen, Live: api, Clock: clk, LeaseNamespace: leaseNamespace,
		Timings: Timings{}.withDefaults(), ledger: newLedger(), memory: newMemory()}
	busy := map[string]string{}
	for i := range seen.runs.Items {
		run := &seen.runs.Items[i]
		r.ledger.see(run)
		if !run.Finished() {
			busy[run.Spec.NodeName] = run.Namespace + "/" + run.Name
		}
	}
	s := &scope{now: clk.Now(), workload: w}
	s.count()
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	snap, err := r.snapshot(ctx, s)
	if err != nil {
		return nil, err
	}
	f := &Foresight{}
	f.Decision, f.Outlooks = placement.Explain(demand(w, s.tally), snap)
	for i := range f.Outlooks {
		if o := &f.Outlooks[i]; o.Fate == placement.Busy {
			o.Why = "has the NodeRun " + busy[o.Node.Name]
		}
	}
	return f, nil
}

// uncached reads from the API server what the manager reads from its cache. The
// fields by which it looks NodeRuns up are indexes of the cache only.
type uncached struct {
	client.Client
	runs v1alpha1.NodeRunList
}

func (u *uncached) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	found, ok := list.(*v1alpha1.NodeRunList)
	if !ok {
		return u.Client.List(ctx, list, opts...)
	}
	var o client.ListOptions
	o.ApplyOptions(opts)
	for i := range u.runs.Items {
		run := &u.runs.Items[i]
		if o.Namespace != "" && o.Namespace != run.Namespace || o.FieldSelector != nil && !o.FieldSelector.Matches(fieldsOf(run)) {
			continue
		}
		found.Items = append(found.Items, *run)
	}
	return nil
}

func fieldsOf(run *v1alpha1.NodeRun) fields.Set {
	set := fields.Set{}
	for field, values := range NodeRunIndexes {
		for _, value := range values(run) {
			set[field] = value
		}
	}
	return set
}

// NodeRunIndexes are the fields by which NodeRuns are looked up in the cache. Each
// has one value at most.
var NodeRunIndexes = map[string]client.IndexerFunc{
	IndexNodeRunWorkload: func(obj client.Object) []string {
		return []string{obj.(*v1alpha1.NodeRun).Spec.Workload.Name}
	},
	v1alpha1.FieldNodeName: func(obj client.Object) []string {
		return []string{obj.(*v1alpha1.NodeRun).Spec.NodeName}
	},
	IndexNodeRunUnfinished: func(obj client.Object) []string {
		if obj.(*v1alpha1.NodeRun).Finished() {
			return nil
		}
		return []string{"true"}
	},
}
