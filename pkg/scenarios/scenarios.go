// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package scenarios is the library of ready-made Workloads, each of which shows
// schedulers one situation.
package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// Scenario is a ready-made Workload.
type Scenario struct {
	Name string `json:"name"`
	// Shows says in a few words what it shows, About in sentences.
	Shows string `json:"shows"`
	About string `json:"about"`
	// Requires is what a machine must have: what the manifest asks for, and the
	// features that its fields need.
	Requires v1alpha1.MachineRequirements `json:"requires"`
	// Steps and Checks are the names of its steps and checks.
	Steps  []string `json:"steps,omitempty"`
	Checks []string `json:"checks,omitempty"`
	// Manifest is the whole text.
	Manifest string `json:"manifest"`
}

const (
	dir       = "scenarios"
	extension = ".yaml"
)

// Names are the names of all scenarios, in the order of the alphabet.
func Names() ([]string, error) {
	files, err := samples.Scenarios.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded scenarios: %w", err)
	}
	var names []string
	for _, file := range files { // sorted by file name, in which the extension counts
		names = append(names, strings.TrimSuffix(file.Name(), extension))
	}
	slices.Sort(names)
	return names, nil
}

// All are all scenarios, in the order of the alphabet.
func All() ([]*Scenario, error) {
	names, err := Names()
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, name := range names {
		s, err := Find(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Find is the scenario of a name. There is an error for a name that is none.
func Find(name string) (*Scenario, error) {
	text, err := samples.Scenarios.ReadFile(path.Join(dir, name+extension))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("there is no scenario called %q: schedfleet scenarios lists them", name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading an embedded scenario: %w", err)
	}
	return describe(name, string(text))
}

func describe(name, text string) (*Scenario, error) {
	var w v1alpha1.Workload
	if err := yaml.UnmarshalStrict([]byte(text), &w); err != nil {
		return nil, fmt.Errorf("the embedded scenario %s: %w", name, err)
	}
	s := &Scenario{Name: name, Shows: w.Annotations[v1alpha1.AnnotationShows], About: comment(text), Manifest: text}
	if asked := w.Spec.Placement.Requires; asked != nil {
		s.Requires = *asked
	}
	run, err := manifest.Model(&w.Spec.RunSpec)
	if err != nil {
		return nil, fmt.Errorf("the embedded scenario %s: %w", name, err)
	}
	for _, need := range run.Needs() {
		if !slices.Contains(s.Requires.Features, need.Capability) {
			s.Requires.Features = append(s.Requires.Features, need.Capability)
		}
	}
	for i := range run.Steps {
		s.Steps = append(s.Steps, run.Steps[i].Name)
	}
	for i := range run.Checks {
		s.Checks = append(s.Checks, run.Checks[i].Name)
	}
	return s, nil
}

// comment is the comment between the license and the manifest, as one line.
func comment(text string) string {
	_, text, _ = strings.Cut(text, "\n\n")
	var words []string
	for line := range strings.Lines(text) {
		said, is := strings.CutPrefix(line, "#")
		if !is {
			break
		}
		words = append(words, strings.Fields(said)...)
	}
	return strings.Join(words, " ")
}
