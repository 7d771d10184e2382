// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/admission"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// plannable is a test node with its Lease.
func plannable(t *testing.T, name, shape string, options ...func(*v1alpha1.TestNode)) []client.Object {
	t.Helper()
	m, err := topology.Synthetic(shape)
	if err != nil {
		t.Fatal(err)
	}
	n := &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if n.Status.Topology, err = manifest.Topology(m); err != nil {
		t.Fatal(err)
	}
	n.Status.Kernel = "7.3.4"
	n.Status.Fingerprint = &v1alpha1.Fingerprint{Digest: "of" + shape}
	n.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAgentReady}}
	for _, c := range []string{capability.CgroupCpuset, capability.CgroupV2} {
		n.Status.Features = append(n.Status.Features, v1alpha1.Feature{Name: c, State: v1alpha1.FeaturePresent})
	}
	for _, o := range options {
		o(n)
	}
	now := metav1.NowMicro()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.DefaultLeaseNamespace, Name: name}}
	lease.Spec.RenewTime, lease.Spec.LeaseDurationSeconds = &now, new(int32(3600))
	return []client.Object{n, lease}
}

const planned = `
apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata: {name: w}
spec:
  duration: 2s
  seed: 1
  placement: {PLACEMENT}
  cgroups: [{name: c, cpuset: {llc: 1}}]
  groups:
  - {name: pinned, cloneMode: Fork, workersPercent: 50, cgroup: c, work: {spinWait: {}}}
  - {name: free, cloneMode: Fork, workers: 2, affinity: {exact: "0-1"}, work: {spinWait: {}}}
`

// planFor plans on a fleet of a free, a busy, a cordoned, and a small node.
func planFor(t *testing.T, placement string, calls interceptor.Funcs) (*plan, error) {
	t.Helper()
	run := &v1alpha1.NodeRun{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "other-busy-1"}, Spec: v1alpha1.NodeRunSpec{NodeName: "busy"}}
	objects := []client.Object{run}
	objects = append(objects, plannable(t, "free", "1n2l2c1t")...)
	objects = append(objects, plannable(t, "busy", "1n2l4c1t")...)
	objects = append(objects, plannable(t, "cordoned", "1n2l2c1t", func(n *v1alpha1.TestNode) { n.Spec.Unschedulable = true })...)
	objects = append(objects, plannable(t, "small", "1n1l2c1t")...)
	scheme, err := clusterScheme()
	if err != nil {
		t.Fatal(err)
	}
	api := interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build(), calls)
	object, err := admission.Parse([]byte(strings.ReplaceAll(planned, "PLACEMENT", placement)))
	if err != nil {
		t.Fatal(err)
	}
	o := planOptions{leaseNamespace: v1alpha1.DefaultLeaseNamespace}
	p, err := o.plan(t.Context(), api, &unstructured.Unstructured{Object: object}, "team")
	var left v1alpha1.WorkloadList
	if err := api.List(t.Context(), &left); err != nil || len(left.Items) > 0 {
		t.Errorf("the plan has left %d Workloads (%v)", len(left.Items), err)
	}
	return p, err
}

