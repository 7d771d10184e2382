// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// quarantined says why a node is set aside, as what could follow its name.
func quarantined(n Node) string {
	c := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionQuarantined)
	return fmt.Sprintf("is quarantined (%s)", c.Reason)
}

// onTrial sorts nodes whose next NodeRun decides about their quarantine behind the
// others: a Workload need not be the one that finds out, as long as there is a choice.
func onTrial(n Node) int {
	if n.OnTrial() {
		return 1
	}
	return 0
}
