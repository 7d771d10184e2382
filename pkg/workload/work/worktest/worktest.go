// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package worktest has examples of every kind of work for tests: the defaults of
// manifests, shortened where a pass would otherwise take long.
package worktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Example is a kind of work with parameters.
type Example struct {
	// Kind is the kind's name.
	Kind string
	// Variant is what is special about the parameters; empty for the first example of a kind.
	Variant string
	Spec    work.Spec
	// Hold is how long it has to work at least until all its histograms have values; 0 if that is soon.
	Hold time.Duration
	// Unsure says that it depends on the machine whether its histograms have values.
	Unsure bool
}

// Name is the example's name in tests.
func (e *Example) Name() string {
	if e.Variant == "" {
		return e.Kind
	}
	return e.Kind + ", " + e.Variant
}

// Work is the example's kind of work, its size-dependent parameters filled in for a number of CPUs.
func (e *Example) Work(cpus int) work.Kind {
	kind, err := e.Spec.Kind()
	if err != nil {
		panic(err) // Examples sets exactly one
	}
	if sized, ok := kind.(work.Sized); ok {
		return sized.On(cpus)
	}
	return kind
}

// Kinds are the names of all kinds of work, sorted. They are those of the members of work.Spec.
func Kinds() []string {
	var names []string
	for field := range reflect.TypeFor[work.Spec]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Examples are the examples of a kind, the plain one first; none of a kind this package does not know.
func Examples(kind string) []Example {
	var list []Example
	for _, e := range examples {
		if e.kind == kind {
			example := Example{Kind: kind, Variant: e.variant, Spec: parse(kind, e.parameters)}
			example.Hold, example.Unsure = holds[example.Name()], unsure[example.Name()]
			list = append(list, example)
		}
	}
	return list
}

// Fills are the measures that a worker of a role fills while the example works, in
// the order of the shape.
func (e *Example) Fills(shape *work.Shape, role string) []work.Measure {
	for _, name := range []string{e.Name(), e.Kind} {
		if of, known := fills[name]; known {
			if measures, some := of[role]; some {
				return measures
			}
			break
		}
	}
	return shape.Metrics
}

// FillsAny says whether some worker fills a measure.
func (e *Example) FillsAny(shape *work.Shape, measure work.Measure) bool {
	if len(shape.Roles) == 0 {
		return slices.Contains(e.Fills(shape, ""), measure)
	}
	for i := range shape.Roles {
		if slices.Contains(e.Fills(shape, shape.Roles[i].Name), measure) {
			return true
		}
	}
	return false
}

// parse reads parameters as the engine reads those of a manifest.
func parse(kind, parameters string) work.Spec {
	in := json.NewDecoder(bytes.NewReader(fmt.Appendf(nil, "{%q:%s}", kind, parameters)))
	in.DisallowUnknownFields()
	var spec work.Spec
	if err := in.Decode(&spec); err != nil {
		panic(fmt.Sprintf("the example of %s: %v", kind, err))
	}
	return spec
}
