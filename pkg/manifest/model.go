// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package manifest turns API objects into the engine's model, and the engine's
// reports into API status. It is the only place where the two meet.
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Model is the engine's model of a run. Both have the same JSON, and the model is
// read strictly: what it does not know is an error and never dropped.
func Model(run *v1alpha1.RunSpec) (*spec.Run, error) {
	text, err := json.Marshal(canonical(run))
	if err != nil {
		return nil, fmt.Errorf("writing the run: %w", err)
	}
	var model spec.Run
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&model); err != nil {
		return nil, fmt.Errorf("reading the run: %w", err)
	}
	return &model, nil
}

// canonical is the run with its quantities in the forms that the model reads: a
// quantity keeps the form it was written in, so that 32e3 would stay 32e3 and 0.2
// would become 200m only by chance.
func canonical(run *v1alpha1.RunSpec) *v1alpha1.RunSpec {
	out := run.DeepCopy()
	for i := range out.Groups {
		if c := out.Groups[i].Work.CachePressure; c != nil {
			inBytes(&c.Size)
		}
	}
	for i := range out.Cgroups {
		c := &out.Cgroups[i]
		if m := c.Memory; m != nil {
			inBytes(m.Min, m.Low, m.High, m.Max, m.SwapMax)
		}
		if c.IO != nil {
			for l := range c.IO.Limits {
				inBytes(c.IO.Limits[l].ReadBytesPerSecond, c.IO.Limits[l].WriteBytesPerSecond)
			}
		}
	}
	if f := out.Interference; f != nil {
		inThousandths(f.MaxOtherCPU, f.MaxSteal, f.MaxInterruptCPU)
	}
	return out
}

// inBytes writes quantities of whole bytes anew. A fraction is left for the model
// to refuse.
func inBytes(quantities ...*resource.Quantity) {
	for _, q := range quantities {
		if q == nil {
			continue
		}
		if n := q.Value(); q.CmpInt64(n) == 0 { // it rounds up
			*q = *resource.NewQuantity(n, resource.BinarySI)
		}
	}
}

// inThousandths writes quantities of CPUs anew. A part of a thousandth is left for
// the model to refuse.
func inThousandths(quantities ...*resource.Quantity) {
	for _, q := range quantities {
		if q == nil {
			continue
		}
		if n := resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI); q.Cmp(*n) == 0 {
			*q = *n
		}
	}
}
