// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"cmp"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work/worktest"
)

const (
	// exact is for what is counted on both sides, in percent: they end a millisecond or two apart, of a second,
	// and more where the machine is busy.
	exact = 5
	// rough is for what a worker does once per pass, but now and then more or less often.
	rough = 15
	// duty is for CPU time in bursts: some ends late, and to wake and to fall asleep takes some.
	duty = 20
)

// Tracepoints of system calls.
const (
	callFutex    = "syscalls/sys_enter_futex"
	callYield    = "syscalls/sys_enter_sched_yield"
	callTgkill   = "syscalls/sys_enter_tgkill"
	callPriority = "syscalls/sys_enter_setpriority"
	callPolicy   = "syscalls/sys_enter_sched_setscheduler"
	callAffinity = "syscalls/sys_enter_sched_setaffinity"
	eventFork    = "sched/sched_process_fork"
	eventSignal  = "signal/signal_deliver"
)

// view is how a kind is checked from outside.
type view struct {
	// workers is 0 for one set.
	workers int
	// together puts all workers on one CPU.
	together bool
	points   []string
	// wrong says what is wrong with a worker, all says it of the run; nothing if it is right.
	wrong func(o *observed) string
	all   func(workers []observed, rep *report.Report) string
}

// views are by kind; the work is that of the kind's first example.
var views = map[string]view{
	"spinWait": {workers: 2, wrong: func(o *observed) string {
		return cmp.Or(
			near("CPU time in ns", uint64(o.cpu), uint64(o.CPU), exact),
			noMore("switches of its own will", o.voluntary, o.Iterations/100))
	}},
	"yieldHeavy": {workers: 2, together: true, points: []string{callYield}, wrong: func(o *observed) string {
		return cmp.Or(
			near("calls of sched_yield", o.calls[callYield], o.Iterations, exact),
			near("times on a CPU", o.runs, o.Voluntary+o.Involuntary, exact),
			atLeast("switches among two that yield to each other", o.voluntary+o.involuntary, o.calls[callYield]/4))
	}},
	"bursty":    {workers: 1, wrong: func(o *observed) string { return wrongBursts(o, 5*time.Millisecond, 15*time.Millisecond) }},
	"idleChurn": {workers: 1, wrong: func(o *observed) string { return wrongBursts(o, time.Millisecond, 6*time.Millisecond) }},
	"timerLatency": {workers: 1, wrong: func(o *observed) string {
		deadlines := uint64(time.Duration(o.Wall) / time.Millisecond) // its interval
		return cmp.Or(
			near("iterations", o.Iterations, deadlines, exact),
			// It does not sleep to a deadline that has passed.
			near("wakes", o.voluntary, deadlines, rough))
	}},
	"pipeIo": {wrong: func(o *observed) string {
		return cmp.Or(
			near("reads", o.reads, o.Iterations, exact),
			near("writes", o.writes, o.Iterations, exact),
			near("bytes read", o.readBytes, o.Iterations, exact),
			near("switches of its own will", o.voluntary, o.Voluntary, exact),
			atLeast("switches of its own will", o.voluntary, o.reads/4))
	}},
	"futexPingPong": {points: []string{callFutex}, wrong: func(o *observed) string {
		return cmp.Or(
			// One call of each pass wakes the partner; a worker whose turn it is not yet blocks in another.
			atLeast("futex calls", o.calls[callFutex], o.Iterations+o.voluntary*(100-exact)/100),
			noMore("futex calls", o.calls[callFutex], o.Iterations*(200+exact)/100),
			near("switches of its own will", o.voluntary, o.Voluntary, exact),
			atLeast("switches of its own will", o.voluntary, o.calls[callFutex]/8))
	}},
	"futexFanOut": {points: []string{callFutex}, wrong: func(o *observed) string {
		if o.Role == "waker" {
			return near("futex calls", o.calls[callFutex], o.Iterations, exact)
		}
		return cmp.Or(
			near("futex calls", o.calls[callFutex], o.Iterations, rough),
			atLeast("switches of its own will", o.voluntary, o.calls[callFutex]/8))
	}},
	"mutexContention": {points: []string{callFutex}, all: func(workers []observed, rep *report.Report) string {
		var calls, passes, switches uint64
		for i := range workers {
			o := &workers[i]
			calls, passes, switches = calls+o.calls[callFutex], passes+o.Iterations, switches+o.voluntary
		}
		waits := rep.Groups[0].Distributions[0].Histogram.Count()
		return cmp.Or(
			// Each wait is a call, and so is the wake of each release.
			near("futex calls", calls, passes+waits, rough),
			// Who waits for it blocks once.
			near("waits for the lock", waits, switches, rough))
	}},
	"forkExit": {workers: 2, points: []string{eventFork}, wrong: func(o *observed) string {
		return near("forks", o.calls[eventFork], o.Iterations, exact)
	}},
	"niceSweep": {workers: 1, points: []string{callPriority, callYield}, wrong: func(o *observed) string {
		const values, most = 40, 36 // a look each 2 ms hits nearly all of them
		for nice := range o.nices {
			if nice < -20 || nice > 19 {
				return fmt.Sprintf("it had the nice value %d", nice)
			}
		}
		if len(o.nices) < most {
			return fmt.Sprintf("it was seen with %d of %d nice values", len(o.nices), values)
		}
		return cmp.Or(
			near("calls of setpriority", o.calls[callPriority], o.Iterations, exact),
			near("calls of sched_yield", o.calls[callYield], o.Iterations, exact))
	}},
	"policyChurn": {workers: 1, points: []string{callPolicy}, wrong: func(o *observed) string {
		for _, class := range []int{sys.PolicyOther, sys.PolicyBatch, sys.PolicyIdle, sys.PolicyFIFO, sys.PolicyRR} {
			if !o.classes[class] {
				return fmt.Sprintf("it was seen in the classes %v, and not in %d", o.classes, class)
			}
		}
		return near("calls of sched_setscheduler", o.calls[callPolicy], o.Iterations, exact)
	}},
	"affinityChurn": {workers: 1, points: []string{callAffinity}, wrong: func(o *observed) string {
		if len(o.cpus) < 2 {
			return fmt.Sprintf("it was seen on the CPUs %v", o.cpus)
		}
		return cmp.Or(
			near("calls of sched_setaffinity", o.calls[callAffinity], o.Iterations, exact),
			near("migrations", o.moves, o.Migrations, exact))
	}},
	"pageFaultChurn": {workers: 1, wrong: func(o *observed) string {
		// Of 256 touches of 1024 pages, chosen at random, some hit a page again.
		const pages, touches = 1024, 256
		distinct := pages * (1 - math.Pow(1-1.0/pages, touches))
		return near("page faults", o.faults, uint64(distinct*float64(o.Iterations)), exact)
	}},
	"signalStorm": {points: []string{callTgkill, eventSignal}, wrong: func(o *observed) string {
		// Signals of which one is pending already are one with it.
		return atLeast("signals delivered", o.calls[eventSignal], o.calls[callTgkill]/1000)
	}, all: func(workers []observed, rep *report.Report) string {
		sent := workers[0].calls[callTgkill] + workers[1].calls[callTgkill]
		return near("signals sent", sent, rep.Groups[0].Counters["signals"], exact)
	}},
	"epollStorm": {wrong: func(o *observed) string {
		if o.Role == "producer" {
			return cmp.Or(
				near("bytes written", o.writeBytes, 8*o.writes, exact), // an event is 8 bytes
				near("writes", o.writes, o.WorkUnits, exact))
		}
		return near("bytes read", o.readBytes, 8*o.reads, rough) // one that another was faster to read has none
	}, all: func(workers []observed, rep *report.Report) string {
		var written, read uint64
		for i := range workers {
			o := &workers[i]
			written, read = written+o.writes, read+o.readBytes/8
		}
		return cmp.Or(
			near("events written", written, rep.Groups[0].Counters["eventsWritten"], exact),
			atLeast("reads", read, written/1000)) // one takes all events there are
	}},
}

