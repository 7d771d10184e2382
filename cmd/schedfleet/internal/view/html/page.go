// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"unicode"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/cases"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// page is what the templates are filled with.
type page struct {
	Style  template.CSS
	Script template.JS

	Title, Node, Started, RunID string
	Verdict                     verdict
	Headline                    string
	Reasons                     []fact
	Valid                       bool
	Validity                    string
	StepError                   string
	Facts                       []fact

	Checks   []checkRow
	Findings []findingRow

	Legend        []legend
	Map           *cpuMap
	Steps         []stepLine
	Series        []series
	StepColumns   []string
	StepRows      []stepRow
	Distributions []distribution
	Groups        []table
	Machine       *machine
	Cgroups       []table
	Host          []table
	Manifest      string
	Problems      []string
	Notes         []string
}

// verdict is a verdict with the sign that is beside it, so that it does not depend on colour.
type verdict struct{ Word, Sign, Class string }

func newVerdict(v report.Verdict) verdict {
	signs := map[report.Verdict]string{report.Fail: "✕", report.Inconclusive: "?", report.Pass: "✓", report.Skip: "–"}
	return verdict{Word: string(v), Sign: cmp.Or(signs[v], "–"), Class: strings.ToLower(string(v))}
}

// fact is a thing with its name.
type fact struct{ Name, Value, Title string }

// legend is a group with its colour.
type legend struct{ Name, Color string }

// table is rows below columns.
type table struct {
	Title   string
	Columns []string
	Rows    [][]string
	// Text columns come first: the others are figures, which stand on the right.
	Text int
}

// colors is how many colours there are for groups.
const colors = 8

func colorOf(group int) string { return fmt.Sprintf("g%d", group%colors) }

func newPage(rep *report.Report) (*page, error) {
	sample := check.Sample(rep)
	p := &page{
		Title: cmp.Or(rep.Workload, rep.RunID), Node: rep.Node, Started: rep.StartedAt.UTC().Format("2 January 2006, 15:04:05 UTC"), RunID: rep.RunID,
		Verdict: newVerdict(cmp.Or(rep.Verdict, report.Skip)), Headline: cases.Headline(rep), Reasons: reasonsOf(rep),
		Valid: sample.Valid, StepError: rep.StepError,
		Validity: sample.Message, Facts: factsOf(rep), Machine: newMachine(rep), Notes: rep.Notes, Problems: problemsOf(rep),
	}
	var err error
	if p.Style, err = style(); err != nil {
		return nil, err
	}
	if p.Script, err = script(); err != nil {
		return nil, err
	}
	if p.Manifest, err = manifestOf(rep); err != nil {
		return nil, err
	}
	if !sample.Valid {
		p.Validity = sample.Reason + ": " + sample.Message
	}
	p.judge(rep)
	p.Map = newCPUMap(rep)
	p.measure(rep)
	p.Groups, p.Cgroups, p.Host = groupTables(rep), cgroupTables(rep), hostTables(rep)
	return p, nil
}

// measure fills in the figures of groups.
func (p *page) measure(rep *report.Report) {
	for i := range rep.Groups {
		g := &rep.Groups[i]
		p.Legend = append(p.Legend, legend{g.Name, colorOf(i)})
		for n := range g.Distributions {
			p.Distributions = append(p.Distributions, newDistribution(rep, g, colorOf(i), &g.Distributions[n]))
		}
	}
	if len(rep.Steps) > 0 {
		p.Steps, p.Series, p.StepColumns, p.StepRows = stepLines(rep), newSeries(rep), stepColumns(), stepRows(rep)
	}
}

// factsOf are the facts that stand on top.
func factsOf(rep *report.Report) []fact {
	workers := 0
	for i := range rep.Groups {
		workers += rep.Groups[i].Workers
	}
	list := []fact{{"measured", duration(rep.Hold), fmt.Sprintf("planned %s", duration(rep.Planned))}}
	if n := len(rep.Steps); n > 0 {
		list = append(list, fact{"steps", fmt.Sprint(n), ""})
	}
	list = append(list, fact{"groups", fmt.Sprint(len(rep.Groups)), ""}, fact{"workers", figure.Count(uint64(workers)), ""})
	if h := rep.Host; h != nil {
		list = append(list, fact{"machine", h.Shape, "NUMA nodes, last-level caches, cores per cache, threads per core"})
	}
	return append(list, fact{"kernel", rep.Kernel, ""})
}

// maxReasons is of how many checks a finding stands beside the verdict.
const maxReasons = 5

