// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/viewtest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// largest is the most that a report can hold.
var largest = viewtest.Size{Shape: "4n16l8c2t", Steps: 64, Workers: 6700, Moves: 3}

// maxPage is how large a page may be.
const maxPage = 5 << 20

func written(t *testing.T, rep *report.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, rep); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPagesAreBounded(t *testing.T) {
	for name, size := range map[string]viewtest.Size{
		"most workers and steps": largest,
		"most CPUs":              {Shape: "8n64l64c2t", Steps: 4, Workers: 2000, Moves: 4},
	} {
		t.Run(name, func(t *testing.T) {
			if n := len(written(t, viewtest.Report(size))); n > maxPage {
				t.Errorf("the page has %d bytes, more than %d", n, maxPage)
			}
		})
	}
}

// The drawings are well-formed, and everything in them is a number or a known class.
func TestDrawingsAreWellFormed(t *testing.T) {
	styles, err := style()
	if err != nil {
		t.Fatal(err)
	}
	zeros := viewtest.Report(viewtest.Small)
	for i := range zeros.Groups {
		g := &zeros.Groups[i]
		g.Distributions[0].Histogram.Record(0, 1)
		for n := range g.Phases {
			g.Phases[n].Figures = report.Figures{Wall: 1}
		}
	}
	for name, rep := range map[string]*report.Report{
		"steps": viewtest.Report(viewtest.Small), "zeros": zeros, "void": viewtest.Void(), "whole": viewtest.Whole(), "empty": {},
	} {
		t.Run(name, func(t *testing.T) {
			page := string(written(t, rep))
			for _, svg := range strings.SplitAfter(page, "</svg>") {
				_, svg, found := strings.Cut(svg, "<svg")
				if !found {
					continue
				}
				if text := malformed("<svg"+svg, string(styles)); text != "" {
					t.Error(text)
				}
			}
		})
	}
}

func malformed(svg, styles string) string {
	in := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return ""
		}
		if err != nil {
			return fmt.Sprintf("%v in %.200s", err, svg)
		}
		element, is := token.(xml.StartElement)
		if !is {
			continue
		}
		for _, a := range element.Attr {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Value, "ZgotmplZ") {
				return fmt.Sprintf("%s has %s=%q", element.Name.Local, a.Name.Local, a.Value)
			}
			if a.Name.Local != "class" {
				continue
			}
			for class := range strings.FieldsSeq(a.Value) {
				if class != "label" && !strings.Contains(styles, "."+class) {
					return fmt.Sprintf("nothing is said of class %s", class)
				}
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for name, tc := range map[string]struct {
		scale scale
		want  string
	}{
		"a short span":            {scale{high: 8}, "[0 2 4 6 8]"},
		"a fraction":              {scale{high: 0.31}, "[0 0.1 0.2 0.3]"},
		"nothing":                 {scale{}, "[0]"},
		"within a decade":         {scale{low: 3, high: 30, log: true}, "[5 10 20]"},
		"some decades":            {scale{low: 1, high: 1e3, log: true}, "[1 3 10 30 100 300 1000]"},
		"many decades, every few": {scale{low: 1, high: 1e12, log: true}, "[1 100 1e+04 1e+06 1e+08 1e+10 1e+12]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprintf("%.4g", tc.scale.ticks()); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// Where a worker was follows from its log as far as that goes, and from there on from
// what is known of each step.
func TestStays(t *testing.T) {
	rep := &report.Report{Hold: 100, Steps: []report.Step{{Start: 10, End: 50}, {Start: 60, End: 100}}}
	log := []report.Migration{{At: 20, From: 1, To: 2}, {At: 40, From: 2, To: 3}}
	for name, tc := range map[string]struct {
		worker report.Worker
		want   string
		cutAt  int64
	}{
		"it never moved":               {report.Worker{Figures: report.Figures{CPUs: "4"}}, "0-100 [4]", -1},
		"it began late and left early": {report.Worker{Began: new(int64(5)), Ended: new(int64(70)), Figures: report.Figures{CPUs: "4"}}, "5-70 [4]", -1},
		"all of its log is there": {
			report.Worker{Figures: report.Figures{Migrations: 2, CPUs: "1-3"}, MigrationLog: log}, "0-20 [1], 20-40 [2], 40-100 [3]", -1,
		},
		"its log was cut": {
			report.Worker{Figures: report.Figures{Migrations: 9, CPUs: "1-3"}, MigrationLog: log}, "0-20 [1], 20-40 [2], 40-100 [1 2 3]", 40,
		},
		"its log was cut, and each step says more": {
			report.Worker{Figures: report.Figures{Migrations: 9, CPUs: "1-3"}, MigrationLog: log, Phases: []report.Phase{
				{Step: 0, Figures: report.Figures{CPUs: "1-3"}}, {Step: 1, Figures: report.Figures{CPUs: "2"}},
			}}, "0-20 [1], 20-40 [2], 40-50 [1 2 3], 50-60 [1 2 3], 60-100 [2]", 40,
		},
		"it has no log": {report.Worker{Figures: report.Figures{Migrations: 9, CPUs: "0-1"}}, "0-100 [0 1]", 0},
		"a program":     {report.Worker{}, "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			list, cutAt := parsed{}.stays(rep, &tc.worker)
			var got []string
			for _, s := range list {
				got = append(got, fmt.Sprintf("%d-%d %v", s.from, s.to, s.cpus))
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, ", ")); diff != "" || cutAt != tc.cutAt {
				t.Errorf("cut at %d, want %d; (-want +got):\n%s", cutAt, tc.cutAt, diff)
			}
		})
	}
}

// A CPU belongs to the group that used most of it, and how strongly it is drawn says how much.
func TestOccupancy(t *testing.T) {
	worker := func(group, cpus string, from, to, cpu int64) report.Worker {
		return report.Worker{Group: group, Began: &from, Ended: &to, Figures: report.Figures{CPUs: cpus, Wall: to - from, CPU: cpu, Migrations: uint64(len(cpus) - 1)}}
	}
	group := func(name, cpus string) report.Group {
		return report.Group{Name: name, Figures: report.Figures{CPUs: cpus}}
	}
	rep := &report.Report{
		Hold: 1000, Groups: []report.Group{group("a", "0"), group("b", "0-2")},
		Workers: []report.Worker{worker("a", "0", 0, 1000, 900), worker("b", "0", 0, 1000, 50), worker("b", "1", 500, 1000, 200), worker("b", "1-2", 0, 500, 100)},
	}
	o := newOccupancy(rep)
	half := o.buckets / 2
	got := []cell{o.cells[0][3], o.cells[1][half+3], o.cells[1][3], o.cells[2][half+3]}
	want := []cell{{group: 0, level: 3}, {group: 1, level: 2}, {group: 1, level: 1, vague: true}, {group: -1, level: 1}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(cell{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if math.Abs(o.shares[0][0]-0.9) > 0.01 || o.cut != 1 || o.unknown != 0 {
		t.Errorf("group a had %v of CPU 0; %d logs were cut; %d workers are unknown", o.shares[0][0], o.cut, o.unknown)
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string]string{"WakeLatency": "Wake latency", "CPUShare": "CPU share", "MaxGap": "Max gap", "IOPressure": "IO pressure", "ThroughputCV": "Throughput CV"} {
		if got := words(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
