// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// nodeState is what the agent knows of its TestNode.
type nodeState struct {
	// facts are the inventory, read when the machine had this signature.
	facts     v1alpha1.TestNodeStatus
	signature string
	read      time.Time
	// published is the status the API has taken, nil before.
	published  *v1alpha1.TestNodeStatus
	generation int64
	checked    time.Time
}

// refreshNode brings the TestNode up to date with the machine. It sends nothing
// if nothing has changed.
func (a *Agent) refreshNode(ctx context.Context) error {
	n := &a.node
	if signature := a.opts.Inventory.Signature(); n.outdated(signature, time.Now(), a.opts.Timings.NodeCheck) {
		facts, notes, err := a.opts.Inventory.Read()
		if err != nil {
			return fmt.Errorf("taking the node's inventory: %w", err)
		}
		n.facts, n.signature, n.read = facts, signature, time.Now()
		a.log.Info("inventory taken", "shape", facts.Topology.Shape, "kernel", facts.Kernel, "scheduler", facts.Scheduler, "notes", notes)
	}
	return a.publish(ctx, a.health.condition())
}

// outdated says whether the inventory is to be taken: at first, when the machine
// has changed, and from time to time as long as a probe could not tell something.
func (n *nodeState) outdated(signature string, now time.Time, every time.Duration) bool {
	if n.facts.Topology == nil || n.signature != signature {
		return true
	}
	untold := slices.ContainsFunc(n.facts.Features, func(f v1alpha1.Feature) bool { return f.State == v1alpha1.FeatureUnknown })
	return untold && now.Sub(n.read) >= every
}

// publish writes the TestNode's status if it differs from what stands there.
func (a *Agent) publish(ctx context.Context, ready metav1.Condition) error {
	n := &a.node
	var conditions []metav1.Condition
	if n.published != nil {
		conditions = n.published.Conditions
	}
	if n.published == nil || time.Since(n.checked) >= a.opts.Timings.NodeCheck {
		live, err := a.api.ensureTestNode(ctx)
		if err != nil {
			return err
		}
		n.checked, n.generation = time.Now(), live.Generation
		if live.Status.AgentInstance != a.instance {
			n.published = nil
			conditions = live.Status.Conditions
		}
	}
	status := a.nodeStatus(conditions, ready)
	if n.published != nil && equality.Semantic.DeepEqual(status, n.published) {
		return nil
	}
	if err := a.api.applyNodeStatus(ctx, status); err != nil {
		if gone(err) {
			n.published = nil // the next pass creates it
		}
		return err
	}
	n.published = status
	a.log.Info("node published", "ready", ready.Status, "reason", ready.Reason, "message", ready.Message)
	return nil
}

// nodeStatus is the whole status; of the conditions before it keeps when the
// node became ready.
func (a *Agent) nodeStatus(before []metav1.Condition, ready metav1.Condition) *v1alpha1.TestNodeStatus {
	status := a.node.facts.DeepCopy()
	status.ObservedGeneration = a.node.generation
	status.AgentVersion = cut(a.opts.Version, maxVersion)
	status.AgentInstance = a.instance
	if was := meta.FindStatusCondition(before, v1alpha1.ConditionReady); was != nil {
		status.Conditions = []metav1.Condition{*was}
	}
	ready.ObservedGeneration = a.node.generation
	meta.SetStatusCondition(&status.Conditions, ready)
	return status
}

func agentStopped() metav1.Condition {
	return metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAgentStopped,
		Message: "the agent was stopped",
	}
}