func TestAPlanSaysWhatHappensOnEachNode(t *testing.T) {
	p, err := planFor(t, "nodes: 1", interceptor.Funcs{})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := printPlan(&table, p); err != nil {
		t.Fatal(err)
	}
	want := `Workload team/w would start now on 1 of 4 test nodes

  NODE       STATE      SHAPE      KERNEL   CLASS        WHY
  free       Chosen     1n2l2c1t   7.3.4    of1n2l2c1t   -
  busy       Busy       1n2l4c1t   7.3.4    of1n2l4c1t   has the NodeRun team/other-busy-1
  cordoned   Excluded   1n2l2c1t   7.3.4    of1n2l2c1t   is cordoned
  small      Excluded   1n1l2c1t   7.3.4    of1n1l2c1t   lacks the last-level cache 1 that cgroups[0].cpuset.llc names (it has 1, counted from 0)

On free (1n2l2c1t):
  CGROUP   CPUS   MEMORY NODES
  c        2-3    inherited
  GROUP    WORKERS   CGROUP   CPUS   AFFINITY
  pinned   1         c        2-3    inherited
  free     2         -        0-3    0-1

On busy (1n2l4c1t):
  CGROUP   CPUS   MEMORY NODES
  c        4-7    inherited
  GROUP    WORKERS   CGROUP   CPUS   AFFINITY
  pinned   2         c        4-7    inherited
  free     2         -        0-7    0-1
`
	if diff := cmp.Diff(want, table.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := p.outcome(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	for _, form := range []string{"json", "yaml"} {
		var text strings.Builder
		if err := planWriters[form](&text, p); err != nil || !strings.Contains(text.String(), "other-busy-1") {
			t.Errorf("%s: %v\n%s", form, err, text.String())
		}
	}
	var back plan
	var text strings.Builder
	_ = planWriters["json"](&text, p)
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*p, back); diff != "" {
		t.Errorf("not all of it is in the JSON (-plan +JSON)\n%s", diff)
	}
}

func TestWhatAPlanEndsWith(t *testing.T) {
	refuse := func(err error) interceptor.Funcs {
		return interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return err }}
	}
	kind := v1alpha1.GroupVersion.WithKind("Workload").GroupKind()
	resource := v1alpha1.GroupVersion.WithResource("workloads").GroupResource()
	for name, tc := range map[string]struct {
		placement string
		calls     interceptor.Funcs
		code      int
		says      string
	}{
		"it starts":              {"nodes: 1", interceptor.Funcs{}, 0, "would start now on 1 of 4"},
		"a part of it starts":    {"allNodes: true", interceptor.Funcs{}, exitNoneFree, "would start now on 1 of the 2 test nodes asked for, and wait for the rest (WaitingForNodes): 1 test node is awaited"},
		"a gang waits":           {"allNodes: true, gang: true", interceptor.Funcs{}, exitNoneFree, "would wait (WaitingForNodes): 1 test node is awaited"},
		"too few nodes fit":      {"nodes: 3", interceptor.Funcs{}, exitNoneFit, "would wait (NoFittingNode): 2 of 4 test nodes fit, 3 are asked for"},
		"the manager refuses it": {`requires: {kernel: {min: "7.0", below: "6.0"}}`, interceptor.Funcs{}, exitBadCall, "no kernel is 7.0 or newer and older than 6.0"},
		"the API server does":    {"nodes: 1", refuse(apierrors.NewInvalid(kind, "w", nil)), exitBadCall, "is invalid"},
		"it is there already":    {"nodes: 1", refuse(apierrors.NewAlreadyExists(resource, "w")), exitBadCall, "a plan is about a Workload that is not there yet"},
		"nobody answers":         {"nodes: 1", refuse(errors.New("no route")), exitFailed, "asking the API server for a dry run: no route"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := planFor(t, tc.placement, tc.calls)
			said := ""
			if err != nil {
				said = err.Error()
			} else {
				said, err = p.wouldDo(), p.outcome()
			}
			if got := exitCode(err); got != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("it ends with %d, want %d, and says %q, want %q in it", got, tc.code, said, tc.says)
			}
		})
	}
}

func TestASuspendedWorkloadWouldNotStart(t *testing.T) {
	p, err := planFor(t, "nodes: 1}\n  suspend: true\n  memoryPolicies: [] # {", interceptor.Funcs{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "would wait (Suspended): nothing is placed while spec.suspend is set; without it: it starts at once"; p.wouldDo() != want || p.Starts {
		t.Errorf("got %q, want %q", p.wouldDo(), want)
	}
}

func TestAPlanNeedsACluster(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(planned, "PLACEMENT", "nodes: 1")), 0o600); err != nil {
		t.Fatal(err)
	}
	o := planOptions{output: "table", cluster: clusterFlags{kubeconfig: filepath.Join(t.TempDir(), "none")}}
	if err := o.run(t.Context(), path, nil, nil); err == nil || !strings.Contains(err.Error(), "finding the cluster (set KUBECONFIG, or give --kubeconfig)") {
		t.Errorf("got %v", err)
	}
}
