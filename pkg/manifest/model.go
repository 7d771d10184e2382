// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package manifest turns API objects into the engine's model, and the engine's
// reports into API status. It is the only place where the two meet.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Model is the engine's model of a run. Both have the same JSON, and the model is
// read strictly: what it does not know is an error and never dropped.
func Model(run *v1alpha1.RunSpec) (*spec.Run, error) {
	plain, err := canonical(run)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(plain)
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
func canonical(run *v1alpha1.RunSpec) (*v1alpha1.RunSpec, error) {
	out := run.DeepCopy()
	var errs []error
	for i := range out.Groups {
		if c := out.Groups[i].Work.CachePressure; c != nil {
			errs = append(errs, inBytes(&c.Size, "groups[%d].work.cachePressure.size", i))
		}
	}
	for i := range out.Cgroups {
		if m := out.Cgroups[i].Memory; m != nil {
			errs = append(errs, inBytes(m.Min, "cgroups[%d].memory.min", i), inBytes(m.Low, "cgroups[%d].memory.low", i),
				inBytes(m.High, "cgroups[%d].memory.high", i), inBytes(m.Max, "cgroups[%d].memory.max", i),
				inBytes(m.SwapMax, "cgroups[%d].memory.swapMax", i))
		}
		if io := out.Cgroups[i].IO; io != nil {
			for l := range io.Limits {
				errs = append(errs, inBytes(io.Limits[l].ReadBytesPerSecond, "cgroups[%d].io.limits[%d].readBytesPerSecond", i, l),
					inBytes(io.Limits[l].WriteBytesPerSecond, "cgroups[%d].io.limits[%d].writeBytesPerSecond", i, l))
			}
		}
	}
	if f := out.Interference; f != nil {
		errs = append(errs, inThousandths(f.MaxOtherCPU, "maxOtherCPU"), inThousandths(f.MaxSteal, "maxSteal"),
			inThousandths(f.MaxInterruptCPU, "maxInterruptCPU"))
	}
	return out, errors.Join(errs...)
}

// inBytes writes a quantity of whole bytes anew.
func inBytes(q *resource.Quantity, field string, at ...any) error {
	if q == nil {
		return nil
	}
	n := q.Value() // which rounds up
	if q.Sign() < 0 || q.CmpInt64(n) != 0 {
		return fmt.Errorf("%s: must be a whole number of bytes of at least 0, such as 64Mi, not %s", fmt.Sprintf(field, at...), q)
	}
	*q = *resource.NewQuantity(n, resource.BinarySI)
	return nil
}

// inThousandths writes a limit on CPUs anew.
func inThousandths(q *resource.Quantity, limit string) error {
	if q == nil {
		return nil
	}
	n := resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI)
	if q.Sign() < 0 || q.Cmp(*n) != 0 {
		return fmt.Errorf("interference.%s: must be a whole number of thousandths of a CPU of at least 0, such as 200m, not %s", limit, q)
	}
	*q = *n
	return nil
}
