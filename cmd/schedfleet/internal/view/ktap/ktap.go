// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package ktap writes a report in the kernel's test format, version 1, which is
// described in the kernel's Documentation/dev-tools/ktap.rst.
package ktap

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/cases"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// writer writes lines at a depth.
type writer struct {
	strings.Builder
	depth int
}

// Write writes a report as one test: the Workload. Its subtests are the validity and the
// checks, theirs what each check found.
func Write(w io.Writer, rep *report.Report) error {
	var out writer
	checks := cases.Of(rep)
	out.begin(1)
	out.note("run " + rep.RunID + " on " + cmp.Or(rep.Node, "this machine") + ", kernel " + rep.Kernel)
	if h := rep.Host; h != nil {
		out.note("machine " + h.Shape + ", fingerprint " + h.Digest)
	}
	out.depth++
	out.begin(len(checks))
	for i := range checks {
		out.check(i+1, &checks[i])
	}
	out.depth--
	for _, note := range rep.Notes {
		out.note("note: " + note)
	}
	out.result(1, cmp.Or(rep.Workload, rep.RunID), worst(checks), false, "")
	_, err := io.WriteString(w, out.String())
	return err
}

func (w *writer) check(number int, c *cases.Check) {
	w.depth++
	w.begin(len(c.Cases))
	for i := range c.Cases {
		k := &c.Cases[i]
		for _, text := range k.Details {
			w.note(text)
		}
		w.result(i+1, k.Name, k.Verdict, k.Expected, k.Message)
	}
	w.depth--
	verdict := c.Verdict
	for i := range c.Cases {
		verdict = worse(verdict, c.Cases[i].Verdict) // a test whose subtest failed has failed
	}
	w.result(number, c.Name, verdict, c.Expected, c.Message)
}

// worst is that of all checks: a test whose subtest failed has failed.
func worst(checks []cases.Check) report.Verdict {
	all := report.Skip
	for i := range checks {
		all = worse(all, checks[i].Verdict)
		for n := range checks[i].Cases {
			all = worse(all, checks[i].Cases[n].Verdict)
		}
	}
	return all
}

func worse(a, b report.Verdict) report.Verdict {
	for _, v := range []report.Verdict{report.Fail, report.Inconclusive, report.Pass} {
		if a == v || b == v {
			return v
		}
	}
	return report.Skip
}

func (w *writer) begin(tests int) {
	w.line("KTAP version 1")
	w.line(fmt.Sprintf("1..%d", tests))
}

func (w *writer) note(text string) {
	for line := range strings.Lines(text) {
		w.line("# " + plain(line))
	}
}

// result writes a result line. What is inconclusive is an error: nobody knows.
func (w *writer) result(number int, name string, verdict report.Verdict, expected bool, message string) {
	ok, directive := "ok", ""
	switch {
	case expected:
		directive = "XFAIL"
	case verdict == report.Fail:
		ok = "not ok"
	case verdict == report.Inconclusive:
		ok, directive = "not ok", "ERROR"
	case verdict == report.Skip:
		directive = "SKIP"
	default:
	}
	line := fmt.Sprintf("%s %d %s", ok, number, strings.ReplaceAll(plain(name), "#", "_"))
	if rest := strings.TrimSpace(directive + " " + plain(message)); rest != "" {
		line += " # " + rest
	}
	w.line(line)
}

// plain is a text on one line.
func plain(text string) string { return strings.Join(strings.Fields(text), " ") }

func (w *writer) line(text string) { w.WriteString(strings.Repeat("  ", w.depth) + text + "\n") }
