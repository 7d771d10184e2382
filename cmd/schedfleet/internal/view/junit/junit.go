// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package junit writes a report as the XML that CI systems read test results from.
package junit

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/cases"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

type counts struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Time     string `xml:"time,attr"`
}

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	counts
	Suites []suite `xml:"testsuite"`
}

type suite struct {
	Name string `xml:"name,attr"`
	counts
	Skipped    int        `xml:"skipped,attr"`
	Timestamp  string     `xml:"timestamp,attr"`
	Hostname   string     `xml:"hostname,attr"`
	Properties []property `xml:"properties>property"`
	Cases      []testCase `xml:"testcase"`
	Out        text       `xml:"system-out"`
	Err        text       `xml:"system-err"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Class   string  `xml:"classname,attr"`
	Name    string  `xml:"name,attr"`
	Time    string  `xml:"time,attr"`
	Skipped *result `xml:"skipped"`
	Error   *result `xml:"error"`
	Failure *result `xml:"failure"`
	Out     *text   `xml:"system-out"`
}

type result struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

type text struct {
	Text string `xml:",cdata"`
}

// Write writes a report as one test suite: what failed is a failure, what is inconclusive,
// and a void sample, an error.
func Write(w io.Writer, rep *report.Report) error {
	name := cmp.Or(rep.Workload, rep.RunID)
	s := suite{
		Name: name, Timestamp: rep.StartedAt.UTC().Format("2006-01-02T15:04:05"), Hostname: cmp.Or(rep.Node, "localhost"),
		Properties: properties(rep), Out: text{outline(rep)}, Err: text{strings.Join(rep.Notes, "\n")},
	}
	for _, c := range cases.Of(rep) {
		for i := range c.Cases {
			s.add(testCase{Class: name + "." + c.Name, Name: c.Cases[i].Name, Time: seconds(0)}, &c, &c.Cases[i])
		}
	}
	s.Cases[0].Time = seconds(rep.Hold) // the validity's: checks take no time of their own
	s.Time = seconds(rep.Hold)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	out := xml.NewEncoder(w)
	out.Indent("", "  ")
	if err := out.Encode(suites{Name: "schedfleet", counts: s.counts, Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *suite) add(t testCase, c *cases.Check, k *cases.Case) {
	s.Tests++
	says := strings.Join(append([]string{k.Message}, k.Details...), "\n")
	what := &result{Message: k.Message, Type: c.Metric, Text: says}
	switch k.Verdict {
	case report.Fail:
		s.Failures++
		t.Failure = what
	case report.Inconclusive:
		s.Errors++
		t.Error = what
	case report.Skip:
		s.Skipped++
		t.Skipped = &result{Message: k.Message}
	default:
		t.Out = &text{says}
	}
	s.Cases = append(s.Cases, t)
}

// properties say what was run where, so that results can be told apart without the report.
func properties(rep *report.Report) []property {
	list := []property{
		{"runID", rep.RunID}, {"verdict", string(rep.Verdict)}, {"kernel", rep.Kernel}, {"seed", fmt.Sprint(rep.Seed)},
		{"cloneMethod", rep.CloneMethod}, {"schema", fmt.Sprint(rep.Schema)},
	}
	if h := rep.Host; h != nil {
		list = append(list, property{"machine", h.Shape}, property{"fingerprint", h.Digest})
	}
	return list
}

// outline is what happened, for people who look into the results.
func outline(rep *report.Report) string {
	var b strings.Builder
	for i := range rep.Steps {
		s := &rep.Steps[i]
		fmt.Fprintf(&b, "step %s: held for %v", s.Name, time.Duration(s.End-s.Start))
		if s.Truncated != "" {
			fmt.Fprintf(&b, ", cut short: %s", s.Truncated)
		}
		b.WriteString("\n")
	}
	if rep.StepError != "" {
		b.WriteString(rep.StepError + "\n")
	}
	return b.String()
}

func seconds(ns int64) string { return fmt.Sprintf("%.3f", float64(ns)/1e9) }
