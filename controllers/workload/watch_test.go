// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestFitsDifferently(t *testing.T) {
	before := &v1alpha1.TestNode{}
	before.Status.Topology = &v1alpha1.Topology{CPUs: 2}
	before.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.TestNode)
		want   bool
	}{
		"nothing":                            {func(*v1alpha1.TestNode) {}, false},
		"a condition's text":                 {func(n *v1alpha1.TestNode) { n.Status.Conditions[0].Message = "fine" }, false},
		"readiness":                          {func(n *v1alpha1.TestNode) { n.Status.Conditions[0].Status = metav1.ConditionFalse }, true},
		"the quarantine":                     {func(n *v1alpha1.TestNode) { quarantine(n, metav1.ConditionTrue, v1alpha1.ReasonKeepsFailing) }, true},
		"that it is on trial":                {func(n *v1alpha1.TestNode) { quarantine(n, metav1.ConditionUnknown, v1alpha1.ReasonOnTrial) }, true},
		"what is remembered of a quarantine": {func(n *v1alpha1.TestNode) { n.Status.Quarantine = &v1alpha1.Quarantine{Release: "x"} }, false},
		"a label":                            {func(n *v1alpha1.TestNode) { n.Labels = map[string]string{"a": "b"} }, true},
		"a taint":                            {func(n *v1alpha1.TestNode) { n.Spec.Taints = []v1alpha1.Taint{{Key: "k"}} }, true},
		"the cordon":                         {func(n *v1alpha1.TestNode) { n.Spec.Unschedulable = true }, true},
		"a CPU":                              {func(n *v1alpha1.TestNode) { n.Status.Topology.CPUs = 3 }, true},
		"a cache": {func(n *v1alpha1.TestNode) {
			n.Status.Topology.Caches = []v1alpha1.LastLevelCache{{CPUs: "0-1"}}
		}, true},
		"bandwidth": {func(n *v1alpha1.TestNode) { n.Status.Realtime = &v1alpha1.RealtimeBandwidth{RuntimeMicroseconds: -1} }, true},
		"a fact": {func(n *v1alpha1.TestNode) {
			n.Status.Fingerprint = &v1alpha1.Fingerprint{Facts: []v1alpha1.Fact{{Name: "a"}}}
		}, false},
		"the class": {func(n *v1alpha1.TestNode) { n.Status.Fingerprint = &v1alpha1.Fingerprint{Digest: "d"} }, true},
		"a kernel":  {func(n *v1alpha1.TestNode) { n.Status.Kernel = "7.3" }, true},
		"a feature": {func(n *v1alpha1.TestNode) { n.Status.Features = []v1alpha1.Feature{{Name: "SchedExt"}} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			after := before.DeepCopy()
			tc.change(after)
			if got := fitsDifferently(before, after); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

func quarantine(n *v1alpha1.TestNode, status metav1.ConditionStatus, reason string) {
	n.Status.Conditions = append(n.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionQuarantined, Status: status, Reason: reason})
}
