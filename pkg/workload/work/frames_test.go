// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/network"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// link is a network of one pair, with the descriptors of sockets on its ends.
func link(t *testing.T, ends int) (*network.Network, [][]int) {
	t.Helper()
	n, err := network.New(1)
	if errors.Is(err, unix.EPERM) {
		t.Skipf("a network needs CAP_SYS_ADMIN and CAP_NET_ADMIN: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.File().Close() })
	var fds [][]int
	for end := range ends {
		err := tried(func() error {
			fd, err := network.OpenPackets(int(n.File().Fd()), 0, end)
			fds = append(fds, []int{fd})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fds[end][0]) })
	}
	return n, fds
}

// frames are how many frames and bytes the kernel saw at the ends of a link: sent by the first,
// received by the other, and all that went the other way.
func frames(t *testing.T, n *network.Network) (sent, sentBytes, received, back uint64) {
	t.Helper()
	var text []byte
	err := tried(func() error {
		own, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		defer own.Close()
		if err := unix.Setns(int(n.File().Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		text, err = os.ReadFile("/proc/thread-self/net/dev")
		return errors.Join(err, unix.Setns(int(own.Fd()), unix.CLONE_NEWNET))
	})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		counters := strings.Fields(rest) // 8 of what it received, of which the first are bytes and frames, then what it sent
		number := func(i int) (n uint64) {
			if _, err := fmt.Sscan(counters[i], &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		switch name {
		case "pair0-0":
			sentBytes, sent = number(8), number(9)
		case "pair0-1":
			received, back = number(1), number(9)
		}
	}
	return sent, sentBytes, received, back
}

func TestNetTrafficSendsFrames(t *testing.T) {
	for name, tc := range map[string]struct {
		interval, bytes int
	}{
		"as fast as it can":    {0, 60},
		"one per millisecond":  {1, 1514},
		"of a size in between": {0, 777},
	} {
		t.Run(name, func(t *testing.T) {
			n, fds := link(t, 1)
			k := &work.NetTraffic{Interval: new(ms(tc.interval)), FrameBytes: int64(tc.bytes)}
			began := time.Now()
			f := start(t, k, 50, fds...).stop(t)[0]
			took := time.Since(began)
			sent, sentBytes, received, back := frames(t, n)
			if sent != f.WorkUnits || sentBytes != sent*uint64(tc.bytes) || received != sent || back != 0 || f.WorkUnits+f.Counters[0] != f.Iterations {
				t.Errorf("%d units and %d failures in %d passes; the kernel saw %d frames of %d bytes, %d received, %d sent back",
					f.WorkUnits, f.Counters[0], f.Iterations, sent, sentBytes, received, back)
			}
			if tc.interval > 0 && f.Iterations > uint64(took/time.Millisecond)+1 {
				t.Errorf("%d passes in %v with an interval of 1 ms", f.Iterations, took)
			}
		})
	}
}

func TestWhatIsInAFrame(t *testing.T) {
	_, fds := link(t, 2)
	c := start(t, &work.NetTraffic{Interval: new(ms(1)), FrameBytes: 70}, 2, fds[0])
	got := make([]byte, 100)
	n, err := unix.Read(fds[1][0], got)
	c.stop(t)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 70)
	copy(want, "\x02sfwl\x01\x02sfwl\x00\x88\xb5sfwl") // to, from, the type, the mark
	if diff := cmp.Diff(want, got[:n]); diff != "" {
		t.Errorf("frame (-want +got):\n%s", diff)
	}
}

func TestIRQWakeIsWokenByFrames(t *testing.T) {
	n, fds := link(t, 2)
	c := start(t, &work.IRQWake{Interval: ms(2), FrameBytes: 100}, 50, fds...)
	f := c.stop(t)
	sent, sentBytes, received, back := frames(t, n)
	if sent != f[0].WorkUnits || sentBytes != 100*sent || received != sent || back != 0 {
		t.Errorf("%d units of the sender; the kernel saw %d frames of %d bytes, %d received, %d sent back", f[0].WorkUnits, sent, sentBytes, received, back)
	}
	waits := c.arena.ReadHistogram(1, 0, 0)
	if f[1].WorkUnits > sent || f[1].WorkUnits+2 < sent || waits.Count() != f[1].WorkUnits || c.arena.ReadHistogram(0, 0, 0).Count() != 0 {
		t.Errorf("%d frames sent, the receiver has %d units and %d waits, the sender %d waits", sent, f[1].WorkUnits, waits.Count(), c.arena.ReadHistogram(0, 0, 0).Count())
	}
	// It contains the sender's interval.
	if half := waits.Quantile(0.5); half < 1_900_000 || half > 200_000_000 {
		t.Errorf("half of the waits were below %v, the interval is 2 ms", time.Duration(half))
	}
}

// A wait that is longer than the time limit of the socket is one wait.
func TestIRQWakeAcrossLongIntervals(t *testing.T) {
	_, fds := link(t, 2)
	c := &crew{kind: &work.IRQWake{Interval: ms(350), FrameBytes: 60}}
	hire(t, c, fds)
	c.passes(t, 3)
	f := c.stop(t)
	waits := c.arena.ReadHistogram(1, 0, 0)
	if waits.Max() < 340_000_000 || waits.Count() != f[1].WorkUnits || f[1].Iterations <= f[1].WorkUnits {
		t.Errorf("%d waits of up to %v, %d units, %d passes", waits.Count(), time.Duration(waits.Max()), f[1].WorkUnits, f[1].Iterations)
	}
}
