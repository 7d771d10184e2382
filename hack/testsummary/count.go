// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// counts is the outcome of one package.
type counts struct {
	passed, failed  int
	skips, failures []finding
}

var (
	// A line of t.Skip: "    file_test.go:12: the reason".
	logLine = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)
	// The last line of a ginkgo suite.
	ginkgoTally = regexp.MustCompile(`-- (\d+) Passed \| (\d+) Failed \| (\d+) Pending \| (\d+) Skipped`)
	// What a ginkgo spec gave to Skip.
	ginkgoReason = regexp.MustCompile(`^  \[SKIPPED\] (.*)$`)
)

// count counts leaves: a test with subtests is only a heading, unless it
// failed while all of them passed.
func count(path string, p *pkg) counts {
	var c counts
	for name, t := range p.tests {
		if name == "" || (hasSubtests(p, name) && (t.action != "fail" || failedBelow(p, name))) {
			continue
		}
		if tally := ginkgoTally.FindStringSubmatch(t.output.String()); tally != nil {
			c.addSuite(path+" "+name, tally[1:], t)
			continue
		}
		switch t.action {
		case "pass":
			c.passed++
		case "skip":
			c.skips = append(c.skips, finding{path + " " + name, reason(t.output.String()), 1})
		default: // failed, or cut off when the package ended
			c.failed++
			c.failures = append(c.failures, finding{path + " " + name, "", 1})
		}
	}
	return c
}

// addSuite counts the specs of a ginkgo suite, which is one Go test.
func (c *counts) addSuite(name string, tally []string, t *testcase) {
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(tally[i]) // the pattern has digits only
	}
	c.passed += n[0]
	c.failed += n[1]
	switch {
	case n[1] > 0:
		c.failures = append(c.failures, finding{name, "specs, named above: " + tally[1], n[1]})
	case t.action == "fail":
		c.failed++
		c.failures = append(c.failures, finding{name, "the suite itself", 1})
	}
	c.addSkippedSpecs(name, n[2]+n[3], skippedSpecs(t.output.String()))
}

// addSkippedSpecs adds the n specs that did not run. A set-up that skips takes
// all its specs along, and ginkgo names only the first.
func (c *counts) addSkippedSpecs(suite string, n int, named []finding) {
	why := "no reason given"
	for _, f := range named[:min(n, len(named))] {
		c.skips = append(c.skips, finding{suite + " " + f.where, f.what, 1})
		if strings.HasPrefix(f.where, "[Before") {
			why = f.what
		}
	}
	if rest := n - len(named); rest > 0 {
		c.skips = append(c.skips, finding{fmt.Sprintf("%s %d more", suite, rest), why, rest})
	}
}

// skippedSpecs finds what ginkgo, when verbose, prints of a spec it skipped:
//
//	S [SKIPPED] [0.001 seconds]
//	the spec's text
//	/its/file_test.go:12
//
//	  [SKIPPED] the reason
//
// A pending one has no reason.
func skippedSpecs(output string) []finding {
	var specs []finding
	lines := strings.Split(output, "\n")
	for i, line := range lines[:max(0, len(lines)-1)] {
		switch m := ginkgoReason.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "S [SKIPPED]"):
			specs = append(specs, finding{strings.TrimSpace(lines[i+1]), "no reason given", 1})
		case strings.HasPrefix(line, "P [PENDING]"):
			specs = append(specs, finding{strings.TrimSpace(lines[i+1]), "pending", 1})
		case m != nil && len(specs) > 0 && specs[len(specs)-1].what == "no reason given":
			specs[len(specs)-1].what = m[1]
		}
	}
	return specs
}

func hasSubtests(p *pkg, name string) bool {
	for other := range p.tests {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

func failedBelow(p *pkg, name string) bool {
	for other, t := range p.tests {
		if strings.HasPrefix(other, name+"/") && t.action == "fail" {
			return true
		}
	}
	return false
}

// reason finds the last thing a skipped test logged.
func reason(output string) string {
	why := "no reason given"
	for line := range strings.Lines(output) {
		if m := logLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			why = m[1]
		}
	}
	return why
}
