// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"math"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

const (
	// maxBuckets and maxCells bound the map of CPUs by time.
	maxBuckets = 250
	minBuckets = 50
	maxCells   = 30_000
)

// occupancy is which group was on which CPUs when: for each row and each bucket of time
// the group that used most of it.
type occupancy struct {
	rows    []cpuRow
	buckets int
	hold    int64
	cells   [][]cell
	// shares are how much each group used of the time of a row.
	shares [][]float64
	// cut is how many workers' logs end early, and CutAt when the first does.
	cut   int
	cutAt int64
	// unknown is how many workers do not say where they were.
	unknown int
}

// cell is a part of a row.
type cell struct {
	group int // -1 for nobody
	// level is how much of the time a CPU was used, from 1 to levels.
	level int
	vague bool
}

const levels = 3

// levelOf is the level of a part of a CPU's time.
func levelOf(used float64) int {
	switch {
	case used >= 0.6:
		return 3
	case used >= 0.2:
		return 2
	default:
		return 1
	}
}

func newOccupancy(rep *report.Report) *occupancy {
	o := &occupancy{rows: rowsOf(rep), hold: rep.Hold}
	for i := range rep.Workers {
		if end := rep.Workers[i].Ended; end != nil {
			o.hold = max(o.hold, *end)
		}
	}
	if len(o.rows) == 0 || o.hold <= 0 {
		return nil
	}
	o.buckets = max(min(maxCells/len(o.rows), maxBuckets), minBuckets)
	groups := map[string]int{}
	for i := range rep.Groups {
		groups[rep.Groups[i].Name] = i
	}
	t := newTally(len(o.rows), o.buckets, len(rep.Groups))
	rowOf := map[int]int{}
	for n := range o.rows {
		for _, cpu := range o.rows[n].cpus {
			rowOf[cpu] = n
		}
	}
	lists := parsed{}
	o.cutAt = math.MaxInt64
	for i := range rep.Workers {
		w := &rep.Workers[i]
		list, cutAt := lists.stays(rep, w)
		if len(list) == 0 {
			o.unknown++
		}
		if cutAt >= 0 {
			o.cut++
			o.cutAt = min(o.cutAt, cutAt)
		}
		for n := range list {
			o.enter(t, &list[n], groups[w.Group], rowOf)
		}
	}
	o.settle(t)
	return o
}

// tally adds up CPU time by row, bucket and group, in buckets.
type tally struct {
	used  []float64 // known where
	vague []float64
	at    func(row, bucket, group int) int
}

func newTally(rows, buckets, groups int) *tally {
	return &tally{
		used: make([]float64, rows*buckets*groups), vague: make([]float64, rows*buckets*groups),
		at: func(row, bucket, group int) int { return (row*buckets+bucket)*groups + group },
	}
}

func (o *occupancy) enter(t *tally, s *stay, group int, rowOf map[int]int) {
	into := t.used
	if s.vague() {
		into = t.vague
	}
	scale := float64(o.buckets) / float64(o.hold)
	from, to := max(float64(s.from)*scale, 0), min(float64(s.to)*scale, float64(o.buckets))
	for _, cpu := range s.cpus {
		row, known := rowOf[cpu]
		if !known {
			continue
		}
		each := s.weight / float64(len(s.cpus)) / float64(len(o.rows[row].cpus))
		for b := int(from); float64(b) < to; b++ {
			into[t.at(row, b, group)] += each * (min(to, float64(b+1)) - max(from, float64(b)))
		}
	}
}

// settle finds for each cell who used most of it.
func (o *occupancy) settle(t *tally) {
	groups := len(t.used) / (len(o.rows) * o.buckets)
	for row := range o.rows {
		cells := make([]cell, o.buckets)
		shares := make([]float64, groups)
		for b := range cells {
			best, all, most, vague := -1, 0.0, 0.0, 0.0
			for g := range groups {
				i := t.at(row, b, g)
				used := t.used[i] + t.vague[i]
				shares[g] += used / float64(o.buckets)
				all += used
				if used > most {
					best, most, vague = g, used, t.vague[i]
				}
			}
			cells[b] = cell{group: best, level: levelOf(all), vague: vague > most/2}
		}
		o.cells = append(o.cells, cells)
		o.shares = append(o.shares, shares)
	}
}