// reasonsOf are the checks that the verdict comes from, each with its worst finding.
func reasonsOf(rep *report.Report) []fact {
	var list []fact
	more := map[string]int{}
	for _, f := range cases.Reasons(rep) {
		if more[f.Check]++; more[f.Check] == 1 && len(list) < maxReasons {
			list = append(list, fact{Name: f.Check, Value: f.Message})
		}
	}
	for i := range list {
		if n := more[list[i].Name] - 1; n > 0 {
			list[i].Value += fmt.Sprintf(" (and %d more)", n)
		}
	}
	return list
}

// checkRow and findingRow are rows of their tables.
type checkRow struct {
	Verdict                verdict
	Name, Metric, Message  string
	Expected               string
	Fail, Unknown, Passing string
}

type findingRow struct {
	Verdict                                          verdict
	Check, Step, About, Value, Limit, When, Sentence string
}

// judge fills in what the checks say.
func (p *page) judge(rep *report.Report) {
	for i := range rep.Checks {
		c := &rep.Checks[i]
		row := checkRow{Verdict: newVerdict(c.Verdict), Name: c.Name, Metric: words(string(c.Metric)), Message: c.Message,
			Fail: countOf(c, report.Fail), Unknown: countOf(c, report.Inconclusive), Passing: countOf(c, report.Pass)}
		if cases.ToFail(c) {
			row.Expected = "has to fail"
		}
		p.Checks = append(p.Checks, row)
	}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		row := findingRow{Verdict: newVerdict(f.Verdict), Check: f.Check, Step: cmp.Or(f.Step, figure.Absent), About: cmp.Or(strings.Join(cases.About(f), ", "), "run"),
			Value: cmp.Or(f.Value, figure.Absent), Limit: cmp.Or(f.Limit, figure.Absent), When: figure.Absent, Sentence: f.Message}
		if f.At != nil {
			row.When = duration(*f.At)
		}
		p.Findings = append(p.Findings, row)
	}
}

func countOf(c *report.Check, v report.Verdict) string {
	if n := c.Findings[v]; n > 0 {
		return fmt.Sprint(n)
	}
	return figure.Absent
}

// stepLine is a step in words.
type stepLine struct {
	Number              int
	Name, Hold, Planned string
	Truncated           string
	Ops                 []fact
	Groups, Frozen      string
}

func stepLines(rep *report.Report) []stepLine {
	var list []stepLine
	for i := range rep.Steps {
		s := &rep.Steps[i]
		line := stepLine{Number: i + 1, Name: s.Name, Hold: duration(s.End - s.Start), Planned: duration(s.Planned), Truncated: s.Truncated,
			Groups: strings.Join(s.Groups, ", "), Frozen: strings.Join(s.Frozen, ", ")}
		for n := range s.Ops {
			op := &s.Ops[n]
			text := strings.TrimSpace(op.Target + " " + op.Detail)
			when := fmt.Sprintf("at %s, took %s", duration(op.At), duration(op.Took))
			if op.Times > 1 {
				when += fmt.Sprintf(" in %d times", op.Times)
			}
			if op.Error != "" {
				when += ": " + op.Error
			}
			line.Ops = append(line.Ops, fact{op.Name, text, when})
		}
		list = append(list, line)
	}
	return list
}

func stepName(rep *report.Report, step int) string {
	if step >= 0 && step < len(rep.Steps) {
		return rep.Steps[step].Name
	}
	return fmt.Sprint(step + 1)
}

// maxProblems is of how many workers it is told why they did not complete, and
// maxManifest how long the manifest is that a page shows.
const (
	maxProblems = 50
	maxManifest = 64 << 10
)

func problemsOf(rep *report.Report) []string {
	var list []string
	more := 0
	for i := range rep.Workers {
		w := &rep.Workers[i]
		switch {
		case w.Completed:
		case len(list) < maxProblems:
			list = append(list, fmt.Sprintf("group %s, worker %d: %s", w.Group, w.Index, cmp.Or(w.Problem, w.Exit)))
		default:
			more++
		}
	}
	if more > 0 {
		list = append(list, fmt.Sprintf("and %d more workers", more))
	}
	return list
}

func manifestOf(rep *report.Report) (string, error) {
	if rep.Run == nil {
		return "", nil
	}
	text, err := json.MarshalIndent(rep.Run, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing what was asked for: %w", err)
	}
	if len(text) > maxManifest {
		return string(text[:maxManifest]) + "\n… the report has all of it", nil
	}
	return string(text), nil
}

// cut shortens a text to so many letters.
func cut(text string, letters int) string {
	if runes := []rune(text); len(runes) > letters {
		return string(runes[:max(letters-1, 0)]) + "…"
	}
	return text
}

// words writes a name such as WakeLatency in words.
func words(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte(' ')
			if i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
				r = unicode.ToLower(r)
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}
