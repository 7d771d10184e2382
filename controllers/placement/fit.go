// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// surveyed is what looking at every node for one Workload gave.
type surveyed struct {
	fitting []Node
	total   int
	// culprits are why the other nodes do not fit.
	culprits culprits
	// note, if set, is told of each of these.
	note func(node, culprit string)
	// lost are how many nodes of each class are to be replaced.
	lost map[string]int
}

func (s *surveyed) exclude(n Node, culprit string) {
	s.culprits.add(culprit)
	if s.note != nil {
		s.note(n.Name, culprit)
	}
}

// survey looks at every node. The run is read once, and resolved once on all
// machines that are alike: that takes far longer than the rest.
func survey(d Demand, nodes []Node, note func(node, culprit string)) *surveyed {
	s := &surveyed{total: len(nodes), culprits: culprits{}, note: note, lost: lostClasses(d, nodes)}
	run, err := manifest.Model(&d.Workload.Spec.RunSpec)
	verdicts := map[manifest.MachineDigest]string{}
	for _, n := range nodes {
		culprit := unfit(d, n)
		if culprit == "" && err != nil {
			culprit = err.Error()
		}
		if culprit == "" {
			verdict, known := verdicts[n.Machine]
			if !known {
				verdict = manifest.Unfit(run, &n.Status)
				verdicts[n.Machine] = verdict
			}
			culprit = verdict
		}
		if culprit != "" {
			s.exclude(n, culprit)
			continue
		}
		s.fitting = append(s.fitting, n)
	}
	return s
}

// unfit says why a node cannot take the Workload whatever its run is, as what
// could follow the node's name. It is empty for a node that can, busy or not.
func unfit(d Demand, n Node) string {
	placement := &d.Workload.Spec.Placement
	if d.Taken.Has(n.Name) {
		return "has a NodeRun of this Workload"
	}
	if !n.Alive {
		return "sends no heartbeat"
	}
	if !n.Ready() {
		return notReady(n)
	}
	if n.Spec.Unschedulable {
		return "is cordoned"
	}
	if n.Quarantined() {
		return quarantined(n)
	}
	if t, ok := repelling(n.Spec.Taints, placement.Tolerations); ok {
		return fmt.Sprintf("has the taint %s, which is not tolerated", taintText(t))
	}
	if label, ok := missingLabel(n.Labels, placement.NodeSelector); ok {
		return fmt.Sprintf("lacks the label %s", label)
	}
	if (placement.SameClass || placement.Spread != "") && n.Class() == "" {
		return "has published no fingerprint, so its class is not known"
	}
	return lacking(placement.Requires, &n.Status)
}

func notReady(n Node) string {
	ready := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return "is not ready"
	}
	return fmt.Sprintf("is not ready (%s)", ready.Reason)
}

// repelling is the first taint that no toleration covers.
func repelling(taints []v1alpha1.Taint, tolerations []v1alpha1.Toleration) (v1alpha1.Taint, bool) {
	for _, taint := range taints {
		tolerated := slices.ContainsFunc(tolerations, func(t v1alpha1.Toleration) bool {
			return t.Key == taint.Key && (t.Value == nil || *t.Value == taint.Value)
		})
		if !tolerated {
			return taint, true
		}
	}
	return v1alpha1.Taint{}, false
}

func taintText(t v1alpha1.Taint) string {
	if t.Value == "" {
		return t.Key
	}
	return t.Key + "=" + t.Value
}

// missingLabel is the first label, by name, that the selector asks for in vain.
func missingLabel(labels, selector map[string]string) (string, bool) {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if value, ok := labels[key]; !ok || value != selector[key] {
			return key + "=" + selector[key], true
		}
	}
	return "", false
}

// lacking says what the machine does not have of what is required.
func lacking(requires *v1alpha1.MachineRequirements, node *v1alpha1.TestNodeStatus) string {
	if requires == nil {
		return ""
	}
	shape := v1alpha1.Topology{}
	if node.Topology != nil {
		shape = *node.Topology
	}
	for _, least := range []struct {
		required *int32
		has      int32
		one, all string
	}{
		{requires.MinCPUs, shape.CPUs, "CPU", "CPUs"},
		{requires.MinCores, shape.Cores, "core", "cores"},
		{requires.MinLLCs, shape.LLCs, "last-level cache", "last-level caches"},
		{requires.MinNUMANodes, shape.NUMANodes, "NUMA node", "NUMA nodes"},
	} {
		if least.required != nil && least.has < *least.required {
			return fmt.Sprintf("has fewer than %s%s%d)", number(int(*least.required), least.one, least.all), detailBegins, least.has)
		}
	}
	if requires.SMT && !shape.SMT {
		return "has no SMT"
	}
	if arch := requires.Architecture; arch != "" && node.Architecture != arch {
		return fmt.Sprintf("has another architecture than %s%s%s)", arch, detailBegins, cmp.Or(node.Architecture, "told none"))
	}
	if culprit := manifest.OutsideKernels(requires.Kernel, node.Kernel); culprit != "" {
		return culprit
	}
	for _, name := range requires.Features {
		if culprit := absent(name, node.Features); culprit != "" {
			return culprit
		}
	}
	return ""
}

// absent says why a feature cannot be counted on. That it is not there and that
// nobody knows are told apart.
func absent(name string, features []v1alpha1.Feature) string {
	i := slices.IndexFunc(features, func(f v1alpha1.Feature) bool { return f.Name == name })
	switch {
	case i < 0:
		return fmt.Sprintf("does not tell of the feature %s", name)
	case features[i].State == v1alpha1.FeaturePresent:
		return ""
	case features[i].State == v1alpha1.FeatureUnknown:
		return fmt.Sprintf("cannot tell whether it has the feature %s", name)
	default:
		return fmt.Sprintf("lacks the feature %s", name)
	}
}
