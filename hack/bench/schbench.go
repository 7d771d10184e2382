// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// How much is measured. With these it takes about eighteen minutes.
const (
	schbenchRounds  = 3
	schbenchSeconds = 10
)

// setup is a schbench with one parameter other than the default: the original's arguments, and ours.
type setup struct {
	args   string
	change func(k *work.Schbench)
}

var setups = []setup{
	{"-m 1 -t 2", func(*work.Schbench) {}},
	{"-m 2 -t 2", func(k *work.Schbench) { k.MessageThreads = 2 }},
	{"-m 1 -t 1", func(k *work.Schbench) { k.WorkerThreads = 1 }},
	{"-m 1 -t 4", func(k *work.Schbench) { k.WorkerThreads = 4 }},
	{"-t 2 -F 1024", func(k *work.Schbench) { k.CacheFootprint = 1 << 20 }},
	{"-t 2 -F 64", func(k *work.Schbench) { k.CacheFootprint = 64 << 10 }},
	{"-t 2 -n 1", func(k *work.Schbench) { *k.Operations = 1 }},
	{"-t 2 -n 20", func(k *work.Schbench) { *k.Operations = 20 }},
	{"-t 2 -s 0", func(k *work.Schbench) { *k.Sleep = 0 }},
	{"-t 2 -L", func(k *work.Schbench) { k.SkipLocking = true }},
	{"-t 2 -R 200", func(k *work.Schbench) { k.RequestsPerSecond = 200 }},
	{"-t 2 -p 4096", func(k *work.Schbench) { k.PipeTransfer = 4096 }},
}

// kind is ours: the original's defaults but for the setup.
func (s *setup) kind() *work.Schbench {
	k := &work.Schbench{
		MessageThreads: 1, WorkerThreads: 2, CacheFootprint: 256 << 10, Operations: new(int64(5)),
		Sleep: new(quantity.Duration(100 * time.Microsecond)),
	}
	s.change(k)
	return k
}

// schbenchComparisons compare with the original, built elsewhere. A latency has a goal where it is mostly
// computation; how quickly a thread runs that is woken says more of the machine.
func schbenchComparisons(program string) []comparison {
	near, nearly, free := [2]float64{0.95, 1.05}, [2]float64{0.8, 1.2}, [2]float64{0, math.Inf(1)}
	var list []comparison
	for i, s := range setups {
		c := comparison{name: "schbench " + s.args, against: "the original", rounds: schbenchRounds, ours: ourSchbench(i), other: original(program, s.args)}
		goals := []metric{
			{"requests", "1/s", near[0], near[1]},
			{"CPU time per request", "µs", near[0], near[1]},
			{"wakeup p50", "µs", free[0], free[1]}, {"wakeup p99", "µs", free[0], free[1]}, {"wakeup p99.9", "µs", free[0], free[1]},
			{"request p50", "µs", near[0], near[1]}, {"request p99", "µs", nearly[0], nearly[1]},
		}
		if s.kind().PipeTransfer > 0 {
			goals = goals[:5]
		}
		c.metrics = goals
		list = append(list, c)
	}
	return list
}

// ourSchbench yields requests per second, their CPU time in µs, and the percentiles of wakeups and requests in µs.
func ourSchbench(setup int) runner {
	return func(ctx context.Context) ([]float64, error) {
		var figures []float64
		err := runOurs(ctx, &figures, schbenchRunName, strconv.Itoa(setup))
		return figures, err
	}
}

const schbenchRunName = "schbench"

func schbenchRun(setup int) ([]float64, error) {
	if setup < 0 || setup >= len(setups) {
		return nil, fmt.Errorf("there is no setup %d", setup)
	}
	k := setups[setup].kind()
	run, err := resolve(1, work.Spec{Schbench: k})
	if err != nil {
		return nil, err
	}
	var requests uint64
	var cpu int64
	var wakeups, times telemetry.Histogram
	err = hold(run, schbenchSeconds, func(w spawn.Worker) error {
		whole := w.Whole()
		requests += whole.Figures.WorkUnits // only workers count any
		cpu += whole.Figures.CPU
		wakeups.Merge(whole.Histograms[0])
		times.Merge(whole.Histograms[1])
		return nil
	})
	rate := float64(requests) / schbenchSeconds
	if k.PipeTransfer > 0 {
		rate /= float64(k.WorkerThreads)
	}
	micros := func(h *telemetry.Histogram, q float64) float64 { return float64(h.Quantile(q)) / 1000 }
	figures := []float64{rate, float64(cpu) / 1000 / float64(requests), micros(&wakeups, 0.5), micros(&wakeups, 0.99), micros(&wakeups, 0.999)}
	if k.PipeTransfer == 0 {
		figures = append(figures, micros(&times, 0.5), micros(&times, 0.99))
	}
	return figures, err
}

// original yields the same of the original. It reports once, at its end. Its CPU time is that of the
// process, from its start.
func original(program, args string) runner {
	return func(ctx context.Context) ([]float64, error) {
		all := append(strings.Fields(args), "-r", strconv.Itoa(schbenchSeconds), "-i", "3600")
		cmd := exec.CommandContext(ctx, program, all...)
		text, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("running %s: %w: %s", program, err, bytes.TrimSpace(text))
		}
		figures, err := parseSchbench(string(text))
		if err != nil {
			return nil, fmt.Errorf("reading what %s %s printed: %w", program, args, err)
		}
		requests := figures[0] * schbenchSeconds
		if strings.Contains(args, "-p") {
			requests *= 2 // the rate is that of one of two workers
		}
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return slices.Insert(figures, 1, float64(cpu.Microseconds())/requests), nil
	}
}

var (
	schbenchRate       = regexp.MustCompile(`(?m)^(?:average rps:|avg worker transfer:) ([0-9.]+)`)
	schbenchPercentile = regexp.MustCompile(`([0-9.]+)th: +([0-9]+) `)
)

func parseSchbench(text string) ([]float64, error) {
	rate := schbenchRate.FindStringSubmatch(text)
	_, text, ok := strings.Cut(text, "Wakeup Latencies")
	if rate == nil || !ok {
		return nil, errors.New("it has no rate or no wakeups")
	}
	wakeups, rest, _ := strings.Cut(text, "Request Latencies")
	requests, _, _ := strings.Cut(rest, "RPS percentiles")
	found := []string{rate[1]}
	found = append(found, percentiles(wakeups, "50.0", "99.0", "99.9")...)
	found = append(found, percentiles(requests, "50.0", "99.0")...)
	figures := make([]float64, len(found))
	for i, f := range found {
		var err error
		if figures[i], err = strconv.ParseFloat(f, 64); err != nil {
			return nil, err
		}
	}
	return figures, nil
}

// percentiles are those of the wanted that a section has.
func percentiles(section string, wanted ...string) []string {
	var values []string
	for _, name := range wanted {
		for _, m := range schbenchPercentile.FindAllStringSubmatch(section, -1) {
			if m[1] == name {
				values = append(values, m[2])
			}
		}
	}
	return values
}
