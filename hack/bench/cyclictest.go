// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/schedfleet/schedfleet/hack/programs"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// cyclictest is the command.
type cyclictest struct{ path string }

// findCyclictest says why there is none.
func findCyclictest(ctx context.Context) (cyclictest, string) {
	path, err := programs.Find(ctx, "cyclictest")
	if err != nil {
		return cyclictest{}, err.Error()
	}
	return cyclictest{path}, ""
}

// histogramNS is how far its histogram reaches; longer latencies are counted there.
const histogramNS = 1_000_000

// args are those of a run like ours: it leaves the machine's power management
// alone (--laptop) and does not lock its memory.
func (c cyclictest) args(cpu int, jsonPath string) []string {
	return []string{
		"--quiet", "--laptop", "--nsecs", "--threads=1", "--affinity=" + strconv.Itoa(cpu),
		"--policy=fifo", "--priority=" + strconv.Itoa(timerPriority),
		"--interval=" + strconv.FormatInt(timerInterval.Microseconds(), 10), "--duration=" + strconv.Itoa(timerSeconds),
		"--histogram=" + strconv.Itoa(histogramNS), "--histfile=/dev/null", "--json=" + jsonPath,
	}
}

// run yields the percentiles 50 and 99 in µs.
func (c cyclictest) run(cpu int) runner {
	return func(ctx context.Context) ([]float64, error) {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
		path := filepath.Join(dir, "cyclictest.json")
		cmd := exec.CommandContext(ctx, c.path, c.args(cpu, path)...)
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("running cyclictest: %w: %s", err, bytes.TrimSpace(text))
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		h, err := parseCyclictest(text)
		if err != nil {
			return nil, fmt.Errorf("reading cyclictest's report: %w", err)
		}
		return p50and99(h), nil
	}
}

// parseCyclictest puts cyclictest's values into the bins that ours are in, so
// that both are rounded alike.
func parseCyclictest(text []byte) (*telemetry.Histogram, error) {
	var report struct {
		Thread map[string]struct {
			Histogram map[string]uint64
			Cycles    uint64
			Max       uint64
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, err
	}
	thread, ok := report.Thread["0"]
	if !ok || len(thread.Histogram) == 0 {
		return nil, errors.New("it has no histogram of thread 0")
	}
	h := &telemetry.Histogram{}
	for value, n := range thread.Histogram {
		ns, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return nil, err
		}
		h.Record(ns, n)
	}
	if beyond := thread.Cycles - min(thread.Cycles, h.Count()); beyond > 0 {
		h.Record(max(thread.Max, histogramNS), beyond)
	}
	return h, nil
}

// p50and99 are two percentiles in µs.
func p50and99(h *telemetry.Histogram) []float64 {
	return []float64{float64(h.Quantile(0.50)) / 1000, float64(h.Quantile(0.99)) / 1000}
}
