// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// NodePolicy is a policy as a node publishes it: of programs the names only.
func NodePolicy(p *spec.Policy) *v1alpha1.NodePolicy {
	out := &v1alpha1.NodePolicy{DangerousWork: v1alpha1.DangerousWorkForbidden, CPUHotplug: v1alpha1.CPUHotplugForbidden}
	if p == nil {
		return out
	}
	if p.DangerousWork {
		out.DangerousWork = v1alpha1.DangerousWorkAllowed
	}
	if p.CPUHotplug {
		out.CPUHotplug = v1alpha1.CPUHotplugAllowed
	}
	out.Programs = slices.Sorted(maps.Keys(p.Programs))
	out.Devices = slices.Sorted(slices.Values(p.Devices))
	publishBounds(out, &p.Bounds)
	return out
}

func publishBounds(out *v1alpha1.NodePolicy, b *spec.Bounds) {
	out.UserIDs, out.GroupIDs = b.UserIDs.String(), b.GroupIDs.String()
	out.MaxRealtimePriority, out.MinNice, out.MaxWorkers = int32s(b.MaxRealtimePriority), int32s(b.MinNice), int32s(b.MaxWorkers)
	if b.ForbidDeadline {
		out.Deadline = v1alpha1.DeadlineForbidden
	}
	if b.MaxMemory != nil {
		out.MaxMemory = resource.NewQuantity(int64(*b.MaxMemory), resource.BinarySI)
	}
	if b.MaxDuration != nil {
		out.MaxDuration = &metav1.Duration{Duration: b.MaxDuration.D()}
	}
}

// int32s is a bound in the API's type; all of them fit.
func int32s(n *int) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(*n)) //nolint:gosec // at most the number of workers
}

// policyOf is the policy that a node publishes. One that publishes none allows nothing. Where its
// programs are, only the node knows. An error says what of it cannot be read, as what could follow
// the node's name: a bound that is not understood must not be taken for none.
func policyOf(published *v1alpha1.NodePolicy) (*spec.Policy, error) {
	p := &spec.Policy{}
	if published == nil {
		return p, nil
	}
	p.DangerousWork = published.DangerousWork == v1alpha1.DangerousWorkAllowed
	p.CPUHotplug = published.CPUHotplug == v1alpha1.CPUHotplugAllowed
	p.Devices = published.Devices
	if len(published.Programs) > 0 {
		p.Programs = map[string]string{}
	}
	for _, name := range published.Programs {
		p.Programs[name] = name
	}
	var err error
	p.Bounds, err = boundsOf(published)
	return p, err
}

func boundsOf(published *v1alpha1.NodePolicy) (b spec.Bounds, err error) {
	for _, ids := range []struct {
		text string
		to   *spec.IDs
	}{{published.UserIDs, &b.UserIDs}, {published.GroupIDs, &b.GroupIDs}} {
		if ids.text == "" {
			continue
		}
		if *ids.to, err = spec.ParseIDs(ids.text); err != nil {
			return b, fmt.Errorf("publishes a policy with ids that cannot be read: %w", err)
		}
	}
	b.MaxRealtimePriority, b.MinNice, b.MaxWorkers = ints(published.MaxRealtimePriority), ints(published.MinNice), ints(published.MaxWorkers)
	b.ForbidDeadline = published.Deadline == v1alpha1.DeadlineForbidden
	if published.MaxMemory != nil {
		b.MaxMemory = new(quantity.Bytes(published.MaxMemory.Value()))
	}
	if published.MaxDuration != nil {
		b.MaxDuration = new(quantity.Duration(published.MaxDuration.Duration))
	}
	return b, nil
}

func ints(n *int32) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}
