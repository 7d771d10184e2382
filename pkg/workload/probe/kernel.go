// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/network"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// thisKernel is the kernel this process runs on.
type thisKernel struct{}

// trySchedAttr begins with a thread of the normal class, whatever the caller's
// class is: from a real-time one much is allowed that is not allowed from there,
// which is where workers begin.
func (thisKernel) trySchedAttr(cpus cpuset.CPUSet, attr unix.SchedAttr) error {
	return onSleepingThread(func(tid int) error {
		was, err := unix.SchedGetAttr(tid, 0)
		if err != nil {
			return os.NewSyscallError("sched_getattr", err)
		}
		normal := unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: was.Nice}
		if err := unix.SchedSetAttr(tid, &normal, 0); err != nil {
			return os.NewSyscallError("sched_setattr to SCHED_NORMAL", err)
		}
		if err := moveTo(tid, cpus); err != nil {
			return err
		}
		if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
			return os.NewSyscallError("sched_setattr", err)
		}
		return os.NewSyscallError("sched_setattr back", unix.SchedSetAttr(tid, &normal, 0))
	})
}

// moveTo lets a thread use the CPUs, if there are any.
func moveTo(tid int, cpus cpuset.CPUSet) error {
	if cpus.IsEmpty() {
		return nil
	}
	return allowed.SetCPUs(tid, cpus)
}

func (thisKernel) tryMempolicy(mode, node int) error {
	words := make([]uint64, node/64+1)
	words[node/64] = 1 << (node % 64)
	result := make(chan error)
	go func() { // ends with the call; its thread, which it leaves locked, goes with it
		runtime.LockOSThread()
		var err error
		// The kernel takes one off the number of bits.
		if errno := sys.RawSetMempolicy(mode, words, uint64(node)+2); errno != 0 {
			err = os.NewSyscallError("set_mempolicy", errno)
		}
		result <- err
	}()
	return <-result
}

// onSleepingThread gives f a thread that does nothing but sleep, so that nothing
// ever runs as what f makes of it: a deadline task that has used its runtime up
// would have to wait for its next period.
func onSleepingThread(f func(tid int) error) error {
	tid, done := make(chan int), make(chan struct{})
	defer close(done)
	go func() { // ends with f; its thread, which it leaves locked, goes with it
		runtime.LockOSThread()
		tid <- unix.Gettid()
		<-done
	}()
	return f(<-tid)
}

// capabilities are the effective ones.
func (thisKernel) capabilities() (uint64, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // this version has two halves
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, os.NewSyscallError("capget", err)
	}
	return uint64(data[1].Effective)<<32 | uint64(data[0].Effective), nil
}

func (thisKernel) allowedCPUs() (cpuset.CPUSet, error) { return allowed.CPUs(0) }

func (thisKernel) allowedNodes() (cpuset.CPUSet, error) { return allowed.MemoryNodes() }

func (thisKernel) cgroupFiles(parent string) (map[string]bool, error) {
	return cgroup.ProbeFiles(parent)
}

func (thisKernel) tryNetwork() error { return network.Try() }

func (thisKernel) writable(path string) error {
	if err := unix.Access(path, unix.W_OK); err != nil {
		return &os.PathError{Op: "access", Path: path, Err: err}
	}
	return nil
}
