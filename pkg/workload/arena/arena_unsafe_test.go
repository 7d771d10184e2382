// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Processes of different builds never share an arena, but the layout is what the
// cache behaviour of a measurement depends on, so a change must be meant.
func TestOffsets(t *testing.T) {
	var c Control
	var b Block
	var r Record
	var h Histogram
	var l Log
	for name, tc := range map[string]struct{ got, want uintptr }{
		"start has a line of its own":            {unsafe.Offsetof(c.start), 64},
		"stop and phase, which are read often":   {unsafe.Offsetof(c.stop), 128},
		"phase is beside stop":                   {unsafe.Offsetof(c.phase), 132},
		"parked has a line of its own":           {unsafe.Offsetof(c.parked), 192},
		"start time":                             {unsafe.Offsetof(c.startNS), 256},
		"fork error":                             {unsafe.Offsetof(c.forkError), 320},
		"host ids":                               {unsafe.Offsetof(c.hosts), 384},
		"the control page fits its page":         {unsafe.Sizeof(c), 640},
		"a block is its size":                    {unsafe.Sizeof(b), blockSize},
		"setup errors begin a line":              {unsafe.Offsetof(b.setup), 64},
		"text begins a line":                     {unsafe.Offsetof(b.text), 192},
		"a record is its size":                   {unsafe.Sizeof(r), recordSize},
		"the counters of every pass are a line":  {unsafe.Offsetof(r.sinceNS), 56},
		"the kind's counters are a line":         {unsafe.Offsetof(r.counters), 192},
		"pages begin a line":                     {unsafe.Offsetof(r.pages), 256},
		"CPUs begin a line":                      {unsafe.Offsetof(r.cpus), 512},
		"bins begin a line":                      {unsafe.Offsetof(h.counts), 64},
		"a histogram is its size":                {unsafe.Sizeof(h), histogramSize},
		"a log is its size":                      {unsafe.Sizeof(l), logSize},
		"records keep the lines of what follows": {recordSize % lineSize, 0},
		"blocks keep the lines of what follows":  {blockSize % lineSize, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.got != tc.want {
				t.Errorf("got %d, want %d", tc.got, tc.want)
			}
		})
	}
}

func TestLayoutNeitherOverlapsNorMisaligns(t *testing.T) {
	plan := Plan{Workers: []WorkerPlan{{0}, {2}, {3}}, Phases: 2, Regions: []int{4, 100, 64}}
	at := plan.layout()
	type span struct {
		from, to, multiple int
		what               string
	}
	spans := []span{{0, pageSize, pageSize, "control"}}
	add := func(from, size, multiple int, what string) {
		spans = append(spans, span{from, from + size, multiple, what})
	}
	for i, w := range plan.Workers {
		area := at.workers[i]
		add(area, blockSize, pageSize, fmt.Sprintf("block %d", i))
		for r := range plan.records() {
			add(area+recordOffset(r), recordSize, lineSize, fmt.Sprintf("record %d.%d", i, r))
		}
		for r := range plan.records() {
			for n := range w.Histograms {
				add(area+plan.histogramOffset(w, r, n), histogramSize, lineSize, fmt.Sprintf("histogram %d.%d.%d", i, r, n))
			}
		}
		add(area+plan.logOffset(w), logSize, lineSize, fmt.Sprintf("log %d", i))
	}
	for i, size := range plan.Regions {
		add(at.regions[i], size, lineSize, fmt.Sprintf("region %d", i))
	}
	for i, s := range spans {
		if s.from%s.multiple != 0 {
			t.Errorf("%s begins at %d, no multiple of %d", s.what, s.from, s.multiple)
		}
		if i > 0 && s.from < spans[i-1].to {
			t.Errorf("%s begins at %d, before %s ends at %d", s.what, s.from, spans[i-1].what, spans[i-1].to)
		}
		if s.to > at.size {
			t.Errorf("%s ends at %d, beyond the arena's %d", s.what, s.to, at.size)
		}
	}
}

func TestEpochsHaveRecords(t *testing.T) {
	whole, three := Plan{}, Plan{Phases: 3}
	for name, tc := range map[string]struct {
		plan   Plan
		epoch  uint32
		record int
	}{
		"a run without phases has one record": {whole, 0, 0},
		"whatever is announced to it":         {whole, 7, 0},
		"before the first phase":              {three, EpochBaseline, 0},
		"the first phase":                     {three, 1, 1},
		"the last phase":                      {three, 3, 3},
		"between phases":                      {three, EpochGap, 4},
		"a phase that was not declared":       {three, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.plan.Record(tc.epoch); got != tc.record || got >= tc.plan.records() {
				t.Errorf("record %d of %d, want %d", got, tc.plan.records(), tc.record)
			}
		})
	}
	for r, want := range []uint32{EpochBaseline, 1, 2, 3, EpochGap} {
		if got := three.Epoch(r); got != want {
			t.Errorf("record %d is of epoch %d, want %d", r, got, want)
		}
	}
}

