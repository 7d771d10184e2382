// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"reflect"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

// Clock and CPU are looked at every 1024 work units, however many passes that is.
func TestCheckpoints(t *testing.T) {
	for name, tc := range map[string]struct {
		units  uint64 // a pass
		passes int
		looks  int
	}{
		"a unit a pass":             {1, 4096, 4},
		"a checkpoint's less one":   {1023, 6, 3},
		"a checkpoint's a pass":     {1024, 5, 5},
		"more than one's":           {5000, 5, 5},
		"work that counts no units": {0, 5, 5},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{}}})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			var w Worker
			w.Bind(a, 0, 0, nil)
			w.begin(1)
			looks := 0
			for range tc.passes {
				w.lastCheck = 0 // a checkpoint sets it
				w.AddUnits(tc.units)
				w.EndIteration()
				if w.lastCheck != 0 {
					looks++
				}
			}
			if looks != tc.looks || a.Record(0, 0).Iterations() != uint64(tc.passes) {
				t.Errorf("%d looks in %d passes, want %d in %d", looks, a.Record(0, 0).Iterations(), tc.looks, tc.passes)
			}
		})
	}
}

// Who asks for the shape of work before its parameters were checked must not divide by the size
// of a set that is none.
func TestASetIsOfOneWorkerAtLeast(t *testing.T) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Spec]()) {
		kind := reflect.New(field.Type.Elem()).Interface().(Kind)
		if n := kind.Shape().SetSize; n < 1 {
			t.Errorf("%s: a set is of %d", kind.Name(), n)
		}
	}
	if n := (&PreemptStorm{FairWorkers: -1}).Shape().SetSize; n < 1 {
		t.Errorf("a preempt storm without its waker is of %d", n)
	}
}
