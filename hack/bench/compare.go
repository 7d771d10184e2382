// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"
)

// metric is a figure that both sides of a comparison yield.
type metric struct {
	name, unit string
	// low and high bound the ratio ours/other that is the goal.
	low, high float64
}

// runner makes one run and returns a value for each metric.
type runner func(ctx context.Context) ([]float64, error)

// comparison is a number of rounds, each of a run of ours, one of the other's,
// and one more of the other's.
type comparison struct {
	name    string
	against string
	rounds  int
	metrics []metric
	ours    runner
	other   runner
	// skip is why it cannot be done here; empty if it can.
	skip string
	// note measures what is to be said of our side alone.
	note func(ctx context.Context) (string, error)
}

// The sides of a round. The control is the other's again: its ratio to the
// other's would be 1 if nothing disturbed the runs, so its spread is what can be
// told here at all.
const (
	ourSide = iota
	otherSide
	controlSide
	sideCount
)

// orders are all that three runs can be made in; rounds go through them.
var orders = [][sideCount]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}, {2, 0, 1}, {1, 0, 2}}

// runTimeout bounds one run of one side.
const runTimeout = 2 * time.Minute

// outcome is what the rounds of a comparison gave, metric by metric.
type outcome struct {
	comparison
	values [][sideCount][]float64
	said   string
}

func (c *comparison) run(ctx context.Context, out io.Writer) (outcome, error) {
	r := outcome{comparison: *c, values: make([][sideCount][]float64, len(c.metrics))}
	if c.skip != "" {
		fmt.Fprintf(out, "%s: skipped: %s\n", c.name, c.skip)
		return r, nil
	}
	fmt.Fprintf(out, "%s, against %s: %d rounds ", c.name, c.against, c.rounds)
	sides := [sideCount]runner{c.ours, c.other, c.other}
	for round := range c.rounds {
		for _, side := range orders[round%len(orders)] {
			values, err := once(ctx, sides[side])
			if err != nil {
				return r, err
			}
			for m := range c.metrics {
				r.values[m][side] = append(r.values[m][side], values[m])
			}
		}
		fmt.Fprint(out, ".")
	}
	fmt.Fprintln(out)
	if c.note != nil {
		var err error
		if r.said, err = c.note(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

func once(ctx context.Context, side runner) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	return side(ctx)
}

// ratios are those of a side's values to the other's, round by round.
func ratios(values [sideCount][]float64, side int) spread {
	list := make([]float64, len(values[side]))
	for i := range list {
		list[i] = values[side][i] / values[otherSide][i]
	}
	return spreadOf(list)
}

// met says whether a ratio reaches the goal.
func (m metric) met(ratio float64) bool { return ratio >= m.low && ratio <= m.high }

func (m metric) goal() string {
	switch {
	case m.low == 0 && math.IsInf(m.high, 1):
		return "none"
	case m.low == 0:
		return fmt.Sprintf("at most %.2f", m.high)
	case math.IsInf(m.high, 1):
		return fmt.Sprintf("at least %.2f", m.low)
	default:
		return fmt.Sprintf("%.2f to %.2f", m.low, m.high)
	}
}
