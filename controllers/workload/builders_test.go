// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

type workloadOption func(*v1alpha1.Workload)

// load is a Workload on n nodes with one retry.
func load(n int32, options ...workloadOption) *v1alpha1.Workload {
	w := &v1alpha1.Workload{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: "w", UID: "uid-w", Generation: 3, CreationTimestamp: metav1.NewTime(epoch),
	}}
	w.Spec.Placement.Nodes = &n
	w.Spec.Retries = 1
	for _, o := range options {
		o(w)
	}
	return w
}

func retries(n int32) workloadOption {
	return func(w *v1alpha1.Workload) { w.Spec.Retries = n }
}

func enough(nodes int32) workloadOption {
	return func(w *v1alpha1.Workload) { w.Spec.SuccessPolicy = &v1alpha1.SuccessPolicy{MinValidNodes: &nodes} }
}

func enoughPercent(p int32) workloadOption {
	return func(w *v1alpha1.Workload) { w.Spec.SuccessPolicy = &v1alpha1.SuccessPolicy{MinValidPercent: &p} }
}

func onAll(settled int32) workloadOption {
	return func(w *v1alpha1.Workload) {
		w.Spec.Placement = v1alpha1.Placement{AllNodes: true}
		if settled > 0 {
			w.Status.Nodes = &v1alpha1.NodeCounts{Desired: settled}
		}
	}
}

func onShare(settled int32) workloadOption {
	return func(w *v1alpha1.Workload) {
		onAll(settled)(w)
		w.Spec.Placement = v1alpha1.Placement{NodesPercent: new(int32(50))}
	}
}

type runOption func(*v1alpha1.NodeRun)

// runOn is the first NodeRun on a node, not taken yet.
func runOn(node string, options ...runOption) *v1alpha1.NodeRun {
	run := newNodeRun(load(1), node)
	run.Name = v1alpha1.NodeRunName("w", node, 1)
	run.Spec.RunID = "run-" + node
	run.CreationTimestamp = metav1.NewTime(epoch)
	for _, o := range options {
		o(run)
	}
	return run
}

func set(run *v1alpha1.NodeRun, kind string, status metav1.ConditionStatus, reason, message string) {
	run.Status.Conditions = append(run.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message})
}

func running(run *v1alpha1.NodeRun) {
	set(run, v1alpha1.ConditionStarted, metav1.ConditionTrue, v1alpha1.ReasonTaken, "")
}

func cancelled(run *v1alpha1.NodeRun) { run.Spec.Cancel = true }

func evicted(run *v1alpha1.NodeRun) { run.Spec.Cancel, run.Spec.Eviction = true, "drained" }

func valid(run *v1alpha1.NodeRun) {
	set(run, v1alpha1.ConditionComplete, metav1.ConditionTrue, v1alpha1.ReasonReported, "")
	set(run, v1alpha1.ConditionValid, metav1.ConditionTrue, v1alpha1.ReasonValid, "")
	run.Status.Result = &v1alpha1.RunResult{RunID: run.Spec.RunID}
}

func voided(reason v1alpha1.VoidReason) runOption {
	return func(run *v1alpha1.NodeRun) {
		set(run, v1alpha1.ConditionFailed, metav1.ConditionTrue, string(reason), "")
		set(run, v1alpha1.ConditionValid, metav1.ConditionFalse, string(reason), fmt.Sprintf("%s on %s", reason, run.Spec.NodeName))
	}
}

func endedAfter(d time.Duration) runOption {
	return func(run *v1alpha1.NodeRun) { run.Status.CompletionTime = new(metav1.NewMicroTime(epoch.Add(d))) }
}

func runs(list ...*v1alpha1.NodeRun) []*v1alpha1.NodeRun { return list }
