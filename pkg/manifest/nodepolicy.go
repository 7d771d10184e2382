// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
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
	return out
}

// policyOf is the policy that a node publishes. One that publishes none allows nothing. Where its
// programs are, only the node knows.
func policyOf(published *v1alpha1.NodePolicy) *spec.Policy {
	p := &spec.Policy{}
	if published == nil {
		return p
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
	return p
}
