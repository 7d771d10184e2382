// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package allowed

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

func TestMemoryNodes(t *testing.T) {
	for name, tc := range map[string]struct {
		status string
		want   string
		fails  bool
	}{
		"two nodes":                {"Name:\tx\nMems_allowed:\t3\nMems_allowed_list:\t0-1\nnonvoluntary_ctxt_switches:\t1\n", "0-1", false},
		"a kernel without cpusets": {"Name:\tx\n", "", false},
		"a list that is none":      {"Mems_allowed_list:\tmany\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := memoryNodes(tc.status)
			if (err != nil) != tc.fails || got.String() != tc.want {
				t.Errorf("got %q, %v; want %q, an error: %v", got, err, tc.want, tc.fails)
			}
		})
	}
}

func TestCPUs(t *testing.T) {
	runtime.LockOSThread() // so that the other thread is another
	defer runtime.UnlockOSThread()
	tid := make(chan int)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with the test; its thread, which it leaves locked, goes with it
		runtime.LockOSThread()
		tid <- unix.Gettid()
		<-done
	}()
	other := <-tid
	var r Reader
	before, err := r.CPUs(other)
	if err != nil || before.IsEmpty() {
		t.Fatal(before, err)
	}
	last := cpuset.New(before.List()[before.Size()-1])
	if err := SetCPUs(other, last); err != nil {
		t.Fatal(err)
	}
	for _, want := range []cpuset.CPUSet{last, last} { // the second time the set is shared
		if got, err := r.CPUs(other); err != nil || !got.Equals(want) {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if got, err := r.CPUs(0); err != nil || !got.Equals(before) {
		t.Errorf("this thread has %s, %v; want %s", got, err, before)
	}
	if err := SetCPUs(other, cpuset.New()); err == nil {
		t.Error("no CPUs were taken for a set")
	}
}
