// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// passRows is how many passes of a check have a row of their own; all are counted.
const passRows = 4

// found is a reading with what it comes to, and by how much a limit is exceeded.
type found struct {
	reading
	verdict report.Verdict
	excess  float64
}

// seen is what a check has found: all of it counted, and the worst kept.
type seen struct {
	check  *spec.Check
	limits spec.Limits
	counts map[report.Verdict]int
	list   []found
	passes int // in the list
}

func (s *seen) add(r reading) {
	verdict, excess := r.weighed(s.limits)
	s.counts[verdict]++
	if verdict == report.Pass {
		if r.value == nil || s.passes == passRows {
			return
		}
		s.passes++
	}
	if s.list = append(s.list, found{r, verdict, excess}); len(s.list) > 4*report.MaxFindings {
		s.sort()
		s.list = s.list[:report.MaxFindings]
	}
}

// sort puts the worst first: by verdict, then by how far beyond the limit it is.
func (s *seen) sort() {
	slices.SortFunc(s.list, func(a, b found) int {
		return cmp.Or(-cmp.Compare(severity(a.verdict), severity(b.verdict)), -cmp.Compare(a.excess, b.excess), a.compare(&b.reading))
	})
}

// findings are those that were kept, the worst first.
func (s *seen) findings() []report.Finding {
	s.sort()
	var list []report.Finding
	for i := range s.list {
		list = append(list, s.list[i].finding(s.check, s.limits))
	}
	return list
}

func (s *seen) verdict() report.Verdict {
	worst := report.Skip
	for v := range s.counts {
		worst = Worst(worst, v)
	}
	return worst
}

// summary says what was found; findings are the worst of it.
func (s *seen) summary(findings []report.Finding) string {
	total := 0
	for _, n := range s.counts {
		total += n
	}
	worst := s.verdict()
	switch {
	case worst == report.Fail:
		return fmt.Sprintf("%d of %d failed: %s", s.counts[worst], total, findings[0].Message)
	case worst == report.Inconclusive:
		return fmt.Sprintf("%d of %d could not be told: %s", s.counts[worst], total, findings[0].Message)
	case total == 1 && len(findings) == 1:
		return findings[0].Message
	}
	return fmt.Sprintf("all %d held", total)
}
