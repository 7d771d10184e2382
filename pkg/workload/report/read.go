// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// Bounds of what is read: more than any run can write, and what it takes in memory is bounded too.
const (
	maxObjects       = 1_000_000
	maxDistributions = 4096 // of 12 groups in 64 steps and as a whole, 4 each
	maxStep          = 1 << 10
)

// Read reads a report as it was written, and nothing else: not one of another schema
// version, nor one with members that this version does not know.
func Read(data []byte) (*Report, error) {
	if err := checkSchema(data); err != nil {
		return nil, err
	}
	if err := checkSize(data); err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	r := &Report{}
	if err := in.Decode(r); err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("the report contradicts itself: %w", err)
	}
	return r, nil
}

// checkSchema says what to do about another version, before that is found to have unknown members.
func checkSchema(data []byte) error {
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("this is no report: %w", err)
	}
	switch {
	case head.Schema == nil:
		return errors.New("this is no report: it has no schema version")
	case *head.Schema != SchemaVersion:
		return fmt.Errorf("the report has schema version %d, and this schedfleet reads version %d only: read it with the schedfleet that wrote it", *head.Schema, SchemaVersion)
	}
	return nil
}

// checkSize counts what takes memory before any is taken: a few bytes of JSON can stand for
// a row or a histogram.
func checkSize(data []byte) error {
	in := json.NewDecoder(bytes.NewReader(data))
	objects, distributions := 0, 0
	for {
		token, err := in.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the report: %w", err)
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' {
				objects++
			}
		case string:
			if strings.EqualFold(t, "histogram") {
				distributions++
			}
		}
		if objects > maxObjects || distributions > maxDistributions {
			return fmt.Errorf("reading the report: it has more than %d objects or %d distributions, which no run has", maxObjects, maxDistributions)
		}
	}
}

// check looks for what no run leaves and what readers of a report rely on.
func (r *Report) check() error {
	groups := map[string]bool{}
	for i := range r.Groups {
		g := &r.Groups[i]
		if groups[g.Name] {
			return fmt.Errorf("there are two groups %.64q", g.Name)
		}
		groups[g.Name] = true
		if err := g.check(); err != nil {
			return fmt.Errorf("group %.64q: %w", g.Name, err)
		}
	}
	for i := range r.Workers {
		w := &r.Workers[i]
		if !groups[w.Group] {
			return fmt.Errorf("a worker is of group %.64q, which is not there", w.Group)
		}
		if err := errors.Join(lists(w.Affinity, w.Allowed), w.Figures.check(), checkPhases(w.Phases, true)); err != nil {
			return fmt.Errorf("group %.64q, worker %d: %w", w.Group, w.Index, err)
		}
	}
	for i := range r.Steps {
		for c := range r.Steps[i].Cgroups {
			if err := r.Steps[i].Cgroups[c].check(); err != nil {
				return fmt.Errorf("step %d: %w", i, err)
			}
		}
	}
	for i := range r.Cgroups {
		if err := r.Cgroups[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) check() error {
	if g.Workers < 0 || g.Completed < 0 || g.Completed > g.Workers || g.Starts < 0 {
		return fmt.Errorf("%d of %d workers completed in %d starts", g.Completed, g.Workers, g.Starts)
	}
	for i := range g.Roles {
		if err := g.Roles[i].Figures.check(); err != nil {
			return err
		}
	}
	return errors.Join(lists(g.AskedCPUs, g.AllowedCPUs), g.Figures.check(), checkDistributions(g.Distributions), checkPhases(g.Phases, false))
}

func checkPhases(phases []Phase, worker bool) error {
	last := -1
	for i := range phases {
		p := &phases[i]
		if p.Step <= last || p.Step > maxStep || worker && len(p.Distributions) > 0 {
			return fmt.Errorf("its phases are not one for each step: %d after %d", p.Step, last)
		}
		last = p.Step
		if err := errors.Join(lists(p.Allowed), p.Figures.check(), checkDistributions(p.Distributions)); err != nil {
			return err
		}
	}
	return nil
}

// checkDistributions sees to it that there is a histogram for everybody to look at.
func checkDistributions(list []Distribution) error {
	for i := range list {
		if list[i].Histogram == nil {
			return errors.New("a distribution is null")
		}
	}
	return nil
}

func (f *Figures) check() error {
	for _, t := range []*int64{&f.Wall, &f.CPU, f.RunDelay, f.SchedCPU, &f.MaxGap} {
		if t != nil && *t < 0 {
			return fmt.Errorf("a time is %d ns", *t)
		}
	}
	return lists(f.CPUs)
}

func (c *Cgroup) check() error {
	if err := lists(c.CPUs, c.Mems); err != nil {
		return fmt.Errorf("cgroup %.64q: %w", c.Name, err)
	}
	return nil
}

func lists(texts ...string) error {
	for _, text := range texts {
		if _, err := topology.ParseList(text); err != nil {
			return err
		}
	}
	return nil
}
