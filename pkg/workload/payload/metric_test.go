// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestMetricsThatCannotBe(t *testing.T) {
	good := Metric{Name: "iops", From: Stdout, JSON: "jobs.0.read.iops", Unit: "1/s", Polarity: HigherIsBetter}
	var many []Metric
	for i := range MaxMetrics + 1 {
		m := good
		m.Name = fmt.Sprint("m", i)
		many = append(many, m)
	}
	if err := ValidateMetrics(many[:MaxMetrics]); err != nil {
		t.Error(err)
	}
	if err := ValidateMetrics(many); err == nil || err.Error() != "metrics must be at most 16, not 17" {
		t.Errorf("got %v", err)
	}
	for name, tc := range map[string]struct {
		change func(*Metric)
		want   string // "" for none
	}{
		"with all":                    {func(*Metric) {}, ""},
		"without a unit":              {func(m *Metric) { m.Unit = "" }, ""},
		"with a pattern":              {func(m *Metric) { m.JSON, m.Pattern = "", "([0-9]+)" }, ""},
		"with groups that only group": {func(m *Metric) { m.JSON, m.Pattern = "", "(?:a|b)([0-9]+)" }, ""},
		"without a name":              {func(m *Metric) { m.Name = "" }, `metrics[0].name must be a letter`},
		"with a name with a space":    {func(m *Metric) { m.Name = "a b" }, `metrics[0].name must be a letter`},
		"with too long a name":        {func(m *Metric) { m.Name = strings.Repeat("n", 64) }, `at most 63 in all`},
		"from nowhere":                {func(m *Metric) { m.From = "Log" }, `metrics[0].from must be Stdout or Stderr, not "Log"`},
		"with too long a unit":        {func(m *Metric) { m.Unit = strings.Repeat("u", 33) }, `metrics[0].unit must be at most 32`},
		"with a unit of two lines":    {func(m *Metric) { m.Unit = "a\nb" }, `metrics[0].unit must be`},
		"without polarity":            {func(m *Metric) { m.Polarity = "" }, `metrics[0].polarity must be HigherIsBetter, LowerIsBetter or Neither, not ""`},
		"with neither":                {func(m *Metric) { m.JSON = "" }, `metrics[0].json or pattern must be set`},
		"with both":                   {func(m *Metric) { m.Pattern = "(.)" }, `metrics[0].pattern cannot be set together with json`},
		"with an empty element":       {func(m *Metric) { m.JSON = "jobs..read" }, `metrics[0].json: element 1 of "jobs..read" must not be empty`},
		"with a path that ends early": {func(m *Metric) { m.JSON = `jobs\` }, `must have a dot or a backslash behind the backslash at byte 4`},
		"with too long a path":        {func(m *Metric) { m.JSON = strings.Repeat("p", 256) }, `metrics[0].json: must have at most 255 bytes, not 256`},
		"with too deep a path":        {func(m *Metric) { m.JSON = strings.Repeat("p.", 32) + "p" }, `metrics[0].json: must have at most 32 elements, not 33`},
		"with no regular expression":  {func(m *Metric) { m.JSON, m.Pattern = "", "([0-9]" }, `is not a regular expression`},
		"with no group":               {func(m *Metric) { m.JSON, m.Pattern = "", "[0-9]+" }, `must have one group, around the figure, not 0`},
		"with two groups":             {func(m *Metric) { m.JSON, m.Pattern = "", "(a)(b)" }, `must have one group, around the figure, not 2`},
		"with too long a pattern":     {func(m *Metric) { m.JSON, m.Pattern = "", "("+strings.Repeat("p", 254)+")" }, `metrics[0].pattern: must have at most 255 bytes, not 256`},
	} {
		t.Run(name, func(t *testing.T) {
			m := good
			tc.change(&m)
			err := ValidateMetrics([]Metric{m})
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if err := ValidateMetrics([]Metric{good, good}); err == nil || err.Error() != `metrics[1].name: "iops" is already taken` {
		t.Errorf("got %v", err)
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"jobs.0.read.iops", `p.99\.000000`, `a\\.b`, `\`, "..", "", "ü.ö"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParsePath(text)
		if err != nil {
			return
		}
		if again, err := ParsePath(path.String()); err != nil && len(path.String()) <= maxPath || err == nil && fmt.Sprint(again) != fmt.Sprint(path) {
			t.Errorf("%q is %q, which is %q, %v", text, path, again, err)
		}
		document := any("leaf")
		for _, name := range slices.Backward(path) {
			document = map[string]any{name: document}
		}
		if _, err := path.find(document); err == nil || strings.Contains(err.Error(), errAbsent.Error()) {
			t.Errorf("%q does not find its leaf: %v", text, err)
		}
	})
}

func FuzzExtract(f *testing.F) {
	for _, seed := range []struct{ output, path, pattern string }{
		{`{"a": [1, {"b": 2.5}]}`, "a.1.b", "b.: ([0-9.]+)"}, {"noise\n[1, 2]\n{\"a\": 3}\n", "0", "(.*)$"}, {"[[[[", "0.0", "(\\[)"}, {"x=1e999", "x", "x=(.*)"},
		{"{\n{\n[1,\n[1,\n", "a", "(a)|b"}, {"{\"a\": \"5\"}", "a", "()"},
	} {
		f.Add(seed.output, seed.path, seed.pattern)
	}
	f.Fuzz(func(t *testing.T, text, path, pattern string) {
		var metrics []Metric
		for _, m := range []Metric{{Name: "json", JSON: path}, {Name: "pattern", Pattern: pattern}} {
			if m.From, m.Polarity = Stdout, Neither; ValidateMetrics([]Metric{m}) == nil {
				metrics = append(metrics, m)
			}
		}
		o := &Output{}
		if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(text), err)
		}
		for _, v := range Extract(metrics, o, &Output{}) {
			if (v.Value == nil) != (v.Missing != "") {
				t.Errorf("%+v: a figure is there or missing for a reason", v)
			}
		}
	})
}
