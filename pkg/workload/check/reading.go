// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// reading is one figure of one worker, group or cgroup in one hold, or why there
// is none.
type reading struct {
	hold   *hold
	group  string
	worker *int
	cgroup string
	cpu    *int
	at     *int64

	// value is the figure, in the unit of the check's limits, and what is its name.
	value *float64
	what  string
	// verdict is set where no limit decides, and value, limit and why then say it for people.
	verdict    report.Verdict
	shown      string
	limit, why string
	// detail is added to the message, such as ", of 5 values".
	detail string
	// when is the end of a gap that began on the CPU.
	when *int64
}

// measured is a figure that the limits of the check decide on.
func measured(value float64, what, detail string) reading {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return unknown(what + " is not a number")
	}
	value = exact(value)
	return reading{value: &value, what: what, detail: detail}
}

// exact takes away what binary fractions add, so that 10% is 10% and not a bit more.
func exact(value float64) float64 {
	const digits = 12
	if value == math.Trunc(value) {
		return value
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', digits, 64), 64)
	if err != nil {
		return value
	}
	return rounded
}

// unknown is a figure that nobody can tell.
func unknown(why string) reading { return reading{verdict: report.Inconclusive, why: why} }

func held() reading { return reading{verdict: report.Pass} }

// of says whose reading it is.
func (r reading) of(w *worker) reading {
	r.worker = &w.row.Index
	return r
}

// weighed is what a reading comes to under limits, and by how much one is exceeded.
func (r *reading) weighed(limits spec.Limits) (report.Verdict, float64) {
	switch {
	case r.value == nil:
		return r.verdict, 0
	case limits.Max != nil && *r.value > *limits.Max:
		return report.Fail, ratio(*r.value, *limits.Max)
	case limits.Min != nil && *r.value < *limits.Min:
		return report.Fail, ratio(*limits.Min, *r.value)
	}
	return report.Pass, 0
}

// finding is what a check says of a reading.
func (r *reading) finding(c *spec.Check, limits spec.Limits) report.Finding {
	f := report.Finding{
		Check: c.Name, Metric: string(c.Metric), Step: r.hold.name, Group: r.group, Worker: copied(r.worker), Cgroup: r.cgroup, CPU: copied(r.cpu), At: copied(r.at),
	}
	f.Verdict, _ = r.weighed(limits)
	if r.value == nil {
		f.Value, f.Limit = r.shown, r.limit
		if r.why != "" {
			f.Message = r.where() + r.why
		}
		return f
	}
	unit, v := unitOf(c), *r.value
	f.Figure, f.Unit = r.value, unit.name
	limit, breaks := math.NaN(), ""
	switch {
	case limits.Max != nil && (f.Verdict == report.Pass || v > *limits.Max):
		f.Limit = c.MaxOrDefault()
		if f.Verdict != report.Pass {
			limit, breaks = *limits.Max, ", more than "+f.Limit
		}
	case limits.Min != nil:
		f.Limit = c.Min
		if f.Verdict != report.Pass {
			limit, breaks = *limits.Min, ", less than "+f.Limit
		}
	}
	f.Value = unit.text(v, limit)
	f.Message = r.where() + r.what + " is " + f.Value + breaks + r.detail
	if r.when != nil {
		f.Message += fmt.Sprintf(", from CPU %d on, until %v", *r.cpu, short(*r.when))
	}
	return f
}

// copied is a number of its own: that of a reading is the report's.
func copied[T any](n *T) *T {
	if n == nil {
		return nil
	}
	return new(*n)
}

// ratio orders failures by how bad they are.
func ratio(large, small float64) float64 {
	if small <= 0 {
		return math.MaxFloat64 / 2
	}
	return large / small
}

// where names the subject at the begin of a message.
func (r reading) where() string {
	if who := r.who(); who != "" {
		return who + ": "
	}
	return ""
}

// who names the subject.
func (r reading) who() string {
	var parts []string
	for _, part := range []struct{ kind, name string }{{"step", r.hold.name}, {"group", r.group}, {"cgroup", r.cgroup}} {
		if part.name != "" {
			parts = append(parts, part.kind+" "+part.name)
		}
	}
	if r.worker != nil {
		parts = append(parts, fmt.Sprintf("worker %d", *r.worker))
	}
	return strings.Join(parts, ", ")
}

// compare orders readings of one check by subject.
func (r *reading) compare(other *reading) int {
	number := func(n *int) int {
		if n == nil {
			return -1
		}
		return *n
	}
	return cmp.Or(cmp.Compare(r.hold.step, other.hold.step), cmp.Compare(r.group, other.group), cmp.Compare(number(r.worker), number(other.worker)),
		cmp.Compare(r.cgroup, other.cgroup), cmp.Compare(r.what, other.what), cmp.Compare(r.detail, other.detail), cmp.Compare(r.why, other.why))
}
