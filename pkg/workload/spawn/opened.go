// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// opened is what a zygote has open for the workers it makes next.
type opened struct {
	// own are the descriptors of each worker, in the order of work.Worker.FDs; all
	// are those to be closed when the workers have them.
	own [][work.MaxFDs]int
	all []int
	// bytes is the size of the worker's file.
	bytes int64
}

// descriptorsOf is how many descriptors each worker of a kind has.
func descriptorsOf(shape *work.Shape) int {
	switch o := &shape.Opens; {
	case o.Ring, o.Epoll:
		return 2
	case o.File != nil, o.Packets, o.Cgroup != "":
		return 1
	default:
		return o.Leaves
	}
}

// open opens what the workers of a set share, or what one worker has. What keeps it
// from that is noted in the arena, or told in words where an errno says too little.
func (z *zygote) open(g *preparedGroup, s slot, o *opened) bool {
	err := z.tryOpen(g, s, o)
	if errno, ok := err.(sys.Errno); ok { //nolint:errorlint // x/sys/unix returns errnos as they are
		z.arena.Control().SetForkError(s.worker, arena.ForkOpens, errno)
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "%s groups[%d], worker %d: %v\n", zygoteSays, g.number, s.worker-g.bases.worker, err)
	}
	return err == nil
}

func (z *zygote) tryOpen(g *preparedGroup, s slot, o *opened) error {
	o.own, o.all = o.own[:0], o.all[:0]
	switch opens := &g.shape.Opens; {
	case opens.Ring:
		return z.openRing(g.shape.SetSize, o)
	case opens.Epoll:
		return z.openEpoll(g.shape.SetSize, o)
	case opens.File != nil:
		fd, bytes, err := openFile(z.plan.Scratch, opens.File)
		o.bytes = bytes
		return z.keep(fd, err, o)
	case opens.Packets:
		fd, err := openPackets(z.network, s.link, s.position)
		return z.keep(fd, err, o)
	default:
		return nil
	}
}

// give tells a worker its descriptors.
func (o *opened) give(w *work.Worker, g *preparedGroup, position int) {
	w.FileBytes = o.bytes
	switch {
	case len(o.own) == 0:
		w.FDs = g.shared
	case g.together:
		w.FDs = o.own[position]
	default:
		w.FDs = o.own[0]
	}
}

// keep moves a worker's one descriptor out of the way of those it arranges.
func (z *zygote) keep(fd int, err error, o *opened) error {
	high, err := z.openHigh(func() (int, error) { return fd, err })
	if err != nil {
		return err
	}
	o.own, o.all = append(o.own, [work.MaxFDs]int{high}), append(o.all, high)
	return nil
}

// openRing makes a pipe from each worker to the next.
func (z *zygote) openRing(size int, o *opened) error {
	for range size {
		o.own = append(o.own, [work.MaxFDs]int{})
	}
	for i := range size {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			return err
		}
		for e, fd := range ends {
			high, err := z.openHigh(func() (int, error) { return fd, nil })
			if err != nil {
				return err
			}
			o.all = append(o.all, high)
			o.own[(i+1-e)%size][e] = high // the next one reads, the worker itself writes
		}
	}
	return nil
}

// openEpoll makes an event counter and an epoll instance that watches it.
func (z *zygote) openEpoll(size int, o *opened) error {
	counter, err := z.openHigh(func() (int, error) { return unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) })
	if err != nil {
		return err
	}
	o.all = append(o.all, counter)
	instance, err := z.openHigh(func() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) })
	if err != nil {
		return err
	}
	o.all = append(o.all, instance)
	if err := unix.EpollCtl(instance, unix.EPOLL_CTL_ADD, counter, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(counter)}); err != nil {
		return err
	}
	for range size {
		o.own = append(o.own, [work.MaxFDs]int{instance, counter})
	}
	return nil
}

// close closes what the workers have by now.
func (o *opened) close() {
	for _, fd := range o.all {
		_ = unix.Close(fd)
	}
	o.all = o.all[:0]
}

// openShared opens what all workers of a group share: cgroups to write to.
func (z *zygote) openShared(g *preparedGroup) error {
	for n, at := range g.plan.Enters {
		fd, err := z.openHigh(func() (int, error) {
			return unix.Openat(zygoteCgroupFD+at, "cgroup.procs", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		})
		if err != nil {
			return fmt.Errorf("group %d: opening cgroup.procs of its cgroup %d: %w%s", g.number, n, err, limitHint(err))
		}
		g.shared[n] = fd
		z.ownFD = max(z.ownFD, fd) // kinds that use it have no threads
	}
	return nil
}
