// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package manifest turns API objects into the engine's model, and the engine's
// reports into API status. It is the only place where the two meet.
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Model is the engine's model of a run. Both have the same JSON, and the model is
// read strictly: what it does not know is an error and never dropped.
func Model(run *v1alpha1.RunSpec) (*spec.Run, error) {
	text, err := json.Marshal(inBytes(run))
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

// inBytes is the run with amounts of memory in the one form the model reads, since
// the canonical form of a quantity keeps an exponent: 32e3 would stay 32e3.
func inBytes(run *v1alpha1.RunSpec) *v1alpha1.RunSpec {
	out := *run
	out.Groups = slices.Clone(run.Groups)
	for i := range out.Groups {
		if c := out.Groups[i].Work.CachePressure; c != nil {
			out.Groups[i].Work.CachePressure = &v1alpha1.CachePressure{Size: wholeBytes(c.Size), Stride: c.Stride}
		}
	}
	return &out
}

// wholeBytes writes a quantity of whole bytes anew. A fraction is left for the
// model to refuse.
func wholeBytes(q resource.Quantity) resource.Quantity {
	n := q.Value() // rounds up
	if q.CmpInt64(n) != 0 {
		return q
	}
	return *resource.NewQuantity(n, resource.BinarySI)
}

// Unfit says why a node cannot execute the run, "" if it can.
func Unfit(run *v1alpha1.RunSpec, node *v1alpha1.TestNodeStatus) string {
	model, err := Model(run)
	if err != nil {
		return err.Error()
	}
	if node.Topology == nil {
		return "has not published its topology"
	}
	cpus, err := cpuset.Parse(node.Topology.OnlineCPUs)
	if err != nil {
		return fmt.Sprintf("publishes %q as its CPUs", node.Topology.OnlineCPUs)
	}
	nodes, err := cpuset.Parse(node.Topology.MemoryNodes)
	if err != nil {
		return fmt.Sprintf("publishes %q as its NUMA nodes with memory", node.Topology.MemoryNodes)
	}
	if err := model.Unfit(spec.Machine{CPUs: cpus, MemoryNodes: nodes}); err != nil {
		return err.Error()
	}
	return ""
}
