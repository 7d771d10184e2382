// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// nobody is a user without rights.
const nobody = 65534

// privileged skips a test that needs root's rights.
func privileged(t *testing.T) {
	t.Helper()
	if unix.Geteuid() != 0 {
		t.Skip("only root may raise its priority")
	}
}

// unprivileged takes the rights of the calling thread away.
func unprivileged(t *testing.T) {
	t.Helper()
	var nice, realtime unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NICE, &nice) != nil || unix.Getrlimit(unix.RLIMIT_RTPRIO, &realtime) != nil || nice.Cur > 0 || realtime.Cur > 0 {
		t.Skip("the limits on nice values and real-time priorities let everybody raise theirs")
	}
}

func become(t *testing.T) {
	if errno := sys.RawBecome(nobody, nobody); errno != 0 {
		t.Error(errno)
	}
}

func policyOf(t *testing.T, tid int) int {
	t.Helper()
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return int(attr.Policy)
}

func niceOf(t *testing.T, tid int) int {
	t.Helper()
	kernels, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - kernels
}

// Seen from outside: a worker is in each of the classes that it may enter and leave.
func TestPolicyChurn(t *testing.T) {
	privileged(t)
	for name, tc := range map[string]struct {
		iters  int64
		inside func(t *testing.T)
		want   []int
	}{
		"with all rights":  {1024, func(*testing.T) {}, []int{sys.PolicyOther, sys.PolicyFIFO, sys.PolicyRR, sys.PolicyBatch, sys.PolicyIdle}},
		"without rights":   {1024, become, []int{sys.PolicyOther, sys.PolicyBatch}},
		"without spinning": {0, become, []int{sys.PolicyOther, sys.PolicyBatch}},
	} {
		t.Run(name, func(t *testing.T) {
			unprivileged(t)
			r := newRig(t, &PolicyChurn{SpinIters: &tc.iters}, 1, nil)
			r.inside = func(int) { tc.inside(t) }
			r.after = func(int) {
				if p := policyOf(t, 0); p != sys.PolicyOther {
					t.Errorf("in the end its policy is %d", p)
				}
			}
			r.startAll()
			seen := map[int]bool{}
			r.await("all classes were seen", func() bool {
				seen[policyOf(t, r.arena.Block(0).TID())] = true
				return len(seen) >= len(tc.want)
			})
			r.passes(1000)
			r.stop()
			if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, tc.want) {
				t.Errorf("its policies were %v, want %v", got, tc.want)
			}
			if r.samples(0, 0) != r.arena.Record(0, 0).Iterations() || (r.units(0) > 0) != (tc.iters > 0) {
				t.Errorf("%d samples, %d units", r.samples(0, 0), r.units(0))
			}
		})
	}
}

func TestNiceSweep(t *testing.T) {
	privileged(t)
	r := newRig(t, &NiceSweep{}, 1, nil)
	r.inside = func(int) { // a group's nice value
		if errno := sys.RawSetNice(3); errno != 0 {
			t.Error(errno)
		}
	}
	r.after = func(int) {
		if nice := niceOf(t, 0); nice != 0 {
			t.Errorf("in the end its nice value is %d", nice)
		}
	}
	r.startAll()
	seen := map[int]bool{}
	r.await("all nice values were seen", func() bool {
		seen[niceOf(t, r.arena.Block(0).TID())] = true
		return len(seen) >= maxNice-minNice+1
	})
	r.passes(100)
	r.stop()
	if low, high := slices.Min(slices.Collect(maps.Keys(seen))), slices.Max(slices.Collect(maps.Keys(seen))); low != minNice || high != maxNice {
		t.Errorf("its nice values were %d to %d", low, high)
	}
	if n := r.arena.Record(0, 0).Iterations(); r.samples(0, 0) != n || r.units(0) < n*niceSpin {
		t.Errorf("%d samples and %d units in %d passes", r.samples(0, 0), r.units(0), n)
	}
}

// Nobody can sweep who may raise a nice value once and never lower it.
func TestNiceSweepWithoutRights(t *testing.T) {
	privileged(t)
	unprivileged(t)
	r := newRig(t, &NiceSweep{}, 1, nil)
	r.inside = func(int) { become(t) }
	if text := r.left(); !strings.Contains(text, "CAP_SYS_NICE") || !strings.HasSuffix(text, "permission denied") {
		t.Errorf("it left: %q", text)
	}
}
