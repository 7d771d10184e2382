// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package kinds describes the kinds of work, with the words of the API's schema and
// the facts of the engine.
package kinds

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Kind is all there is to know of a kind of work. Where something depends on
// parameters it is that of the default ones.
type Kind struct {
	Name string `json:"name"`
	// Summary is the first sentence of Description, without the name.
	Summary     string `json:"summary"`
	Description string `json:"description"`
	// SetSize is how many workers work together. OneProcess says that they are threads
	// of a program, which counts as one worker.
	SetSize    int    `json:"setSize"`
	OneProcess bool   `json:"oneProcess,omitempty"`
	Roles      []Role `json:"roles,omitempty"`
	// CloneModes are what its workers can be to the kernel.
	CloneModes []string `json:"cloneModes"`
	// ForkOnly is why they cannot be threads.
	ForkOnly  string `json:"forkOnly,omitempty"`
	Dangerous bool   `json:"dangerous,omitempty"`
	// OwnClasses says that it gives its workers their scheduling classes.
	OwnClasses bool `json:"ownClasses,omitempty"`
	// Needs are the features that a node must have.
	Needs      []string      `json:"needs,omitempty"`
	Histograms []Histogram   `json:"histograms,omitempty"`
	Counters   []string      `json:"counters,omitempty"`
	Progress   work.Progress `json:"progress"`
	Parameters []Parameter   `json:"parameters,omitempty"`
	// Definitions are ready-made ones of programs.
	Definitions []Definition `json:"definitions,omitempty"`
	// Samples are manifests, the first one to begin with.
	Samples []string `json:"samples"`
}

// Role is what some workers of a set are.
type Role struct {
	Name      string `json:"name"`
	Workers   int    `json:"workers"`
	MayStarve bool   `json:"mayStarve,omitempty"`
}

// Histogram is something that is recorded.
type Histogram struct {
	work.Measure
	Unit string `json:"unit"`
	// Means says what one value is.
	Means string `json:"means"`
	// Conditional says that it takes parameters other than the default ones.
	Conditional bool `json:"conditional,omitempty"`
}

// Definition is a ready-made definition of a program.
type Definition struct {
	Name    string           `json:"name"`
	About   string           `json:"about"`
	Args    []string         `json:"args"`
	Metrics []payload.Metric `json:"metrics"`
}

// Catalog describes kinds of work.
type Catalog struct {
	work    *apiextensionsv1.JSONSchemaProps
	samples map[string]string // of each sample: what it means
}

// Load reads the catalogue that this binary was built with.
func Load() (*Catalog, error) {
	schema, err := schemaOf("Workload", "spec", "groups", "work")
	if err != nil {
		return nil, err
	}
	sample, err := schemaOf("NodeRun", "status", "result", "groups", "distributions", "sample")
	if err != nil {
		return nil, err
	}
	return &Catalog{work: schema, samples: meanings(sample)}, nil
}

// Names are the names of all kinds, in the order of the alphabet.
func (c *Catalog) Names() []string {
	var names []string
	for name := range c.work.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Describe describes one kind. There is an error for a name that is none.
func (c *Catalog) Describe(name string) (*Kind, error) {
	schema, ok := c.work.Properties[name]
	if !ok {
		return nil, c.unknown(name)
	}
	k := &Kind{Name: name, Description: schema.Description, Summary: summary(name, schema.Description), Parameters: parameters(&schema)}
	var err error
	if k.Samples, err = samplesOf(name); err != nil {
		return nil, err
	}
	variants, err := variants(name, &schema)
	if err != nil {
		return nil, err
	}
	k.addShape(variants[0].Shape())
	for i, variant := range variants {
		for _, m := range variant.Shape().Metrics {
			if !slices.ContainsFunc(k.Histograms, func(h Histogram) bool { return h.Measure == m }) {
				k.Histograms = append(k.Histograms, Histogram{Measure: m, Unit: m.Metric.Unit(), Means: c.samples[string(m.Sample)], Conditional: i > 0})
			}
		}
	}
	if name == (*work.Exec)(nil).Name() {
		for _, d := range payload.Definitions() {
			k.Definitions = append(k.Definitions, Definition{d.Name, d.About, d.Args, d.Metrics})
		}
	}
	return k, nil
}

func (c *Catalog) unknown(name string) error {
	return fmt.Errorf("there is no kind of work called %q; there are: %s", name, strings.Join(c.Names(), ", "))
}

func (k *Kind) addShape(s work.Shape) {
	k.SetSize, k.OneProcess, k.ForkOnly, k.Dangerous, k.Needs = s.SetSize, s.OneProcess, s.ForkOnly, s.Dangerous, s.Needs
	k.Counters, k.Progress, k.CloneModes = s.Counters, s.Progress, []string{"Fork"}
	if s.ForkOnly == "" {
		k.CloneModes = append(k.CloneModes, "Thread")
	}
	for _, r := range s.Roles {
		k.OwnClasses = k.OwnClasses || r.Class != nil
		k.Roles = append(k.Roles, Role{Name: r.Name, Workers: r.Workers, MayStarve: r.MayStarve})
	}
}

// samplesOf are the manifests of a kind: that with its name, and those with
// something behind it.
func samplesOf(kind string) ([]string, error) {
	const dir = "kinds"
	files, err := samples.Kinds.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded samples: %w", err)
	}
	var texts []string
	for _, file := range files { // in the order of their names
		name := strings.TrimSuffix(file.Name(), ".yaml")
		if name != kebab(kind) && !strings.HasPrefix(name, kebab(kind)+"-") {
			continue
		}
		text, err := samples.Kinds.ReadFile(path.Join(dir, file.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading an embedded sample: %w", err)
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// kebab writes a name as file names are.
func kebab(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
