// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"time"
)

// How much is measured. With these everything takes about ten minutes.
const (
	spawnWorkers  = 1000
	spawnRounds   = 18
	pingRounds    = 12
	pingSeconds   = 1
	timerRounds   = 12
	timerSeconds  = 10
	timerInterval = time.Millisecond
	timerPriority = 80
	parkedSeconds = 10
)

// comparisons lists them, in the order of the page.
func comparisons(ctx context.Context, m machine) []comparison {
	peers, noC := buildPeers(ctx)
	list := []comparison{{
		name: "spawn to ready", against: "fork_handshake.c", rounds: spawnRounds, skip: noC,
		metrics: []metric{{"per worker", "µs", 0, 1}},
		ours:    ourSpawn(spawnWorkers), other: peers.fork(spawnWorkers), note: zygoteShare,
	}}
	same, apart, noApart := m.pairings()
	for _, kind := range []string{futexPingPong, pipePingPong} {
		list = append(list, pingPong(peers, kind, "same CPU", same, noC), pingPong(peers, kind, "two CPUs", apart, cmp.Or(noC, noApart)))
	}
	return append(list, timerLatency(ctx, m))
}

func pingPong(peers peers, kind, where string, cpus pairing, skip string) comparison {
	return comparison{
		name: kind + ", " + where, against: kind + ".c", rounds: pingRounds, skip: skip,
		metrics: []metric{{"hand-overs per worker", "1/s", 0.97, math.Inf(1)}},
		ours:    ourPair(kind, cpus), other: peers.pair(kind, cpus),
	}
}

func timerLatency(ctx context.Context, m machine) comparison {
	var cyclic cyclictest
	skip := m.noRealTime()
	if skip == "" {
		cyclic, skip = findCyclictest(ctx)
	}
	return comparison{
		name: "timer latency", against: "cyclictest", rounds: timerRounds, skip: skip,
		metrics: []metric{{"p50", "µs", 0.95, 1.05}, {"p99", "µs", 0.95, 1.05}},
		ours:    ourTimer(m.timerCPU()), other: cyclic.run(m.timerCPU()),
	}
}

// zygoteShare says how much of our spawning is the zygote's start.
func zygoteShare(ctx context.Context) (string, error) {
	var times []float64
	for range spawnRounds {
		values, err := once(ctx, ourSpawn(1))
		if err != nil {
			return "", err
		}
		times = append(times, values[0])
	}
	s := spreadOf(times)
	return fmt.Sprintf("Of ours, %.1f ms (%.1f to %.1f) are the start of the zygote and the first worker: a spawn of one.",
		s.median/1000, s.min/1000, s.max/1000), nil
}

// figure is a figure of ours that has a goal of its own.
type figure struct{ name, goal, value string }

const parkedName = "parked workers"

// parkedFigures are those of workers that wait for the start.
func parkedFigures(ctx context.Context) ([]figure, error) {
	var p parked
	if err := runOurs(ctx, &p, "parked", strconv.Itoa(spawnWorkers), strconv.Itoa(parkedSeconds)); err != nil {
		return nil, err
	}
	return []figure{
		{fmt.Sprintf("context switches of %d parked workers in %d s", p.Workers, parkedSeconds), "0", strconv.Itoa(p.Switches)},
		{"kernel tasks of a fork worker", "1", fmt.Sprintf("%g", float64(p.Tasks)/float64(p.Workers))},
	}, nil
}
