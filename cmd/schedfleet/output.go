// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/html"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/junit"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/ktap"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// output is a form of a report.
type output struct {
	name  string
	write func(io.Writer, *report.Report) error
}

// outputs are the forms that reports can be written in, the first by default.
var outputs = []output{
	{"table", func(w io.Writer, rep *report.Report) error {
		printReport(w, rep)
		return nil
	}},
	{"json", func(w io.Writer, rep *report.Report) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(rep)
	}},
	{"yaml", func(w io.Writer, rep *report.Report) error {
		text, err := yaml.Marshal(rep)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}},
	{"junit", junit.Write},
	{"ktap", ktap.Write},
	{"html", html.Write},
}

// outputHelp explains the flag.
const outputHelp = "table, json, yaml, junit, ktap or html; json and yaml give the whole report, html a page that needs nothing else"

// outputNamed is the writer of a form; an error says which there are.
func outputNamed(name string) (func(io.Writer, *report.Report) error, error) {
	i := slices.IndexFunc(outputs, func(o output) bool { return o.name == name })
	if i < 0 {
		var names []string
		for _, o := range outputs {
			names = append(names, o.name)
		}
		last := len(names) - 1
		return nil, badCall{fmt.Errorf("--output must be %s or %s, not %q", strings.Join(names[:last], ", "), names[last], name)}
	}
	return outputs[i].write, nil
}
