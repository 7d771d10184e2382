// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The numbers of the worker pipeline's requirements.
const (
	requirementsPage = "../../docs/requirements.md"
	pipelineRules    = 191 // SP-001 on
	pipelineChanges  = 29  // DD-01 on
)

var (
	requirementRow = regexp.MustCompile(`^\| ((?:SP|DD)-\d+) \| (.*) \| (.*) \| (.*) \|$`)
	inBackquotes   = regexp.MustCompile("`([^`]+)`")
	testFunction   = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// Every requirement has a row, and every row says where it is met and by which
// test that is shown, or why it does not apply.
func TestRequirementsAreMetSomewhere(t *testing.T) {
	text, err := os.ReadFile(requirementsPage)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, s := range sources(t) {
		for _, m := range testFunction.FindAllStringSubmatch(s.text, -1) {
			tests[m[1]] = true
		}
	}
	rows := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		m := requirementRow.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		if rows[m[1]] {
			t.Errorf("%s has two rows", m[1])
		}
		rows[m[1]] = true
		for _, problem := range rowProblems(m[2], m[3], m[4], tests) {
			t.Errorf("%s: %s", m[1], problem)
		}
	}
	for number := range allRequirements() {
		if !rows[number] {
			t.Errorf("%s has no row", number)
		}
		delete(rows, number)
	}
	for number := range rows {
		t.Errorf("%s is no requirement", number)
	}
}

func allRequirements() map[string]bool {
	all := map[string]bool{}
	for n := range pipelineRules {
		all[fmt.Sprintf("SP-%03d", n+1)] = true
	}
	for n := range pipelineChanges {
		all[fmt.Sprintf("DD-%02d", n+1)] = true
	}
	return all
}

// rowProblems says what is wrong with a row: what is required, where it is met, the tests.
func rowProblems(what, where, shown string, tests map[string]bool) (problems []string) {
	if len(what) < 10 {
		problems = append(problems, "it does not say what is required")
	}
	if strings.HasPrefix(where, "does not apply: ") {
		if shown != "–" {
			problems = append(problems, "it does not apply and yet has a test")
		}
		return problems
	}
	places := inBackquotes.FindAllStringSubmatch(where, -1)
	if len(places) == 0 {
		problems = append(problems, "it names no file")
	}
	for _, p := range places {
		if _, err := os.Stat("../../" + p[1]); err != nil {
			problems = append(problems, fmt.Sprintf("there is no %s", p[1]))
		}
	}
	named := inBackquotes.FindAllStringSubmatch(shown, -1)
	if len(named) == 0 {
		problems = append(problems, "it names no test")
	}
	for _, n := range named {
		if !tests[n[1]] {
			problems = append(problems, fmt.Sprintf("there is no test %s", n[1]))
		}
	}
	return problems
}

func TestRowProblems(t *testing.T) {
	tests := map[string]bool{"TestX": true}
	for name, tc := range map[string]struct {
		what, where, shown string
		problems           int
	}{
		"a row as it should be":           {"workers are counted", "`docs/requirements.md`", "`TestX`", 0},
		"one that does not apply":         {"workers are counted", "does not apply: there is no pipe", "–", 0},
		"nothing required":                {"", "`docs/requirements.md`", "`TestX`", 1},
		"a file that is gone":             {"workers are counted", "`docs/gone.md`", "`TestX`", 1},
		"no file":                         {"workers are counted", "somewhere", "`TestX`", 1},
		"a test that is gone":             {"workers are counted", "`docs/requirements.md`", "`TestY`", 1},
		"no test":                         {"workers are counted", "`docs/requirements.md`", "by reading", 1},
		"a test for what does not apply":  {"workers are counted", "does not apply: there is no pipe", "`TestX`", 1},
		"a subtest is named by its table": {"workers are counted", "`docs/requirements.md`", "`TestX` (a row)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rowProblems(tc.what, tc.where, tc.shown, tests); len(got) != tc.problems {
				t.Errorf("%q, want %d problems", got, tc.problems)
			}
		})
	}
}
