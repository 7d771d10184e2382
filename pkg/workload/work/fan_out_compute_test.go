// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

// A receiver that runs so late that the waker is far ahead still learns when it was woken.
func TestWhenAReceiverWasWoken(t *testing.T) {
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{}}, Regions: []int{(&FanOutCompute{}).Shape().RegionBytes}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	var w Worker
	w.Bind(a, 0, 0, nil)
	w.Region = a.Region(0)
	f := w.follow(nil)
	// The generations begin a nanosecond apart, so that times are generations. The number
	// passes its end meanwhile.
	const all, first = 2_000_000, 1<<32 - 500_000
	store(f.generation, first)
	for n := range int64(all) {
		note(&w, first+1+uint32(n), n+1)
		store(f.generation, first+1+uint32(n))
	}
	for _, late := range []int64{0, 1, 63, 64, 4000, 4094, 4095, 5000, 100_000, 262_000, 300_000, 1_500_000, 1_999_900} {
		began := all - late
		got := f.wokenAt(&w, first+uint32(began))
		most := began // exactly
		if late > 4094 {
			most += late / 50
		}
		if got < began || got > most {
			t.Errorf("%d generations late it was woken at %d, want %d to %d", late, got, began, most)
		}
	}
}
