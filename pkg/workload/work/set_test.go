// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// progressTimeout bounds the wait for workers to get on.
const progressTimeout = 5 * time.Second

// set is one set of workers of a kind on threads of this process.
type set struct {
	kind    work.Kind
	shape   work.Shape
	arena   *arena.Arena
	workers []work.Worker
	parked  chan struct{} // a message of each worker that has prepared its work
	release chan struct{} // closed to let them work
	done    chan struct{} // a message of each worker that has left
	stopped bool
}

// twoNodes puts each second CPU on another NUMA node.
func twoNodes() *work.Places {
	one, nodes := make([]int32, 1024), make([]int32, 1024)
	for cpu := range nodes {
		nodes[cpu] = int32(cpu % 2)
	}
	return &work.Places{Core: one, LLC: nodes, Node: nodes}
}

// startSet makes the workers and lets them work: a set, or two workers that each
// work for themselves.
func startSet(t *testing.T, k work.Kind) *set {
	t.Helper()
	s := &set{kind: k, shape: k.Shape(), parked: make(chan struct{}), release: make(chan struct{}), done: make(chan struct{})}
	plan := arena.Plan{Regions: []int{max(s.shape.RegionBytes, 4)}}
	size := max(s.shape.SetSize, 2)
	for range size {
		plan.Workers = append(plan.Workers, arena.WorkerPlan{Histograms: len(s.shape.Metrics)})
	}
	var err error
	if s.arena, err = arena.New(plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.arena.Close() })
	s.workers = make([]work.Worker, size)
	s.furnish(t)
	// A worker keeps its processor also where it waits in the kernel.
	before := runtime.GOMAXPROCS(size + runtime.NumCPU())
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	for i := range s.workers {
		go s.work(t, i)
	}
	for range s.workers {
		<-s.parked
	}
	t.Cleanup(func() { s.stop(t) })
	close(s.release)
	return s
}

// furnish gives the workers what their kind's shape says.
func (s *set) furnish(t *testing.T) {
	t.Helper()
	fds := open(t, &s.shape)
	for i := range s.workers {
		w := &s.workers[i]
		w.Bind(s.arena, i, len(s.shape.Metrics), twoNodes())
		w.Position, w.Seed = i%s.shape.SetSize, uint64(i+1)
		w.Region = s.arena.Region(0) // who works alone has none
		w.Peers = [][2]int{{0, len(s.workers)}}
		w.FDs = fds(i)
		if f := s.shape.Opens.File; f != nil {
			w.FileBytes = f.Bytes
		}
		if s.shape.MemoryBytes == 0 {
			continue
		}
		w.Pages = &work.PageCounter{}
		var err error
		if w.Memory, err = unix.Mmap(-1, 0, s.shape.MemoryBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Munmap(w.Memory) })
	}
}

// work is a worker's life. Its thread ends with it, since kinds change the
// class, the CPUs and the signals of theirs.
func (s *set) work(t *testing.T, i int) {
	runtime.LockOSThread()
	*s.arena.Block(i).TIDWord() = uint32(unix.Gettid())
	if p, ok := s.kind.(work.Preparer); ok {
		if errno := p.Prepare(&s.workers[i]); errno != 0 {
			t.Errorf("worker %d: preparing its work: %v (%s)", i, errno, s.arena.Block(i).Text())
		}
	}
	s.parked <- struct{}{}
	<-s.release
	s.workers[i].Run(s.kind)
	s.done <- struct{}{}
}

// iterations is how many all of them have done.
func (s *set) iterations() (n uint64) {
	for i := range s.workers {
		n += s.arena.Record(i, 0).Iterations()
	}
	return n
}

// await waits until a condition holds, and says whether it came to that.
func (s *set) await(holds func() bool) bool {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(progressTimeout); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// stop ends the workers, once, and says which of them had left of themselves.
func (s *set) stop(t *testing.T) {
	t.Helper()
	if s.stopped {
		return
	}
	s.stopped = true
	s.arena.Control().Stop()
	for range s.workers {
		<-s.done
	}
	for i := range s.workers {
		if b := s.arena.Block(i); b.Stage() != arena.StageStopped {
			t.Errorf("worker %d is at stage %s: %s", i, b.Stage(), b.Text())
		}
	}
}

// open opens what workers of a kind have open, and tells the descriptors of each.
func open(t *testing.T, shape *work.Shape) func(position int) [work.MaxFDs]int {
	t.Helper()
	keep := func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	var fds [work.MaxFDs]int
	switch o := &shape.Opens; {
	case o.Ring:
		return ring(t, shape.SetSize)
	case o.Epoll:
		fds[1] = keep(unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK))
		fds[0] = keep(unix.EpollCreate1(unix.EPOLL_CLOEXEC))
		if err := unix.EpollCtl(fds[0], unix.EPOLL_CTL_ADD, fds[1], &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fds[1])}); err != nil {
			t.Fatal(err)
		}
	case o.File != nil:
		dir := t.TempDir()
		return func(position int) (own [work.MaxFDs]int) {
			own[0] = keep(unix.Open(filepath.Join(dir, "scratch"+string(rune('a'+position))), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|o.File.Flags, 0o600))
			if err := unix.Ftruncate(own[0], o.File.Bytes); err != nil {
				t.Fatal(err)
			}
			return own
		}
	case o.Packets:
		ends := datagrams(t, keep)
		return func(position int) (own [work.MaxFDs]int) {
			own[0] = ends[min(position, 1)]
			return own
		}
	case o.Leaves > 0 || o.Cgroup != "":
		for n := range max(o.Leaves, 1) { // what moves a task to a cgroup would move this process
			fds[n] = keep(unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0))
		}
	}
	return func(int) [work.MaxFDs]int { return fds }
}

// ring is a pipe from each worker to the next.
func ring(t *testing.T, size int) func(position int) [work.MaxFDs]int {
	t.Helper()
	own := make([][work.MaxFDs]int, size)
	for i := range size {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = unix.Close(ends[0]), unix.Close(ends[1]) })
		own[(i+1)%size][0], own[i][1] = ends[0], ends[1]
	}
	return func(position int) [work.MaxFDs]int { return own[position] }
}

// datagrams are two sockets that send to each other, in place of a network's ends. As there, what
// nobody reads is lost, and a read waits for 100 ms at most.
func datagrams(t *testing.T, keep func(int, error) int) [2]int {
	t.Helper()
	var ends [2]int
	var names [2]unix.Sockaddr
	for i := range ends {
		ends[i] = keep(unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0))
		if err := unix.Bind(ends[i], &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetsockoptTimeval(ends[i], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
			t.Fatal(err)
		}
		var err error
		if names[i], err = unix.Getsockname(ends[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range ends {
		if err := unix.Connect(ends[i], names[1-i]); err != nil {
			t.Fatal(err)
		}
	}
	return ends
}
