// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestWhenTheInventoryIsOutdated(t *testing.T) {
	read := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	facts := func(state v1alpha1.FeatureState) v1alpha1.TestNodeStatus {
		return v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{}, Features: []v1alpha1.Feature{{Name: "A", State: v1alpha1.FeatureAbsent}, {Name: "B", State: state}}}
	}
	known, untold := facts(v1alpha1.FeaturePresent), facts(v1alpha1.FeatureUnknown)
	for name, tc := range map[string]struct {
		facts     v1alpha1.TestNodeStatus
		signature string
		after     time.Duration
		want      bool
	}{
		"it was never taken":             {v1alpha1.TestNodeStatus{}, "s", 0, true},
		"nothing has changed":            {known, "s", time.Hour, false},
		"the machine has changed":        {known, "t", 0, true},
		"a probe could not tell lately":  {untold, "s", time.Minute - 1, false},
		"a probe could not tell a while": {untold, "s", time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := nodeState{facts: tc.facts, signature: "s", read: read}
			if got := n.outdated(tc.signature, read.Add(tc.after), time.Minute); got != tc.want {
				t.Errorf("outdated: %v, want %v", got, tc.want)
			}
		})
	}
}
