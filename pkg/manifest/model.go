// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package manifest turns API objects into the engine's model, and the engine's
// reports into API status. It is the only place where the two meet.
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"

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
