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
