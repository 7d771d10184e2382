// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestPhasesAreToldApart(t *testing.T) {
	for _, mode := range []spec.CloneMode{spec.CloneModeFork, spec.CloneModeThread} {
		t.Run(string(mode), func(t *testing.T) {
			g := group("g", 2, ticks)
			g.CloneMode = mode
			cfg := config(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{g}})
			cfg.Phases = 3
			h, err := Spawn(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			worked := func(record int) func() bool {
				return func() bool {
					for _, w := range workers(h) {
						if w.Phases[record].Figures.Iterations < 5 {
							return false
						}
					}
					return true
				}
			}
			h.Start()
			waitFor(t, "work before the first phase", worked(0))
			h.SetPhase(0)
			waitFor(t, "work in the first phase", worked(1))
			h.EndPhase()
			waitFor(t, "work between the phases", worked(4))
			h.SetPhase(1)
			waitFor(t, "work in the second phase", worked(2))
			h.Stop(nil)
			for _, w := range workers(h) {
				checkPhases(t, w)
			}
		})
	}
}

func checkPhases(t *testing.T, w Worker) {
	t.Helper()
	var wall int64
	for i, epoch := range []uint32{arena.EpochBaseline, 1, 2, 3, arena.EpochGap} {
		p := w.Phases[i]
		if p.Epoch != epoch {
			t.Errorf("record %d is of epoch %d, want %d", i, p.Epoch, epoch)
		}
		if on := epoch != 3; on != (p.Figures.Iterations > 0) || on != (p.Figures.Wall > 0) || on != (p.Histograms[0].Count() > 0) || on != (len(p.CPUs) > 0) {
			t.Errorf("worker %d, epoch %d: %d values, %v, %+v", w.Index, epoch, p.Histograms[0].Count(), p.CPUs, p.Figures)
		}
		if got := p.Histograms[0].Count(); got > 0 && got != p.Figures.Iterations {
			t.Errorf("worker %d, epoch %d: %d values in %d iterations", w.Index, epoch, got, p.Figures.Iterations)
		}
		wall += p.Figures.Wall
	}
	// Between leaving a phase and entering the next a worker reads schedstat.
	if whole := w.Ended - w.Began; wall > whole || wall < whole*9/10 {
		t.Errorf("worker %d: the phases last %v together, the work %v", w.Index, time.Duration(wall), time.Duration(whole))
	}
	if f := w.Whole().Figures; !f.Schedstat || f.CPU <= 0 || f.Voluntary == 0 {
		t.Errorf("worker %d: %+v", w.Index, f)
	}
}

func TestAffinityOfOneWorkerCanBeChanged(t *testing.T) {
	cfg := config(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{group("a", 2, spins), threads("b", 2, "", spins)}})
	allowed := allowedCPUs(t)
	if len(allowed) < 2 {
		t.Skip("needs two CPUs")
	}
	from, to := cpuset.New(allowed[0]), cpuset.New(allowed[1])
	cfg.Places = &work.Places{}
	for cpu := range allowed[len(allowed)-1] + 1 {
		cfg.Places.Core = append(cfg.Places.Core, int32(cpu))
		cfg.Places.LLC, cfg.Places.Node = append(cfg.Places.LLC, 0), append(cfg.Places.Node, 0)
	}
	h, err := Spawn(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Start()
	for _, name := range []string{"a", "b"} {
		for _, cpus := range []cpuset.CPUSet{from, to} {
			if err := h.SetAffinity(name, 1, cpus); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the worker to be seen on the CPU", func() bool { return seenOn(h, name, cpus.List()[0]) })
		}
	}
	for _, w := range workers(h) {
		var mask unix.CPUSet
		if err := unix.SchedGetaffinity(w.TID, &mask); err != nil {
			t.Fatal(err)
		}
		if restricted := mask.Count() == 1 && mask.IsSet(allowed[1]); restricted != (w.Index == 1) {
			t.Errorf("worker %d of %s may use %d CPUs", w.Index, w.Group.Name, mask.Count())
		}
	}
	for what, err := range map[string]error{
		"there is no group \"c\"":    h.SetAffinity("c", 0, from),
		"workers 0 to 1, not 2":      h.SetAffinity("a", 2, from),
		"workers 0 to 1, not -1":     h.SetAffinity("b", -1, from),
		"group a, worker 0: setting": h.SetAffinity("a", 0, cpuset.New(8000)),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
	h.Stop(nil)
	if err := h.SetAffinity("a", 1, from); err == nil || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("after the stop: %v", err)
	}
	for _, w := range workers(h) {
		if w.Index == 1 {
			checkMigration(t, w, allowed)
		}
	}
}

