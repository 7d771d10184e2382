// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Unwelcome says why a node wants to be rid of a NodeRun that stands on it, as what
// could follow the node's name. One that its agent has started is welcome until
// a taint says otherwise; one that it has not is as unwelcome as a new one.
func Unwelcome(n *v1alpha1.TestNode, p *v1alpha1.Placement, started bool) string {
	taints := n.Spec.Taints
	if started {
		taints = slices.DeleteFunc(slices.Clone(taints), func(t v1alpha1.Taint) bool { return !t.NoExecute() })
	} else if n.Spec.Unschedulable {
		return "was cordoned before its agent had taken the run"
	}
	if t, ok := repelling(taints, p.Tolerations); ok {
		return fmt.Sprintf("has the taint %s with the effect %s, which is not tolerated", taintText(t), t.Effect)
	}
	return ""
}
