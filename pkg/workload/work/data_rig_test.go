// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// rigTimeout bounds what is waited for in a test.
const rigTimeout = time.Minute

// rig is workers of a kind on threads of this process, each of which ends with its worker.
// They are each other's peers.
type rig struct {
	t       *testing.T
	kind    Kind
	arena   *arena.Arena
	workers []Worker
	// What of these is given is called on a worker's thread: inside before it prepares its
	// work, prepared after that, and after when it has left.
	inside, prepared, after func(i int)

	done    chan struct{}
	started []int // the workers that work, or did
	ended   int
}

func newRig(t *testing.T, k Kind, n int, places *Places) *rig {
	t.Helper()
	if err := k.Validate(); err != nil {
		t.Fatal(err)
	}
	shape := k.Shape()
	plan := arena.Plan{}
	for range n {
		plan.Workers = append(plan.Workers, arena.WorkerPlan{Histograms: len(shape.Metrics)})
	}
	a, err := arena.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	r := &rig{t: t, kind: k, arena: a, workers: make([]Worker, n), done: make(chan struct{})}
	for i := range r.workers {
		w := &r.workers[i]
		w.Bind(a, i, len(shape.Metrics), places)
		w.Position, w.Seed, w.Peers = i%shape.SetSize, uint64(i+1), [][2]int{{0, n}}
		if shape.MemoryBytes > 0 {
			r.memory(w, shape.MemoryBytes)
		}
	}
	return r
}

func (r *rig) memory(w *Worker, n int) {
	r.t.Helper()
	var errno sys.Errno
	if w.Memory, errno = sys.RawMap(n); errno != 0 {
		r.t.Fatal(errno)
	}
	w.Pages = &PageCounter{}
	r.t.Cleanup(func() {
		_, _, _ = unix.Syscall(unix.SYS_MUNMAP, uintptr(sys.Address(w.Memory)), uintptr(len(w.Memory)), 0)
	})
}

// start lets the i-th worker work, with what it has to prepare.
func (r *rig) start(i int) {
	began := make(chan struct{})
	r.started = append(r.started, i)
	go func() {
		defer func() { r.done <- struct{}{} }()
		runtime.LockOSThread()
		*r.arena.Block(i).TIDWord() = uint32(unix.Gettid())
		if r.inside != nil {
			r.inside(i)
		}
		if p, ok := r.kind.(Preparer); ok {
			if errno := p.Prepare(&r.workers[i]); errno != 0 {
				r.t.Errorf("worker %d: preparing its work: %v (%s)", i, errno, r.arena.Block(i).Text())
			}
		}
		if r.prepared != nil {
			r.prepared(i)
		}
		close(began)
		r.workers[i].Run(r.kind)
		if r.after != nil {
			r.after(i)
		}
	}()
	<-began
}

func (r *rig) startAll() {
	for i := range r.workers {
		r.start(i)
	}
}

// await waits until a condition holds.
func (r *rig) await(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(rigTimeout); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			r.t.Errorf("not within %v: %s (%s)", rigTimeout, what, r.arena.Block(0).Text())
			return
		}
	}
}

// passes waits until each worker that was started has made n passes.
func (r *rig) passes(n uint64) {
	r.t.Helper()
	r.await("passes", func() bool {
		for _, i := range r.started {
			if r.arena.Record(i, 0).Iterations() < n {
				return false
			}
		}
		return true
	})
}

// stop stops the workers, of which none may have left before.
func (r *rig) stop() {
	r.t.Helper()
	r.arena.Control().Stop()
	r.join()
	for _, i := range r.started {
		if b := r.arena.Block(i); b.Stage() != arena.StageStopped || b.Text() != "" {
			r.t.Errorf("worker %d is at stage %s: %q", i, b.Stage(), b.Text())
		}
	}
}

func (r *rig) join() {
	r.t.Helper()
	for ; r.ended < len(r.started); r.ended++ {
		select {
		case <-r.done:
		case <-time.After(rigTimeout):
			r.t.Fatal("a worker does not end")
		}
	}
}

// units is what a worker counted.
func (r *rig) units(i int) uint64 { return r.arena.Record(i, 0).Figures(0).WorkUnits }

func (r *rig) samples(i, n int) uint64 { return r.arena.ReadHistogram(i, 0, n).Count() }

// left is what the only worker says that leaves its work by itself.
func (r *rig) left() string {
	r.t.Helper()
	r.start(0)
	r.join()
	b := r.arena.Block(0)
	if b.Stage() != arena.StageLeft {
		r.t.Errorf("it is at stage %s", b.Stage())
	}
	return b.Text()
}

// refused is the errno with which the first worker's preparation fails, and what it says.
func (r *rig) refused() (sys.Errno, string) {
	r.t.Helper()
	type answer struct {
		errno sys.Errno
		text  string
	}
	got := make(chan answer)
	go func() {
		runtime.LockOSThread()
		if r.inside != nil {
			r.inside(0)
		}
		errno := r.kind.(Preparer).Prepare(&r.workers[0])
		got <- answer{errno, r.arena.Block(0).Text()}
	}()
	a := <-got
	return a.errno, a.text
}

// affinityOf is the CPUs a thread may use.
func affinityOf(t *testing.T, tid int) unix.CPUSet {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(tid, &set); err != nil {
		t.Fatal(err)
	}
	return set
}
