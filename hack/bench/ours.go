// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// oursCommand is the argument with which this program makes one run of ours. A
// run has a process of its own because the first spawn of a process is what a
// runner does, and later ones are cheaper.
const oursCommand = "ours"

// runOurs makes one run and decodes what it printed.
func runOurs(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{oursCommand}, args...)...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("our run of %v: %w", args, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("our run of %v printed %q: %w", args, text, err)
	}
	return nil
}

// ourSpawn yields the time per worker in µs.
func ourSpawn(workers int) runner {
	return func(ctx context.Context) ([]float64, error) {
		var ns int64
		err := runOurs(ctx, &ns, "spawn", strconv.Itoa(workers))
		return []float64{float64(ns) / 1000 / float64(workers)}, err
	}
}

// ourPair yields the hand-overs per second of one worker of a pair.
func ourPair(kind string, cpus pairing) runner {
	return func(ctx context.Context) ([]float64, error) {
		var rate float64
		err := runOurs(ctx, &rate, kind, strconv.Itoa(pingSeconds), strconv.Itoa(cpus[0]), strconv.Itoa(cpus[1]))
		return []float64{rate}, err
	}
}

// ourTimer yields the percentiles 50 and 99 in µs.
func ourTimer(cpu int) runner {
	return func(ctx context.Context) ([]float64, error) {
		var quantiles []float64
		err := runOurs(ctx, &quantiles, "timer", strconv.Itoa(timerSeconds), strconv.Itoa(cpu))
		return quantiles, err
	}
}

// parked is what a while of parked workers was.
type parked struct{ Workers, Tasks, Switches int }

// ours is the main function of a run: its kind and numbers in, one line of JSON out.
func ours(args []string) int {
	result, err := oneRun(args)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func oneRun(args []string) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("no run is named")
	}
	kind := args[0]
	var n []int
	for _, arg := range args[1:] {
		v, err := strconv.Atoi(arg)
		if err != nil {
			return nil, err
		}
		n = append(n, v)
	}
	switch {
	case kind == "spawn" && len(n) == 1:
		return spawnRun(n[0])
	case kind == "parked" && len(n) == 2:
		return parkedRun(n[0], n[1])
	case (kind == futexPingPong || kind == pipePingPong) && len(n) == 3:
		return pairRun(kind, n[0], pairing{n[1], n[2]})
	case kind == "timer" && len(n) == 2:
		return timerRun(n[0], n[1])
	case kind == schbenchRunName && len(n) == 1:
		return schbenchRun(n[0])
	}
	return nil, fmt.Errorf("there is no run %q", args)
}

// resolve makes a run of one group of workers. Without CPUs they run on all.
func resolve(workers int, w work.Spec, cpus ...int) (*spec.Resolved, error) {
	m, err := thisMachine()
	if err != nil {
		return nil, err
	}
	run := &spec.Run{
		Duration: quantity.Duration(time.Second),
		Groups:   []spec.Group{{Name: "bench", Workers: workers, CloneMode: spec.CloneModeFork, Work: w}},
	}
	resolved, err := run.Resolve(spec.Machine{CPUs: m.cpus})
	if err != nil {
		return nil, err
	}
	for _, cpu := range cpus {
		resolved.Groups[0].CPUs = append(resolved.Groups[0].CPUs, cpuset.New(cpu))
	}
	return resolved, nil
}

// hold spawns, lets the workers work for a time, and hands them to read.
func hold(run *spec.Resolved, seconds int, read func(spawn.Worker) error) error {
	ctx := context.Background()
	h, err := spawn.Spawn(ctx, spawn.Config{Run: run, Stderr: os.Stderr})
	if err != nil {
		return err
	}
	h.Start()
	h.Hold(ctx, time.Duration(seconds)*time.Second)
	h.Stop(nil)
	for w := range h.Workers {
		if !w.Exit.Clean() {
			err = errors.Join(err, fmt.Errorf("worker %d %s", w.Index, w.Exit))
		}
		err = errors.Join(err, read(w))
	}
	return errors.Join(err, h.Close())
}

func spawnRun(workers int) (int64, error) {
	run, err := resolve(workers, work.Spec{YieldHeavy: &work.YieldHeavy{}})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	h, err := spawn.Spawn(context.Background(), spawn.Config{Run: run, Stderr: os.Stderr})
	if err != nil {
		return 0, err
	}
	return time.Since(began).Nanoseconds(), h.Close()
}

func pairRun(kind string, seconds int, cpus pairing) (float64, error) {
	var zero int64
	w := work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: &zero}}
	if kind == pipePingPong {
		w = work.Spec{PipeIO: &work.PipeIO{BurstIters: &zero}}
	}
	run, err := resolve(2, w, cpus[0], cpus[1])
	if err != nil {
		return 0, err
	}
	var rate float64
	err = hold(run, seconds, func(w spawn.Worker) error {
		rate += perSecond(w.Whole().Figures.Iterations, w.Ended-w.Began) / 2
		return nil
	})
	return rate, err
}

// perSecond is the rate of n in a time in nanoseconds.
func perSecond(n uint64, ns int64) float64 { return float64(n) / time.Duration(ns).Seconds() }

func timerRun(seconds, cpu int) ([]float64, error) {
	run, err := resolve(1, work.Spec{TimerLatency: &work.TimerLatency{Interval: quantity.Duration(timerInterval)}}, cpu)
	if err != nil {
		return nil, err
	}
	run.Groups[0].Policy, run.Groups[0].Priority = fifo, timerPriority
	var quantiles []float64
	err = hold(run, seconds, func(w spawn.Worker) error {
		quantiles = p50and99(w.Whole().Histograms[0])
		return nil
	})
	return quantiles, err
}
