// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

func TestSpread(t *testing.T) {
	for name, tc := range map[string]struct {
		values []float64
		want   spread
	}{
		"one value is all of it":             {[]float64{3}, spread{3, 3, 3, 3, 3}},
		"order does not matter":              {[]float64{5, 1, 4, 2, 3}, spread{1, 2, 3, 4, 5}},
		"between two values it interpolates": {[]float64{1, 2, 3, 4}, spread{1, 1.75, 2.5, 3.25, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := spreadOf(tc.values); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestGoals(t *testing.T) {
	for name, tc := range map[string]struct {
		metric metric
		ratio  float64
		want   bool
		text   string
	}{
		"as quick as the other":        {metric{"", "", 0, 1}, 1, true, "at most 1.00"},
		"slower than the other":        {metric{"", "", 0, 1}, 1.01, false, "at most 1.00"},
		"nearly the other's rate":      {metric{"", "", 0.97, math.Inf(1)}, 0.97, true, "at least 0.97"},
		"more than the other's rate":   {metric{"", "", 0.97, math.Inf(1)}, 1.2, true, "at least 0.97"},
		"less than nearly its rate":    {metric{"", "", 0.97, math.Inf(1)}, 0.96, false, "at least 0.97"},
		"within five percent":          {metric{"", "", 0.95, 1.05}, 1.04, true, "0.95 to 1.05"},
		"too good to be the same":      {metric{"", "", 0.95, 1.05}, 0.9, false, "0.95 to 1.05"},
		"not within five percent, too": {metric{"", "", 0.95, 1.05}, 1.06, false, "0.95 to 1.05"},
		"whatever it is":               {metric{"", "", 0, math.Inf(1)}, 7, true, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.metric.met(tc.ratio); got != tc.want {
				t.Errorf("met is %t, want %t", got, tc.want)
			}
			if got := tc.metric.goal(); got != tc.text {
				t.Errorf("the goal reads %q, want %q", got, tc.text)
			}
		})
	}
}

// tell returns a side that writes its name down and yields the next of values.
func tell(said *string, name string, values ...float64) runner {
	return func(context.Context) ([]float64, error) {
		*said += name
		v := values[0]
		values = values[1:]
		return []float64{v}, nil
	}
}

func TestRoundsChangeTheirOrder(t *testing.T) {
	var said string
	c := comparison{name: "n", rounds: 3, metrics: []metric{{"m", "u", 0, 1}},
		ours: tell(&said, "A", 2, 4, 6), other: tell(&said, "B", 1, 2, 6, 4, 8, 8)}
	o, err := c.run(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if said != "ABBBBABBA" {
		t.Errorf("the order was %s, want ABBBBABBA", said)
	}
	// The second round begins with the control.
	want := [sideCount][]float64{{2, 4, 6}, {1, 4, 8}, {2, 6, 8}}
	if diff := cmp.Diff(want, o.values[0]); diff != "" {
		t.Errorf("the values differ (-want +got):\n%s", diff)
	}
	if ours, control := ratios(o.values[0], ourSide), ratios(o.values[0], controlSide); ours.min != 0.75 || control.max != 2 {
		t.Errorf("the ratios are %v, those of the control %v", ours, control)
	}
}

func TestEveryOrderIsDifferent(t *testing.T) {
	seen := map[[sideCount]int]bool{}
	for _, o := range orders {
		if o[0] == o[1] || o[1] == o[2] || o[0] == o[2] || seen[o] {
			t.Errorf("the order %v is there twice, or holds a side twice", o)
		}
		seen[o] = true
	}
}

func TestAFailedRunFailsTheComparison(t *testing.T) {
	lost := errors.New("lost")
	fail := func(context.Context) ([]float64, error) { return nil, lost }
	c := comparison{rounds: 1, metrics: []metric{{"m", "u", 0, 1}}, ours: fail, other: fail}
	if _, err := c.run(t.Context(), io.Discard); !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
}

func TestCyclictestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		text    string
		want    []float64
		wantErr string
	}{
		"values are spread over the bins": {`{"thread":{"0":{"histogram":{"100":98,"200":2},"cycles":100,"max":200}}}`, []float64{0.1, 0.2}, ""},
		"values beyond the histogram count at the maximum": {
			`{"thread":{"0":{"histogram":{"100":1},"cycles":3,"max":3600000000000}}}`, []float64{3.6e9, 3.6e9}, ""},
		"no thread":    {`{"thread":{}}`, nil, "no histogram"},
		"no JSON":      {`T: 0`, nil, "invalid character"},
		"no histogram": {`{"thread":{"0":{"cycles":3}}}`, nil, "no histogram"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := parseCyclictest([]byte(tc.text))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("got error %v, want one that says %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, p50and99(h)); diff != "" {
				t.Errorf("percentiles differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPage(t *testing.T) {
	r := results{
		machine: machine{cpus: cpuset.New(0, 1), model: "Some CPU", kernel: "6.18", virtual: true, load: "0.07"},
		when:    time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		compared: []outcome{
			{comparison: comparison{name: "done", against: "x.c", rounds: 2, metrics: []metric{{"m", "µs", 0, 1}}},
				values: [][sideCount][]float64{{{2, 3}, {1, 2}, {1, 4}}}, said: "A note."},
			{comparison: comparison{name: "left out", skip: "no gcc", metrics: []metric{{"m", "µs", 0, 1}}}},
		},
		figures: []figure{{name: "tasks", goal: "1", value: "1"}},
	}
	page := r.page()
	for _, want := range []string{
		"2026-11-23", "0.07: on a machine", "virtual machine with 2 CPUs to use (Some CPU), Linux 6.18",
		"| done, m | at most 1.00 | **1.750** | 1.500 | 1.625 | 1.875 | 2.000 | 2 | missed |",
		"| done, m | µs | 2.50 (2.00 to 3.00) | 1.50 (1.00 to 2.00) | x.c |", "A note.",
		"| control: x.c against itself |  | 1.500 | 1.000 | 1.250 | 1.750 | 2.000 | 2 |  |",
		"| left out | | skipped: no gcc |", "| tasks | 1 | 1 |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "{{") {
		t.Errorf("a figure was not put in: %.60q", page[strings.Index(page, "{{"):])
	}
	table := r.table()
	for _, want := range []string{"MISSED", "left out skipped: no gcc", "1 of 2 comparisons skipped", "tasks: 1 (goal 1)"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q:\n%s", want, table)
		}
	}
}

func TestPeersPrintNumbers(t *testing.T) {
	got, err := numbers("12 3.5\n7\n")
	if diff := cmp.Diff([][]float64{{12, 3.5}, {7}}, got); diff != "" || err != nil {
		t.Errorf("differs (-want +got), %v:\n%s", err, diff)
	}
	if _, err := numbers("twelve"); err == nil {
		t.Error("a word was taken for a number")
	}
}

func TestOneCPUIsNoPairOfCPUs(t *testing.T) {
	if _, apart, skip := (machine{cpus: cpuset.New(3, 5)}).pairings(); apart != (pairing{3, 5}) || skip != "" {
		t.Errorf("of CPUs 3 and 5: %v, skipped for %q", apart, skip)
	}
	if _, _, skip := (machine{cpus: cpuset.New(3)}).pairings(); skip == "" {
		t.Error("a pair on two CPUs is not skipped where there is one")
	}
}

func TestPartOfTheComparisonsMakesNoPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	for _, part := range [][2]string{{"nothing is called this", ""}, {"", "/nonexistent/schbench"}} {
		if err := run(t.Context(), io.Discard, part[0], page, part[1]); err == nil {
			t.Error("a page was written")
		}
	}
	if _, err := os.Stat(page); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a page: %v", err)
	}
}

func TestOurRunsAreNamed(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"spawn"}, {"spawn", "x"}, {"timer", "1"}, {"schbench", "99"}} {
		if _, err := oneRun(args); err == nil {
			t.Errorf("a run was made of %q", fmt.Sprint(args))
		}
	}
}