// wrongBursts checks that a worker wants a CPU for a burst of each period, and sleeps once. Where others
// have the CPU, a part of the burst is spent waiting for it, and so is some time after a sleep.
func wrongBursts(o *observed, burst, period time.Duration) string {
	work := burst * time.Duration(o.Iterations)
	if most := work * (100 + duty) / 100; o.cpu > most {
		return fmt.Sprintf("it had a CPU for %v, and its bursts are %v", o.cpu, work)
	}
	if least := work * (100 - duty) / 100; o.cpu+o.delay < least {
		return fmt.Sprintf("it had a CPU for %v and waited for one for %v, and its bursts are %v", o.cpu, o.delay, work)
	}
	if took := period * time.Duration(o.Iterations); took > time.Duration(o.Wall)*101/100 {
		return fmt.Sprintf("it did %d passes of %v in %v", o.Iterations, period, time.Duration(o.Wall))
	}
	return near("sleeps", o.voluntary, o.Iterations, rough)
}

func atLeast(what string, got, want uint64) string {
	if got < want {
		return fmt.Sprintf("%s: %d, want %d at least", what, got, want)
	}
	return ""
}

func noMore(what string, got, want uint64) string {
	if got > want {
		return fmt.Sprintf("%s: %d, want %d at most", what, got, want)
	}
	return ""
}

// TestKindsFromOutside compares what kinds say of themselves with what the kernel says of them.
func TestKindsFromOutside(t *testing.T) {
	watchClosely(t)
	for kind, v := range views {
		t.Run(kind, func(t *testing.T) {
			needTracepoints(t, v.points)
			e := worktest.Examples(kind)[0]
			shape := e.Work(2).Shape()
			g := spec.Group{Work: e.Spec, Workers: max(v.workers, shape.SetSize)}
			if v.together {
				g.Affinity = &spec.Affinity{SingleCPU: &struct{}{}}
			}
			for try := 1; ; try++ {
				workers, rep := observe(t, g, v.points, shape.Dangerous)
				problem := v.problem(workers, rep)
				if problem == "" {
					return
				}
				if try == outsideTries {
					t.Errorf("%s\n%s", problem, summary(rep))
					return
				}
				t.Logf("try %d: %s", try, problem)
			}
		})
	}
}

// problem is the first thing that is wrong.
func (v *view) problem(workers []observed, rep *report.Report) string {
	for i := range workers {
		if v.wrong == nil {
			break
		}
		if problem := v.wrong(&workers[i]); problem != "" {
			return fmt.Sprintf("worker %d, %s: %s", i, workers[i].Role, problem)
		}
	}
	if v.all == nil {
		return ""
	}
	return v.all(workers, rep)
}
