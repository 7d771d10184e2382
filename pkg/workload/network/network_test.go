// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// make makes a network that the test closes at its end, at the latest.
func makeNetwork(t *testing.T, sets int) *Network {
	t.Helper()
	n, err := New(sets)
	if errors.Is(err, unix.EPERM) {
		t.Skipf("a network needs CAP_SYS_ADMIN and CAP_NET_ADMIN: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.file.Close() })
	return n
}

// open opens a socket of a pair, for the length of the test.
func open(t *testing.T, n *Network, set, end int) int {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := OpenPackets(int(n.File().Fd()), set, end)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// link is what the kernel says of a link.
func link(t *testing.T, n *Network, name string) *netlink.LinkAttrs {
	t.Helper()
	type answer struct {
		link netlink.Link
		err  error
	}
	result := make(chan answer)
	go func() { // its thread, which it leaves locked, ends with it
		runtime.LockOSThread()
		before, err := os.Open(namespaceFile)
		if err == nil {
			defer before.Close()
			err = setns(int(n.File().Fd()))
		}
		if err != nil {
			result <- answer{nil, err}
			return
		}
		l, err := netlink.LinkByName(name)
		result <- answer{l, errors.Join(err, setns(int(before.Fd())))}
	}()
	got := <-result
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got.link.Attrs()
}

// frame is one of 60 bytes from the first end of a pair to the other.
func frame(content byte, etherType uint16) []byte {
	f := make([]byte, 60)
	copy(f, work.LinkAddresses[1][:])
	copy(f[6:], work.LinkAddresses[0][:])
	f[12], f[13], f[14] = byte(etherType>>8), byte(etherType), content
	return f
}

func TestFramesGoThroughTheirPairOnly(t *testing.T) {
	n := makeNetwork(t, 3)
	var ends [3][2]int
	for set := range ends {
		for end := range ends[set] {
			ends[set][end] = open(t, n, set, end)
		}
	}
	const frames = 5
	for i := range frames {
		if _, err := unix.Write(ends[1][0], frame(byte(i), work.FrameType)); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 100)
	for i := range frames {
		got, err := unix.Read(ends[1][1], buf)
		if err != nil || got != 60 || buf[14] != byte(i) {
			t.Errorf("frame %d: %d bytes, content %d, %v", i, got, buf[14], err)
		}
	}
	for set, end := range map[int]int{0: 1, 1: 0, 2: 1} {
		if got, err := unix.Read(ends[set][end], buf); !errors.Is(err, unix.EAGAIN) {
			t.Errorf("pair %d, end %d has %d bytes (%v), want none within the time limit", set, end, got, err)
		}
	}
	for name, want := range map[string][2]uint64{"pair1-0": {frames, 0}, "pair1-1": {0, frames}, "pair0-1": {}} {
		s := link(t, n, name).Statistics
		if got := [2]uint64{s.TxPackets, s.RxPackets}; got != want {
			t.Errorf("%s sent and received %v, want %v", name, got, want)
		}
	}
}

// What others may send on a link, such as the kernel for IPv6, is no wake of a worker.
func TestASocketHearsOurFramesOnly(t *testing.T) {
	n := makeNetwork(t, 1)
	sender, receiver := open(t, n, 0, 0), open(t, n, 0, 1)
	if _, err := unix.Write(sender, frame(1, work.FrameType+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(sender, frame(2, work.FrameType)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if _, err := unix.Read(receiver, buf); err != nil || buf[14] != 2 {
		t.Errorf("heard frame %d first, %v; want 2", buf[14], err)
	}
}

func TestTheLimitOfSets(t *testing.T) {
	n := makeNetwork(t, work.MaxPacketSets)
	last := link(t, n, linkName(work.MaxPacketSets-1, 1))
	if last.OperState != netlink.OperUp || string(last.HardwareAddr) != string(work.LinkAddresses[1][:]) {
		t.Errorf("the last link is %v with the address %v", last.OperState, last.HardwareAddr)
	}
	open(t, n, work.MaxPacketSets-1, 1)
	for _, sets := range []int{0, work.MaxPacketSets + 1} {
		if _, err := New(sets); err == nil || !strings.Contains(err.Error(), "1 to 64") {
			t.Errorf("%d sets: %v", sets, err)
		}
	}
}

// The machine's own network, and every thread that was lent, are as before.
func TestNothingIsLeftOfANetwork(t *testing.T) {
	outside := namespaces(t)
	n := makeNetwork(t, 2)
	open(t, n, 1, 0)
	for namespace, threads := range namespaces(t) {
		if outside[namespace] == 0 {
			t.Errorf("%d threads of this process are in %s, where none was before", threads, namespace)
		}
	}
	if n.handle == nil {
		t.Skip("this kernel (before Linux 6.18) cannot tell whether a namespace is still there")
	}
	if !n.there() {
		t.Error("the namespace is gone too early")
	}
	if err := n.Close(); err == nil || !strings.Contains(err.Error(), "something holds it") {
		t.Errorf("closing it under an open socket: %v", err)
	}
}

func TestANetworkGoesWithItsLastSocket(t *testing.T) {
	n := makeNetwork(t, 1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := OpenPackets(int(n.File().Fd()), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(fd); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if n.handle != nil && n.there() {
		t.Error("the namespace is still there")
	}
}

func TestASocketOnALinkThatIsNotThere(t *testing.T) {
	n := makeNetwork(t, 1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := own(t)
	if fd, err := OpenPackets(int(n.File().Fd()), 1, 0); fd != -1 || !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "pair1-0") {
		t.Errorf("descriptor %d, %v", fd, err)
	}
	if after := own(t); after != before {
		t.Errorf("the thread was in %s and is in %s", before, after)
	}
}

func own(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink(namespaceFile)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// namespaces counts the threads of this process by their network namespace.
func namespaces(t *testing.T) map[string]int {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, thread := range threads {
		if name, err := os.Readlink("/proc/self/task/" + thread.Name() + "/ns/net"); err == nil {
			found[name]++
		}
	}
	return found
}