func TestAnotherMappingSeesWhatWasWritten(t *testing.T) {
	plan := Plan{Workers: []WorkerPlan{{1}, {0}}, Phases: 1, Regions: []int{8}}
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
	w.SetSetup(StepNice, 0)
	w.SetSetup(StepAffinity, unix.EINVAL)
	w.SetText("why")
	for _, ns := range []int64{-5, 300, 1_000_000} {
		b.Histogram(0, 1, 0).Record(ns)
	}
	b.Record(0, 1).SetFilled(0)
	w.SetEntered(1)
	*b.Region(0).Word32(4) = 9
	moved := Migration{At: 12, From: 8191, To: 3, Distance: DistanceNode, Record: 1}
	b.Log(0).Add(moved)

	r := a.Block(0)
	if !r.Entered(1) || r.Entered(0) || r.Entered(2) {
		t.Error("not record 1 alone was entered")
	}
	if got := r.SetupErrors(); r.Stage() != StageRunning || !slices.Equal(got, []SetupError{{StepAffinity, unix.EINVAL}}) {
		t.Errorf("stage %v, setup errors %v", r.Stage(), got)
	}
	if got := r.SetupSteps(); !slices.Equal(got, []SetupStep{StepAffinity, StepNice}) {
		t.Errorf("setup steps %v", got)
	}
	if r.Text() != "why" || *a.Region(0).Word32(4) != 9 {
		t.Errorf("text %q, word %d", r.Text(), *a.Region(0).Word32(4))
	}
	h := a.ReadHistogram(0, 1, 0)
	if h.Count() != 3 || h.Min() != 0 || h.Max() != 1_000_000 {
		t.Errorf("histogram of %d values %d..%d", h.Count(), h.Min(), h.Max())
	}
	if n := a.ReadHistogram(1, 0, 0).Count() + a.ReadHistogram(0, 0, 0).Count(); n != 0 {
		t.Errorf("histograms that nobody wrote have %d values", n)
	}
	if got := a.Log(0).Migrations(); !slices.Equal(got, []Migration{moved}) {
		t.Errorf("migrations %+v", got)
	}
}

func TestRecordsAddUp(t *testing.T) {
	a, err := New(Plan{Workers: []WorkerPlan{{0}}, Phases: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	first, second := a.Record(0, 0), a.Record(0, 1)
	first.Enter(100)
	first.AddIteration()
	first.UseCPU(3)
	first.UseCPU(130)
	first.AddMigration(DistanceLLC)
	first.SetMaxGap(77, 170, 5)
	first.AddCPU(10, 1, 2)
	first.AddSchedstat(1, 2, 3)
	first.SetPages(0, 4)
	first.Leave(300)
	second.Enter(300)
	second.AddIteration()
	second.AddMigration(DistanceRemote)
	second.SetMaxGap(50, 350, 6)
	second.AddCPU(20, 3, 4)
	second.SetPages(0, 0)
	second.SetPages(1, 5)
	first.Enter(400) // a phase may come again

	got := first.Figures(410)
	got.Add(second.Figures(450))
	want := Figures{
		Iterations: 2, Migrations: [Distances]uint64{DistanceLLC: 1, DistanceRemote: 1}, Wall: 200 + 10 + 150, CPU: 30,
		MaxGap: 77, MaxGapAt: 170, MaxGapCPU: 5, Schedstat: true, RunDelay: 2, RunCount: 3, SchedCPU: 1, Voluntary: 4, Involuntary: 6,
		Pages: map[int]uint64{1: 5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if cpus := first.CPUs(); !slices.Equal(cpus, []int{3, 130}) || got.TotalMigrations() != 2 {
		t.Errorf("CPUs %v, %d migrations", cpus, got.TotalMigrations())
	}
}

func TestALogKeepsTheFirst(t *testing.T) {
	a, err := New(Plan{Workers: []WorkerPlan{{0}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for at := range int64(MaxMigrations + 10) {
		a.Log(0).Add(Migration{At: at, From: 0, To: 1})
	}
	if got := a.Log(0).Migrations(); len(got) != MaxMigrations || got[MaxMigrations-1].At != MaxMigrations-1 {
		t.Errorf("%d migrations, the last at %d", len(got), got[len(got)-1].At)
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

// Declaring many workers and phases must not cost memory before they run, and a
// worker that ran costs what it touched.
func TestOnlyTouchedPagesCostMemory(t *testing.T) {
	a, err := New(Plan{Workers: slices.Repeat([]WorkerPlan{{3}}, 10_000), Phases: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	used := func() int64 {
		var st unix.Stat_t
		if err := unix.Fstat(int(a.File().Fd()), &st); err != nil {
			t.Fatal(err)
		}
		return st.Blocks * 512 >> 20
	}
	if got := used(); got > 0 {
		t.Errorf("10,000 declared workers cost %d MiB", got)
	}
	for i := range a.Workers() {
		a.Block(i).SetStage(StageParked)
		for r := range a.Records() {
			if a.Block(i).Entered(r) {
				t.Fatal("a worker that never ran entered a record")
			}
		}
	}
	if got := used(); got > 40 {
		t.Errorf("10,000 parked workers cost %d MiB, more than a page each", got)
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

func TestTheFirstWorkerThatCannotBeForkedIsNoted(t *testing.T) {
	a, err := New(Plan{Workers: make([]WorkerPlan, 9)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c := a.Control()
	if _, _, _, ok := c.ForkError(); ok {
		t.Error("there is an error before anyone noted one")
	}
	c.SetForkError(7, ForkOpens, unix.EMFILE)
	c.SetForkError(3, ForkClone, unix.EAGAIN)
	c.SetForkError(5, ForkClone, unix.ENOMEM)
	if worker, step, errno, ok := c.ForkError(); worker != 3 || step != ForkClone || errno != unix.EAGAIN || !ok {
		t.Errorf("worker %d: %v: %v", worker, step, errno)
	}
}