// checkMigration looks for the move from the first CPU to the second.
func checkMigration(t *testing.T, w Worker, cpus []int) {
	t.Helper()
	f := w.Whole().Figures
	if f.Migrations[arena.DistanceLLC] == 0 || f.Migrations[arena.DistanceLLC] != f.TotalMigrations() {
		t.Errorf("migrations by distance: %v", f.Migrations)
	}
	for _, m := range w.Migrations {
		if m.From == m.To || m.At < w.Began || m.At > w.Ended || m.Distance != arena.DistanceLLC {
			t.Errorf("%+v", m)
		}
		if int(m.From) == cpus[0] && int(m.To) == cpus[1] {
			return
		}
	}
	t.Errorf("no migration from CPU %d to %d among %+v", cpus[0], cpus[1], w.Migrations)
}

func seenOn(h *Handle, group string, cpu int) bool {
	for _, w := range workers(h) {
		if w.Group.Name == group && w.Index == 1 {
			return slices.Contains(w.Whole().CPUs, cpu)
		}
	}
	return false
}

func TestKillEndsAllAtOnceAndKeepsWhatWasMeasured(t *testing.T) {
	h := start(t, group("fork", 2, ticks), threads("thread", 2, "", ticks))
	h.Start()
	waitFor(t, "every worker to have measured", func() bool {
		for _, n := range h.Iterations() {
			if n < 20 {
				return false
			}
		}
		return true
	})
	h.Kill()
	waitFor(t, "all to be gone", func() bool { return h.reaper.wait(1) })
	h.Stop(nil)
	for _, w := range workers(h) {
		if w.Exit.String() != "killed on order" || w.Stage != arena.StageRunning || whole(w).Histograms[0].Count() < 19 {
			t.Errorf("worker %d of %s: %v at stage %v with %d values", w.Index, w.Group.Name, w.Exit, w.Stage, whole(w).Histograms[0].Count())
		}
	}
}

func TestAGapIsFoundWithItsCPUAndTime(t *testing.T) {
	h := start(t, group("g", 1, spins))
	h.Start()
	waitFor(t, "the worker to work", func() bool { return h.Iterations()[0] > 10 })
	const pause = 60 * time.Millisecond
	tid := workers(h)[0].TID
	if err := unix.Kill(tid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	waitFor(t, "the pause to pass", func() bool { return time.Since(began) > pause })
	if err := unix.Kill(tid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the gap to be noted", func() bool { return whole(workers(h)[0]).Figures.MaxGap >= int64(pause) })
	h.Stop(nil)
	w := workers(h)[0]
	f := whole(w).Figures
	if f.MaxGapAt-f.MaxGap < w.Began || f.MaxGapAt > w.Ended {
		t.Errorf("a gap of %v that ends %v after the beginning of %v of work", time.Duration(f.MaxGap),
			time.Duration(f.MaxGapAt-w.Began), time.Duration(w.Ended-w.Began))
	}
	seen := false
	for _, cpu := range whole(w).CPUs {
		seen = seen || cpu == f.MaxGapCPU
	}
	if !seen {
		t.Errorf("the gap was on CPU %d, the worker on %v", f.MaxGapCPU, whole(w).CPUs)
	}
}
