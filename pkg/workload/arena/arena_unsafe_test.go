// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"os"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Processes of different builds never share an arena, but the layout is what the
// cache behaviour of a measurement depends on, so a change must be meant.
func TestOffsets(t *testing.T) {
	var c Control
	var b Block
	var h Histogram
	for name, tc := range map[string]struct{ got, want uintptr }{
		"start has a line of its own":    {unsafe.Offsetof(c.start), 64},
		"stop has a line of its own":     {unsafe.Offsetof(c.stop), 128},
		"parked has a line of its own":   {unsafe.Offsetof(c.parked), 192},
		"fork error":                     {unsafe.Offsetof(c.forkWorker), 320},
		"start time":                     {unsafe.Offsetof(c.startNS), 256},
		"the control page fits its page": {unsafe.Sizeof(c), 384},
		"a block is its size":            {unsafe.Sizeof(b), blockSize},
		"setup errors":                   {unsafe.Offsetof(b.setup), 64},
		"counters begin a line":          {unsafe.Offsetof(b.Counters), 128},
		"counters are two lines":         {unsafe.Sizeof(b.Counters), 128},
		"CPUs":                           {unsafe.Offsetof(b.cpus), 256},
		"text":                           {unsafe.Offsetof(b.text), 1280},
		"bins begin a line":              {unsafe.Offsetof(h.counts), 64},
		"a histogram is its size":        {unsafe.Sizeof(h), histogramSize},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.got != tc.want {
				t.Errorf("got %d, want %d", tc.got, tc.want)
			}
		})
	}
}

func TestLayoutNeitherOverlapsNorMisaligns(t *testing.T) {
	plan := Plan{Workers: []WorkerPlan{{0}, {2}, {1}}, Regions: []int{4, 100, 64}}
	at := plan.layout()
	type span struct{ from, to int }
	spans := []span{{0, pageSize}, {blocksOff, blocksOff + 3*blockSize}}
	for i, w := range plan.Workers {
		spans = append(spans, span{at.histograms[i], at.histograms[i] + w.Histograms*histogramSize})
	}
	for i, size := range plan.Regions {
		spans = append(spans, span{at.regions[i], at.regions[i] + size})
	}
	for i, s := range spans {
		if s.from%lineSize != 0 {
			t.Errorf("span %d begins at %d, not at a cache line", i, s.from)
		}
		if i > 0 && s.from < spans[i-1].to {
			t.Errorf("span %d begins at %d, before the one before ends at %d", i, s.from, spans[i-1].to)
		}
		if s.to > at.size {
			t.Errorf("span %d ends at %d, beyond the arena's %d", i, s.to, at.size)
		}
	}
}

func TestAnotherMappingSeesWhatWasWritten(t *testing.T) {
	plan := Plan{Workers: []WorkerPlan{{1}, {0}}, Regions: []int{8}}
	a, err := New(plan)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Attach(a.File(), plan)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()

	w := b.Block(0)
	w.SetStage(StageRunning)
	w.AddSetupError(StepAffinity, unix.EINVAL)
	w.UseCPU(3)
	w.UseCPU(130)
	w.AddIteration()
	w.SetMaxGap(77, 5)
	w.SetSchedstat(1, 2, 3)
	w.SetText("why")
	for _, ns := range []int64{-5, 300, 1_000_000} {
		b.Histogram(0, 0).Record(ns)
	}
	*b.Region(0).Word32(4) = 9

	r := a.Block(0)
	f := r.Figures()
	if r.Stage() != StageRunning || f.Iterations != 1 || f.MaxGap != 77 || f.MaxGapCPU != 5 || !f.Schedstat || f.RunDelay != 2 {
		t.Errorf("stage %v, figures %+v", r.Stage(), f)
	}
	if got := r.SetupErrors(); !slices.Equal(got, []SetupError{{StepAffinity, unix.EINVAL}}) {
		t.Errorf("setup errors %v", got)
	}
	if got := r.CPUs(); !slices.Equal(got, []int{3, 130}) {
		t.Errorf("CPUs %v", got)
	}
	if r.Text() != "why" || *a.Region(0).Word32(4) != 9 {
		t.Errorf("text %q, word %d", r.Text(), *a.Region(0).Word32(4))
	}
	h := a.ReadHistogram(0, 0)
	if h.Count() != 3 || h.Min() != 0 || h.Max() != 1_000_000 {
		t.Errorf("histogram of %d values %d..%d", h.Count(), h.Min(), h.Max())
	}
	if n := a.ReadHistogram(1, 0).Count(); n != 0 {
		t.Errorf("a histogram that is not there has %d values", n)
	}
}

func TestAttachRefusesAnotherPlan(t *testing.T) {
	a, err := New(Plan{Workers: []WorkerPlan{{0}, {0}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if b, err := Attach(a.File(), Plan{Workers: []WorkerPlan{{0}}}); err == nil {
		b.Close()
		t.Error("attached with a plan for another number of workers")
	}
}

func TestSizeIsSealed(t *testing.T) {
	a, err := New(Plan{Workers: []WorkerPlan{{0}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.File().Truncate(0); !os.IsPermission(err) {
		t.Errorf("truncating gave %v, want EPERM", err)
	}
}

// Declaring many workers must not cost memory before they run.
func TestOnlyTouchedPagesCostMemory(t *testing.T) {
	a, err := New(Plan{Workers: slices.Repeat([]WorkerPlan{{2}}, 10_000)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for i := range a.Workers() {
		a.ReadHistogram(i, 1)
		a.Block(i).Figures()
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(a.File().Fd()), &st); err != nil {
		t.Fatal(err)
	}
	// Reading 10,000 histograms touches a page each at most, not their 36 kB.
	if used, limit := st.Blocks*512, int64(120<<20); used > limit {
		t.Errorf("10,000 declared workers cost %d MiB", used>>20)
	}
}

func TestAbortedWorkersDoNotWork(t *testing.T) {
	a, err := New(Plan{Workers: []WorkerPlan{{0}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c := a.Control()
	works := make(chan bool)
	go func() { works <- c.Park() }()
	for deadline := time.Now().Add(10 * time.Second); c.AwaitParked(time.Second) != 1; {
		if time.Now().After(deadline) {
			t.Fatal("the worker never parked")
		}
	}
	c.Abort()
	if <-works {
		t.Error("the worker went to work after Abort")
	}
}
