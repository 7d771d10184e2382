// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxLine bounds one line of go test's output. A test that prints more on one
// line is broken.
const maxLine = 16 << 20

// event is one line of "go test -json" (see "go doc test2json" and
// "go help buildjson").
type event struct {
	Time       time.Time
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
	// FailedBuild is the ImportPath whose build failed, if one did.
	FailedBuild string
}

// testcase is what is known of one test or subtest.
type testcase struct {
	action string // pass, fail or skip; empty while it runs
	output strings.Builder
}

// pkg is one package under test. Its own output, outside any test, is that of
// the test case with the empty name.
type pkg struct {
	tests map[string]*testcase
}

// finding is a test worth naming at the end, or several with one fate.
type finding struct {
	where, what string
	n           int
}

func total(fs []finding) (n int) {
	for _, f := range fs {
		n += f.n
	}
	return n
}

type summary struct {
	out             io.Writer
	packages        map[string]*pkg
	builds          map[string]*strings.Builder
	first, last     time.Time
	passed, failed  int
	skips, failures []finding
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, packages: map[string]*pkg{}, builds: map[string]*strings.Builder{}}
}

// read consumes the events of one or more runs. Lines that are no event are
// passed on: go prints some errors of its own that way.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(s.out, lines.Text())
			continue
		}
		s.add(e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the output of go test: %w", err)
	}
	return nil
}

func (s *summary) add(e event) {
	if !e.Time.IsZero() {
		if s.first.IsZero() {
			s.first = e.Time
		}
		s.last = e.Time
	}
	if e.Package == "" {
		s.addBuild(e)
		return
	}
	p := s.packages[e.Package]
	if p == nil {
		p = &pkg{tests: map[string]*testcase{}}
		s.packages[e.Package] = p
	}
	t := p.tests[e.Test]
	if t == nil {
		t = &testcase{}
		p.tests[e.Test] = t
	}
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		t.action = e.Action
		if e.Test == "" {
			s.endPackage(e, p)
		}
	}
}

func (s *summary) addBuild(e event) {
	if e.Action != "build-output" {
		return
	}
	b := s.builds[e.ImportPath]
	if b == nil {
		b = &strings.Builder{}
		s.builds[e.ImportPath] = b
	}
	b.WriteString(e.Output)
}

// endPackage counts and shows a package whose result has come.
func (s *summary) endPackage(e event, p *pkg) {
	delete(s.packages, e.Package)
	c := count(e.Package, p)
	if e.Action == "fail" && c.failed == 0 {
		// It did not build, or ended outside any test.
		c.failed, c.failures = 1, []finding{{e.Package, "(the package itself)", 1}}
	}
	s.passed, s.failed = s.passed+c.passed, s.failed+c.failed
	s.skips = append(s.skips, c.skips...)
	s.failures = append(s.failures, c.failures...)
	if e.Action == "skip" || (c.passed+c.failed+len(c.skips) == 0) {
		return // no tests in it
	}
	verdict := "ok"
	if c.failed > 0 {
		verdict = "FAIL"
	}
	fmt.Fprintf(s.out, "%-4s  %s  %d passed, %d failed, %d skipped, %.1fs\n", verdict,
		e.Package, c.passed, c.failed, total(c.skips), e.Elapsed)
	if c.failed > 0 {
		if b := s.builds[e.FailedBuild]; b != nil {
			fmt.Fprint(s.out, b)
			delete(s.builds, e.FailedBuild) // once, however many depend on it
		}
		s.showFailure(p)
	}
}

// showFailure prints the output of the failed tests, and the package's own.
func (s *summary) showFailure(p *pkg) {
	for _, name := range slices.Sorted(maps.Keys(p.tests)) {
		if t := p.tests[name]; t.action != "pass" && t.action != "skip" {
			fmt.Fprint(s.out, t.output.String())
		}
	}
}

// close prints the findings and the counts, and tells whether all is well.
func (s *summary) close() bool {
	for _, path := range slices.Sorted(maps.Keys(s.packages)) {
		s.failed++
		s.failures = append(s.failures, finding{path, "(no result: the run was cut off)", 1})
		s.showFailure(s.packages[path])
	}
	s.list("Skipped:", s.skips)
	s.list("Failed:", s.failures)
	if s.passed+s.failed+len(s.skips) == 0 {
		fmt.Fprintln(s.out, "\nno test ran")
		return false
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped in %s\n",
		s.passed, s.failed, total(s.skips), s.last.Sub(s.first).Round(time.Second))
	return s.failed == 0
}

func (s *summary) list(title string, fs []finding) {
	if len(fs) == 0 {
		return
	}
	fmt.Fprintln(s.out, "\n"+title)
	slices.SortStableFunc(fs, func(a, b finding) int { return strings.Compare(a.where, b.where) })
	for _, f := range fs {
		fmt.Fprintf(s.out, "  %s", f.where)
		if f.what != "" {
			fmt.Fprintf(s.out, ": %s", f.what)
		}
		fmt.Fprintln(s.out)
	}
}
