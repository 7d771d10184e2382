// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package ktap

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/viewtest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func written(t *testing.T, rep *report.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, rep); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	for name, rep := range map[string]*report.Report{"steps": viewtest.Report(viewtest.Small), "void": viewtest.Void(), "whole": viewtest.Whole()} {
		t.Run(name, func(t *testing.T) {
			got := written(t, rep)
			file := filepath.Join("testdata", name+".ktap")
			want, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				if err := os.WriteFile(file+".got", []byte(got), 0o644); err != nil {
					t.Error(err)
				}
				t.Errorf("%s.got is not %s (-want +got):\n%s", file, file, diff)
			}
		})
	}
}

// test is a test as a reader of the format sees it.
type test struct {
	name, directive, data string
	ok                    bool
	sub                   []test
}

var (
	planLine   = regexp.MustCompile(`^1\.\.([0-9]+)$`)
	resultLine = regexp.MustCompile(`^(ok|not ok) ([0-9]+)(?: ([^#]*?))?(?: # (?:(SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b ?)?(.*))?$`)
)

// parse reads the tests that begin at a version line with an indentation, strictly: no
// unknown lines, with a plan, with numbers in order. It returns the lines behind them.
func parse(lines []string, indent string) ([]test, []string, error) {
	if len(lines) < 2 || lines[0] != indent+"KTAP version 1" {
		return nil, nil, fmt.Errorf("no version line at %q", lines)
	}
	plan := planLine.FindStringSubmatch(strings.TrimPrefix(lines[1], indent))
	if plan == nil {
		return nil, nil, fmt.Errorf("no plan: %q", lines[1])
	}
	planned, err := strconv.Atoi(plan[1])
	if err != nil {
		return nil, nil, err
	}
	lines = lines[2:]
	var list []test
	var sub []test
	for len(list) < planned && len(lines) > 0 {
		line, inside := strings.CutPrefix(lines[0], indent)
		switch {
		case !inside:
			return nil, nil, fmt.Errorf("not indented by %d: %q", len(indent), lines[0])
		case strings.HasPrefix(line, "# "):
			lines = lines[1:]
		case strings.HasPrefix(line, "  KTAP"):
			if sub, lines, err = parse(lines, indent+"  "); err != nil {
				return nil, nil, err
			}
		default:
			match := resultLine.FindStringSubmatch(line)
			if match == nil || match[2] != strconv.Itoa(len(list)+1) {
				return nil, nil, fmt.Errorf("not the result of test %d: %q", len(list)+1, line)
			}
			list = append(list, test{ok: match[1] == "ok", name: match[3], directive: match[4], data: match[5], sub: sub})
			lines, sub = lines[1:], nil
		}
	}
	if len(list) != planned {
		return nil, nil, fmt.Errorf("%d tests of %d", len(list), planned)
	}
	for len(lines) > 0 && strings.HasPrefix(lines[0], indent+"# ") {
		lines = lines[1:]
	}
	return list, lines, nil
}

// consistent checks that a test fails if one of its subtests does.
func consistent(t *testing.T, all []test) {
	t.Helper()
	for _, one := range all {
		failed := slices.ContainsFunc(one.sub, func(s test) bool { return !s.ok })
		if one.sub != nil && one.ok == failed {
			t.Errorf("%s: ok is %v, and of its subtests some failed is %v", one.name, one.ok, failed)
		}
		if (one.directive == "ERROR" || one.directive == "TIMEOUT") && one.ok {
			t.Errorf("%s: ok, and %s", one.name, one.directive)
		}
		consistent(t, one.sub)
	}
}

func TestItParses(t *testing.T) {
	hostile := viewtest.Report(viewtest.Small)
	hostile.Workload = "a # SKIP b"
	hostile.Checks[0].Name = "gap\nok 7 # not"
	hostile.Notes = []string{"two\nnot ok 1 lines"}
	large := viewtest.Report(viewtest.Size{Shape: "1n1l2c1t", Steps: 64, Workers: 2})
	for name, tc := range map[string]struct {
		rep  *report.Report
		want []string // the results of the Workload, the validity and the checks
	}{
		"with failures": {viewtest.Report(viewtest.Small), []string{
			"false squeeze", "true validity", "false gap", "false wakes ERROR", "true hog XFAIL", "true timer-p99", "true pressure SKIP"}},
		"void, nothing counts": {viewtest.Void(), []string{
			"false squeeze ERROR", "false validity ERROR", "false gap ERROR", "false wakes ERROR", "true hog SKIP", "true timer-p99 SKIP", "true pressure SKIP"}},
		"nothing was checked": {viewtest.Whole(), []string{"true squeeze", "true validity"}},
		"names that look like results": {hostile, []string{
			"false a _ SKIP b", "true validity", "false gap ok 7 _ not", "false wakes ERROR", "true hog XFAIL", "true timer-p99", "true pressure SKIP"}},
		"many steps": {large, []string{
			"false squeeze", "true validity", "false gap", "false wakes ERROR", "true hog XFAIL", "true timer-p99", "true pressure SKIP"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := written(t, tc.rep)
			all, rest, err := parse(strings.Split(strings.TrimSuffix(text, "\n"), "\n"), "")
			if err != nil || len(rest) != 0 || len(all) != 1 {
				t.Fatalf("%v; %d tests, left is %q\n%s", err, len(all), rest, text)
			}
			consistent(t, all)
			var got []string
			for _, one := range append(all, all[0].sub...) {
				got = append(got, strings.TrimSpace(fmt.Sprint(one.ok, " ", one.name, " ", one.directive)))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, text)
			}
		})
	}
}
