// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// The runner is told what the node allows, with the paths that nobody else knows; what it does
// not allow is refused before.
func TestAJobCarriesTheNodesPolicy(t *testing.T) {
	policy := &spec.Policy{Programs: map[string]string{"sh": "/bin/sh"}, Scratch: "/scratch"}
	a := &Agent{opts: Options{NodeName: "n", CgroupRoot: "/cgroup", Policy: policy}}
	a.node.facts = v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{OnlineCPUs: "0", MemoryNodes: "0"}, Policy: manifest.NodePolicy(policy)}
	run := func(program string) *v1alpha1.NodeRun {
		return &v1alpha1.NodeRun{Spec: v1alpha1.NodeRunSpec{RunID: "r", Run: v1alpha1.RunSpec{
			Duration: metav1.Duration{Duration: time.Second},
			Groups: []v1alpha1.Group{{
				Name: "g", Workers: new(int32(1)), CloneMode: v1alpha1.CloneModeFork, Work: v1alpha1.Work{Exec: &v1alpha1.Exec{Program: program}},
			}},
		}}}
	}
	job, err := a.job(run("sh"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policy, job.Policy); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	const want = "test node n does not offer the program fio, which groups[0].work.exec.program names"
	if _, err := a.job(run("fio")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A manifest can ask for less than the node allows, and for nothing more: whatever it
// says itself, and whatever a manager has made of the published policy.
func TestNoManifestWidensTheNodesPolicy(t *testing.T) {
	policy := &spec.Policy{Bounds: spec.Bounds{UserIDs: spec.IDs{{First: 1000, Last: 1999}}, MaxRealtimePriority: new(0), MaxWorkers: new(2), MaxDuration: new(quantity.Duration(time.Minute))}}
	a := &Agent{opts: Options{NodeName: "n", CgroupRoot: "/cgroup", Policy: policy}}
	a.node.facts = v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{OnlineCPUs: "0", MemoryNodes: "0"}, Policy: manifest.NodePolicy(policy)}
	for _, has := range []string{capability.Credentials, capability.Realtime, capability.CgroupKill} {
		a.node.facts.Features = append(a.node.facts.Features, v1alpha1.Feature{Name: has, State: v1alpha1.FeaturePresent})
	}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.RunSpec)
		want   string
	}{
		"what is allowed":  {func(*v1alpha1.RunSpec) {}, ""},
		"another user":     {func(r *v1alpha1.RunSpec) { r.Groups[0].UID = new(int64(2000)) }, "test node n allows the users 1000-1999 only, and groups[0].uid is 2000"},
		"the agent's user": {func(r *v1alpha1.RunSpec) { r.Groups[0].UID = nil }, "test node n allows the users 1000-1999 only, and groups[0] without a uid has the agent's, 0"},
		"more workers":     {func(r *v1alpha1.RunSpec) { r.Groups[0].Workers = new(int32(3)) }, "test node n allows 2 workers at most, and groups have 3 here"},
		"more time":        {func(r *v1alpha1.RunSpec) { r.Duration.Duration = time.Hour }, "test node n allows runs of 1m0s at most, and duration is 1h0m0s"},
		"dangerous, by words": {func(r *v1alpha1.RunSpec) {
			r.AllowDangerousWork = true
			r.Groups[0].Work = v1alpha1.Work{PreemptStorm: &v1alpha1.PreemptStorm{FairWorkers: 1, RTBurstIters: new(int64(1)), RTSleep: metav1.Duration{Duration: time.Millisecond}}}
		}, "test node n does not allow dangerous work, which groups[0].work.preemptStorm is"},
		"a real-time policy": {func(r *v1alpha1.RunSpec) {
			r.SchedulingPolicies = []v1alpha1.SchedulingPolicy{{Name: "rt", FIFO: &v1alpha1.RealtimePolicy{Priority: 1}}}
			r.Groups[0].SchedulingPolicy = "rt"
		}, "test node n does not allow real-time policies, which groups[0].schedulingPolicy needs"},
	} {
		t.Run(name, func(t *testing.T) {
			run := &v1alpha1.NodeRun{Spec: v1alpha1.NodeRunSpec{RunID: "r", Run: v1alpha1.RunSpec{
				Duration: metav1.Duration{Duration: time.Second},
				Groups:   []v1alpha1.Group{{Name: "g", Workers: new(int32(2)), CloneMode: v1alpha1.CloneModeFork, UID: new(int64(1000)), Work: v1alpha1.Work{SpinWait: &v1alpha1.SpinWait{}}}},
			}}}
			tc.change(&run.Spec.Run)
			job, err := a.job(run)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if err == nil && job.Policy != policy {
				t.Error("the runner is not told the node's policy")
			}
		})
	}
}
