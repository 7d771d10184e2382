// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package junit

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/viewtest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func written(t *testing.T, rep *report.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, rep); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	for name, rep := range map[string]*report.Report{"steps": viewtest.Report(viewtest.Small), "void": viewtest.Void(), "whole": viewtest.Whole()} {
		t.Run(name, func(t *testing.T) {
			got := written(t, rep)
			file := filepath.Join("testdata", name+".xml")
			want, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				if err := os.WriteFile(file+".got", got, 0o644); err != nil {
					t.Error(err)
				}
				t.Errorf("%s.got is not %s (-want +got):\n%s", file, file, diff)
			}
		})
	}
}

// element is any element, in the order of the file.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// schema is what the schemas of Jenkins and of Maven's Surefire have in common: of each
// element its children in their order, the attributes it must have and those it may have.
var schema = map[string]struct {
	children       []string
	must, may      []string
	numbers, times []string
}{
	"testsuites": {[]string{"testsuite"}, nil, []string{"name", "time", "tests", "failures", "errors", "disabled"}, []string{"tests", "failures", "errors"}, []string{"time"}},
	"testsuite": {[]string{"properties", "testcase", "system-out", "system-err"}, []string{"name", "tests", "failures", "errors", "skipped", "time"},
		[]string{"timestamp", "hostname", "id", "package", "group"}, []string{"tests", "failures", "errors", "skipped"}, []string{"time"}},
	"properties": {[]string{"property"}, nil, nil, nil, nil},
	"property":   {nil, []string{"name", "value"}, nil, nil, nil},
	"testcase":   {[]string{"skipped", "error", "failure", "system-out", "system-err"}, []string{"name", "classname", "time"}, []string{"group", "status"}, nil, []string{"time"}},
	"skipped":    {nil, nil, []string{"message"}, nil, nil},
	"error":      {nil, []string{"type"}, []string{"message"}, nil, nil},
	"failure":    {nil, []string{"type"}, []string{"message"}, nil, nil},
	"system-out": {}, "system-err": {},
}

func conforms(e *element, path string) []string {
	name := e.XMLName.Local
	path += "/" + name
	rule, known := schema[name]
	if !known {
		return []string{path + ": no such element"}
	}
	var wrong []string
	for _, a := range rule.must {
		if e.attr(a) == "" {
			wrong = append(wrong, fmt.Sprintf("%s: lacks %s", path, a))
		}
	}
	for _, a := range e.Attrs {
		if n := a.Name.Local; !slices.Contains(rule.must, n) && !slices.Contains(rule.may, n) {
			wrong = append(wrong, fmt.Sprintf("%s: may not have %s", path, n))
		}
	}
	for _, a := range rule.numbers {
		if _, err := strconv.ParseUint(e.attr(a), 10, 64); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %s: %v", path, a, err))
		}
	}
	for _, a := range rule.times {
		if _, err := strconv.ParseFloat(e.attr(a), 64); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %s: %v", path, a, err))
		}
	}
	last := 0
	for i := range e.Children {
		child := &e.Children[i]
		at := slices.Index(rule.children, child.XMLName.Local)
		if at < last {
			wrong = append(wrong, fmt.Sprintf("%s: %s is not allowed there", path, child.XMLName.Local))
		}
		last = max(last, at)
		wrong = append(wrong, conforms(child, path)...)
	}
	return wrong
}

func TestItHasTheShapeThatCIReads(t *testing.T) {
	for name, tc := range map[string]struct {
		rep                              *report.Report
		tests, failures, errors, skipped int
	}{
		"with failures":        {viewtest.Report(viewtest.Small), 8, 2, 1, 1},
		"void, nothing counts": {viewtest.Void(), 6, 0, 3, 3},
		"nothing was checked":  {viewtest.Whole(), 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var root element
			if err := xml.Unmarshal(written(t, tc.rep), &root); err != nil {
				t.Fatal(err)
			}
			for _, text := range conforms(&root, "") {
				t.Error(text)
			}
			suite := &root.Children[0]
			got := map[string]int{}
			for i := range suite.Children {
				c := &suite.Children[i]
				if c.XMLName.Local != "testcase" {
					continue
				}
				got["tests"]++
				for n := range c.Children {
					got[c.Children[n].XMLName.Local]++
				}
			}
			want := map[string]int{"tests": tc.tests, "failure": tc.failures, "error": tc.errors, "skipped": tc.skipped}
			for what, n := range want {
				if got[what] != n {
					t.Errorf("%d times %s, want %d", got[what], what, n)
				}
			}
			for _, e := range []*element{&root, suite} {
				for what, n := range map[string]int{"tests": tc.tests, "failures": tc.failures, "errors": tc.errors} {
					if e.attr(what) != strconv.Itoa(n) {
						t.Errorf("%s says %s=%q, want %d", e.XMLName.Local, what, e.attr(what), n)
					}
				}
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	rep := viewtest.Report(viewtest.Small)
	rep.Findings = append(rep.Findings, rep.Findings[0])
	text := string(written(t, rep))
	if !strings.Contains(text, `name="step squeeze, group burner, worker 3, CPU 2 (2)"`) {
		t.Errorf("the second of two alike is not told apart:\n%s", text)
	}
}
