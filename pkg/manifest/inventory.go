// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// Bounds of the API on what a node publishes of its machine.
const (
	maxCPUText  = 8192
	maxCaches   = 1024
	maxNodes    = 256
	maxSiblings = 4096
	maxClasses  = 8
	maxFeatures = 64
	maxFacts    = 64
	maxFactName = 64
	maxFact     = 256
	maxMessage  = 256
)

// Topology is a machine as a node publishes it. A machine that is too large for
// the API is an error, since a part of it would be wrong.
func Topology(m *topology.Machine) (*v1alpha1.Topology, error) {
	out := &v1alpha1.Topology{
		Shape: m.Shape(), CPUs: int32(len(m.CPUs)), Cores: int32(m.Cores()), LLCs: int32(len(m.LLCs)), NUMANodes: int32(len(m.Nodes)), SMT: m.SMT(),
		OnlineCPUs: m.Online().String(), MemoryNodes: m.MemoryNodes().String(),
		OfflineCPUs: m.Offline.String(), IsolatedCPUs: m.Isolated.String(), NohzFullCPUs: m.NohzFull.String(),
	}
	for i := range m.LLCs {
		llc := &m.LLCs[i]
		out.Caches = append(out.Caches, v1alpha1.LastLevelCache{
			ID: int32(llc.ID), Level: int32(llc.Level), SizeKiB: llc.SizeKiB, Node: int32(llc.Node), CPUs: llc.CPUs.String(),
		})
		for _, core := range llc.Cores {
			if core.CPUs.Size() > 1 {
				out.Siblings = append(out.Siblings, core.CPUs.String())
			}
		}
	}
	for i := range m.Nodes {
		n := v1alpha1.NUMANode{ID: int32(m.Nodes[i].ID), CPUs: m.Nodes[i].CPUs.String(), MemoryKiB: m.Nodes[i].MemoryTotalKiB}
		for _, d := range m.Nodes[i].Distances {
			n.Distances = append(n.Distances, int32(d))
		}
		out.Nodes = append(out.Nodes, n)
	}
	out.Classes = classes(m.Classes)
	return out, bounded(out)
}

// Allow says in a machine's topology which CPUs, and memory of which NUMA nodes,
// runs may use there. No set, or one of all online CPUs, is no restriction.
func Allow(t *v1alpha1.Topology, m *topology.Machine, cpus, memory cpuset.CPUSet) error {
	if !memory.IsEmpty() {
		t.MemoryNodes = m.MemoryNodes().Intersection(memory).String()
	}
	online := m.Online()
	if cpus.IsEmpty() || online.IsSubsetOf(cpus) {
		return nil
	}
	t.AllowedCPUs = cpus.Intersection(online).String()
	return bounded(t)
}

// classes are the kinds of CPUs; the smallest are taken together where there are
// more than the API takes.
func classes(of []topology.Class) []v1alpha1.CPUClass {
	var out []v1alpha1.CPUClass
	for i, c := range of {
		if i == maxClasses-1 && len(of) > maxClasses {
			rest := topology.Class{Name: "other"}
			for _, small := range of[i:] {
				rest.CPUs = rest.CPUs.Union(small.CPUs)
			}
			c = rest
		}
		if i < maxClasses {
			out = append(out, v1alpha1.CPUClass{Name: cut(c.Name, maxFactName), Capacity: int32(c.Capacity), CPUs: c.CPUs.String()})
		}
	}
	return out
}

// bounded says what of a topology is more than the API takes.
func bounded(t *v1alpha1.Topology) error {
	for _, list := range []struct {
		of         string
		length, at int
	}{
		{"last-level caches", len(t.Caches), maxCaches},
		{"NUMA nodes", len(t.Nodes), maxNodes},
		{"cores with several threads", len(t.Siblings), maxSiblings},
	} {
		if list.length > list.at {
			return fmt.Errorf("the machine has %d %s, the API takes %d", list.length, list.of, list.at)
		}
	}
	texts := []string{t.OnlineCPUs, t.AllowedCPUs, t.OfflineCPUs, t.IsolatedCPUs, t.NohzFullCPUs, t.MemoryNodes}
	for i := range t.Caches {
		texts = append(texts, t.Caches[i].CPUs)
	}
	for i := range t.Nodes {
		texts = append(texts, t.Nodes[i].CPUs)
	}
	for i := range t.Classes {
		texts = append(texts, t.Classes[i].CPUs)
	}
	longest := slices.MaxFunc(texts, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	if len(longest) > maxCPUText {
		return fmt.Errorf("a list of CPUs of the machine has %d characters, the API takes %d: %s", len(longest), maxCPUText, cut(longest, maxProblem))
	}
	return nil
}

// Features are findings as a node publishes them.
func Features(findings []capability.Finding) []v1alpha1.Feature {
	var out []v1alpha1.Feature
	for _, f := range findings[:min(len(findings), maxFeatures)] {
		out = append(out, v1alpha1.Feature{Name: f.Name, State: v1alpha1.FeatureState(f.State), Message: cut(f.Message, maxMessage)})
	}
	return out
}

// Fingerprint is a fingerprint as a node publishes it: facts about the hardware
// first, then about the software, then what changes by itself.
func Fingerprint(f *fingerprint.Fingerprint) *v1alpha1.Fingerprint {
	out := &v1alpha1.Fingerprint{Digest: f.Digest, HardwareDigest: f.HardwareDigest, SoftwareDigest: f.SoftwareDigest}
	seen := map[string]bool{}
	for _, fact := range slices.Concat(f.Hardware, f.Software, f.Volatile) {
		name := cut(fact.Name, maxFactName)
		if seen[name] || len(out.Facts) == maxFacts {
			continue // the API server would refuse all of it
		}
		seen[name] = true
		out.Facts = append(out.Facts, v1alpha1.Fact{Name: name, Value: cut(fact.Value, maxFact)})
	}
	return out
}

// Realtime is the bandwidth of real-time tasks as a node publishes it, nil where it
// is not known.
func Realtime(b *spec.Bandwidth) *v1alpha1.RealtimeBandwidth {
	if b == nil {
		return nil
	}
	out := &v1alpha1.RealtimeBandwidth{RuntimeMicroseconds: b.Runtime.Microseconds(), PeriodMicroseconds: b.Period.Microseconds()}
	if b.Runtime < 0 {
		out.RuntimeMicroseconds = -1
	}
	return out
}
