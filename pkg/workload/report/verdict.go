// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/schedfleet/schedfleet/pkg/workload/spec"

// Verdict is what checks say.
type Verdict string

// The verdicts, the worst first.
const (
	Fail         Verdict = "Fail"
	Inconclusive Verdict = "Inconclusive"
	Pass         Verdict = "Pass"
	Skip         Verdict = "Skip"
)

// MaxFindings bounds the findings of a report.
const MaxFindings = 256

// Check is a check of the run, and what it says altogether.
type Check struct {
	spec.Check
	// Verdict is after Expect was looked at, which is empty for Pass.
	Verdict Verdict `json:"verdict"`
	// Findings counts what it found, by verdict.
	Findings map[Verdict]int `json:"findings,omitempty"`
	// Message is why it says so, in a sentence.
	Message string `json:"message,omitempty"`
}

// Finding is what a check found of one worker, group or cgroup in one step.
type Finding struct {
	Check   string  `json:"check"`
	Metric  string  `json:"metric"`
	Verdict Verdict `json:"verdict"`
	// Step is the name of the step, empty in a run without steps.
	Step   string `json:"step,omitempty"`
	Group  string `json:"group,omitempty"`
	Worker *int   `json:"worker,omitempty"`
	Cgroup string `json:"cgroup,omitempty"`
	CPU    *int   `json:"cpu,omitempty"`
	// Value and Limit are for people, such as 3.1s and 2s; Figure is the value as a
	// number in Unit, absent where it could not be told.
	Value  string   `json:"value,omitempty"`
	Limit  string   `json:"limit,omitempty"`
	Figure *float64 `json:"figure,omitempty"`
	Unit   string   `json:"unit,omitempty"`
	// At is when it happened, counted from the common start in ns.
	At *int64 `json:"atNanoseconds,omitempty"`
	// Message says it in a sentence.
	Message string `json:"message"`
}
