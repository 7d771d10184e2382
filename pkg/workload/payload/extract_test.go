// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// figureIn is the one figure that a metric finds in an output, as text, or why there is none.
func figureIn(m Metric, outputs ...string) string {
	streams := [2]Output{}
	for i, text := range outputs {
		_, _ = streams[i].Write([]byte(text))
	}
	if m.From == "" {
		m.From = Stdout
	}
	v := Extract([]Metric{m}, &streams[0], &streams[1])[0]
	if v.Value == nil {
		return v.Missing
	}
	return strconv.FormatFloat(*v.Value, 'g', -1, 64)
}

func TestLeaves(t *testing.T) {
	const document = `{"jobs": [{"read": {"iops": 12.5, "99.9": 7, "a\\b": 8}}, 3], "0": {"x": -1e3}, "text": "5", "yes": true, "nothing": null, "big": 1e400}`
	for name, tc := range map[string]struct{ path, output, want string }{
		"a member of an object":                        {"0.x", document, "-1000"},
		"an element of an array":                       {"jobs.1", document, "3"},
		"a leaf":                                       {"jobs.0.read.iops", document, "12.5"},
		"a name with a dot":                            {`jobs.0.read.99\.9`, document, "7"},
		"a name with a backslash":                      {`jobs.0.read.a\\b`, document, "8"},
		"a member that is not there":                   {"jobs.0.write.iops", document, "jobs.0.write is not there"},
		"an element that is not there":                 {"jobs.2", document, "jobs.2 is not there"},
		"an element by a name":                         {"jobs.first", document, "jobs.first is not there"},
		"an element from the end":                      {"jobs.-1", document, "jobs.-1 is not there"},
		"below a number":                               {"jobs.1.x", document, "jobs.1.x is not there"},
		"a string that holds a number":                 {"text", document, "text is a string, not a number"},
		"a truth":                                      {"yes", document, "yes is true or false, not a number"},
		"null":                                         {"nothing", document, "nothing is null, not a number"},
		"an array":                                     {"jobs", document, "jobs is an array, not a number"},
		"an object":                                    {"jobs.0", document, "jobs.0 is an object, not a number"},
		"a number without end":                         {"big", document, `"1e400" is not a decimal number`},
		"after other lines":                            {"a", "fio: terminating\n\n{\"a\": 1}\nbye {\"a\": 2}\n", "1"},
		"after a line like a document":                 {"a", "[info] begins\n{\"a\": 1}\n", "1"},
		"of the last of two documents":                 {"a", "{\"a\": 1}\n{\"a\": 2}", "2"},
		"of the last that has it":                      {"a", `{"a": 1}{"b": 2}`, "1"},
		"of the last, which is wrong":                  {"a", "{\"a\": 1}\n{\"a\": \"x\"}", "a is a string, not a number"},
		"of a document over many lines":                {"a.0", "{\n  \"a\": [\n    4\n  ]\n}\n", "4"},
		"without a document":                           {"a", "nothing\n", "stdout holds no JSON document"},
		"without any output":                           {"a", "", "stdout holds no JSON document"},
		"of a document that is cut off":                {"a", "{\"a\": 1,", "stdout holds no whole JSON document: unexpected EOF"},
		"of a document inside another that is cut off": {"b", "{\"a\":\n{\"b\": 1}\n", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := figureIn(Metric{JSON: tc.path}, tc.output); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	for name, tc := range map[string]struct{ pattern, output, want string }{
		"the group of a match":        {"rps: ([0-9.]+)", "rps: 12.25\n", "12.25"},
		"the last match":              {"rps: ([0-9.]+)", "rps: 1\nrps: 2\nend", "2"},
		"at the begin of a line":      {"^rps ([0-9]+)", "x\nrps 3\nnorps 4\n", "3"},
		"over lines":                  {`^A\n(?:.*\n)*?B ([0-9]+)`, "A\nx\nB 5\nB 6\n", "5"},
		"with a sign and an exponent": {"=(.*)", "=-1.5e3", "-1500"},
		"without a match":             {"rps: ([0-9.]+)", "nothing", "nothing in stdout matches the pattern"},
		"without its group":           {"a|b([0-9])", "a", "the pattern matches without its group"},
		"with what is no number":      {"rps: (.*)", "rps: many", `"many" is not a decimal number`},
		"with two points":             {"([0-9.]+)", "1.2.3", `"1.2.3" is not a decimal number`},
		"without an end":              {"=(.*)", "=+Inf", `"+Inf" is not a decimal number`},
		"not a number":                {"=(.*)", "=NaN", `"NaN" is not a decimal number`},
		"in hexadecimal":              {"=(.*)", "=0x1p4", `"0x1p4" is not a decimal number`},
		"an empty group":              {"=()", "=", `"" is not a decimal number`},
		"with a long text instead":    {"(.*)", strings.Repeat("long", 100), `"` + strings.Repeat("long", 16) + `..." is not a decimal number`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := figureIn(Metric{Pattern: tc.pattern}, tc.output); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if got := figureIn(Metric{From: Stderr, Pattern: "(.)"}, "1", "2"); got != "2" {
		t.Errorf("stderr says %s", got)
	}
	long := "begin 1\n" + strings.Repeat("x", 2*MaxOutput)
	if got := figureIn(Metric{Pattern: "begin ([0-9])"}, long); got != "1" {
		t.Errorf("the begin of a long output says %s", got)
	}
	if got := figureIn(Metric{Pattern: "(?:begin|end) ([0-9])"}, long+"\nend 2"); got != "2" {
		t.Errorf("the end of a long output says %s", got)
	}
	if got, want := figureIn(Metric{JSON: "a"}, "{\"a\": 1}\n"+long), "stdout is longer than the 1048576 bytes that are kept of it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What only looks like JSON is not read over and over: that would take minutes.
func TestOutputThatLooksLikeDocuments(t *testing.T) {
	for _, line := range []string{"[1,\n", "[\n", "{\n", "{\"a\":\n", "[1]\n"} {
		began := time.Now()
		figureIn(Metric{JSON: "a"}, strings.Repeat(line, MaxOutput/len(line)))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("lines of %q took %v", line, took)
		}
	}
}
