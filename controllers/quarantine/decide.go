// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quarantine

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// view is all that a decision depends on.
type view struct {
	node *v1alpha1.TestNode
	// runs are the NodeRuns of the node, in any order.
	runs []*v1alpha1.NodeRun
	// aside is how many nodes of a fleet are set aside or on trial.
	aside, fleet int
	limits       Limits
	now          time.Time
}

// decision is what is to be said of the node from now on.
type decision struct {
	// condition is Quarantined. Nil: nothing has ever been said.
	condition *metav1.Condition
	memory    v1alpha1.Quarantine
	// wake is when to decide again at the latest. Zero: when something changes.
	wake time.Time
	// withheld is why the node is not set aside though it should be.
	withheld string
}

// decide says how the quarantine of a node goes on. It can be asked as often as one
// likes: what it looks at is NodeRuns, the condition and what was remembered with it.
func decide(v view) decision {
	d := decision{condition: meta.FindStatusCondition(v.node.Status.Conditions, v1alpha1.ConditionQuarantined)}
	if q := v.node.Status.Quarantine; q != nil {
		d.memory = *q.DeepCopy()
	}
	word := releaseWord(v.node)
	asked := word != "" && word != d.memory.Release
	d.memory.Release = word
	exempt := strings.EqualFold(v.node.Annotations[v1alpha1.AnnotationQuarantine], v1alpha1.QuarantineNever)
	held := d.condition != nil && d.condition.Status != metav1.ConditionFalse
	switch {
	case held && exempt:
		return d.release(v, v1alpha1.ReasonExempt, "the annotation "+v1alpha1.AnnotationQuarantine+" exempts the node")
	case held && asked:
		return d.release(v, v1alpha1.ReasonReleased, "released by the annotation "+v1alpha1.AnnotationReleaseQuarantine)
	case exempt:
		return d
	case held && d.condition.Status == metav1.ConditionTrue:
		return d.awaitTrial(v)
	case held:
		return d.judgeTrial(v)
	default:
		return d.watch(v)
	}
}

// watch sets a node aside that has spoilt the samples of several Workloads in a row.
func (d decision) watch(v view) decision {
	var since time.Time
	if d.condition != nil {
		since = d.condition.LastTransitionTime.Time
	}
	spoilt := streak(v.runs, since, v.now)
	if len(spoilt) < maxSpoilt {
		return d
	}
	if most := max(v.fleet/maxAsideOneOf, 1); v.aside >= most {
		d.withheld = withheldText(v, spoilt)
		return d
	}
	return d.setAside(v, reasonOf(spoilt), streakText(spoilt))
}

// awaitTrial lets a NodeRun through once the back-off is over.
func (d decision) awaitTrial(v view) decision {
	until := d.condition.LastTransitionTime.Add(v.limits.backOff(d.memory.Times))
	if d.memory.Until != nil {
		until = d.memory.Until.Time
	}
	if v.now.Before(until) {
		d.wake = until
		return d
	}
	return d.say(v, metav1.ConditionUnknown, v1alpha1.ReasonOnTrial, trialText(v.limits.backOff(d.memory.Times+1)))
}

// judgeTrial looks what became of the first NodeRun that decides something. What was
// cancelled, or is void for no fault of the node, does not.
func (d decision) judgeTrial(v view) decision {
	for _, run := range endedSince(v.runs, d.condition.LastTransitionTime.Time) {
		reason, _ := run.VoidBecause()
		switch {
		case run.Valid():
			return d.release(v, v1alpha1.ReasonTrialPassed, "the NodeRun on trial, "+nameOf(run)+", gave a valid sample")
		case blameOf(reason) != "":
			return d.setAside(v, blameOf(reason), "the NodeRun on trial, "+nameOf(run)+", is void "+becauseText(run))
		}
	}
	return d
}

func (d decision) setAside(v view, reason, why string) decision {
	d.memory.Times++
	until := metav1.NewTime(v.now.Add(v.limits.backOff(d.memory.Times)).Truncate(time.Second))
	d.memory.Until = &until
	d.wake = until.Time
	return d.say(v, metav1.ConditionTrue, reason, asideText(why, until))
}

func (d decision) release(v view, reason, message string) decision {
	d.memory.Times, d.memory.Until = 0, nil
	return d.say(v, metav1.ConditionFalse, reason, message)
}

func (d decision) say(v view, status metav1.ConditionStatus, reason, message string) decision {
	d.condition = &metav1.Condition{
		Type: v1alpha1.ConditionQuarantined, Status: status, Reason: reason, Message: message,
		ObservedGeneration: v.node.Generation, LastTransitionTime: metav1.NewTime(v.now.Truncate(time.Second)),
	}
	return d
}
