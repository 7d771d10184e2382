// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// outcome is how a Workload has ended. The zero value: it has not.
type outcome struct {
	complete bool
	failed   bool
	reason   string
	message  string
}

func (o outcome) ended() bool { return o.complete || o.failed }

// facts are what an outcome depends on.
type facts struct {
	tally   tally
	refusal *manifest.Refusal
	// mergeErr is why the results of the valid NodeRuns cannot be merged.
	mergeErr error
	// overdue says that spec.deadline has passed, and overdueGrace that the time
	// NodeRuns were given to end after that has, too.
	overdue, overdueGrace bool
	deadline              time.Duration
}

// judge says whether and how a Workload has ended. NodeRuns that still run are
// waited for: two bad nodes do not throw the samples of the others away.
func judge(f facts) outcome {
	t := f.tally
	running := len(t.unfinished()) > 0
	stoppedByDeadline := f.overdue && len(t.withdrawn) > 0
	switch {
	case f.refusal != nil:
		return failure(f.refusal.Reason, f.refusal.Message)
	case t.satisfied() && (!running || f.overdue) && f.mergeErr != nil:
		return failure(v1alpha1.ReasonVoidSample, fmt.Sprintf("the results of the nodes cannot be merged: %v", f.mergeErr))
	case t.satisfied() && (!running || f.overdue):
		return outcome{complete: true, reason: v1alpha1.ReasonAllValid, message: validText(t)}
	case !running && len(t.spoilt) > 0 && !stoppedByDeadline:
		return failure(v1alpha1.ReasonVoidSample, voidText(t))
	case !running && !t.unsettled() && t.retriesExhausted() && !stoppedByDeadline:
		return failure(v1alpha1.ReasonRetriesExhausted, fmt.Sprintf("%s; %s", retriesText(t), voidText(t)))
	case f.overdue && (!running || f.overdueGrace):
		return failure(v1alpha1.ReasonDeadlineExceeded, overdueText(t, f.deadline))
	default:
		return outcome{}
	}
}

func failure(reason, message string) outcome {
	return outcome{failed: true, reason: reason, message: bounded(message, maxMessage)}
}

func validText(t tally) string {
	return fmt.Sprintf("%d of %d nodes gave a valid sample", len(t.valid), t.desired)
}

func retriesText(t tally) string {
	if t.retries == 0 {
		return "spec.retries allows no retry"
	}
	return fmt.Sprintf("all retries are used up (spec.retries is %d)", t.retries)
}

// voidText counts the void NodeRuns by reason and quotes one of the most frequent.
func voidText(t tally) string {
	void := slices.Concat(t.spoilt, t.lost)
	counts := map[v1alpha1.VoidReason]int{}
	for _, run := range void {
		reason, _ := voidBecause(run)
		counts[reason]++
	}
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b v1alpha1.VoidReason) int {
		return cmp.Or(-cmp.Compare(counts[a], counts[b]), cmp.Compare(a, b))
	})
	var parts []string
	for _, reason := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	worst := void[slices.IndexFunc(void, func(run *v1alpha1.NodeRun) bool {
		reason, _ := voidBecause(run)
		return reason == reasons[0]
	})]
	_, why := voidBecause(worst)
	return fmt.Sprintf("%d of %d NodeRuns are void (%s); %s: %s", len(void), t.stands(), strings.Join(parts, ", "), worst.Name, why)
}

func overdueText(t tally, after time.Duration) string {
	text := fmt.Sprintf("spec.deadline of %s has passed; %s", after, validText(t))
	if t.unsettled() {
		text = fmt.Sprintf("spec.deadline of %s has passed; no NodeRun was created", after)
	}
	if unfinished := t.unfinished(); len(unfinished) > 0 {
		text += "; not confirmed to have stopped: " + nodeNames(unfinished)
	}
	return text
}

func notConfirmedClean(unfinished []*v1alpha1.NodeRun) string {
	return bounded("deleted without confirmation that the NodeRuns have ended on "+nodeNames(unfinished), maxMessage)
}

// maxNames bounds lists of nodes in messages.
const maxNames = 5

// maxMessage bounds the messages of conditions and events; an event allows no more.
const maxMessage = 1000

// nodeNames lists the nodes of NodeRuns, the first few by name.
func nodeNames(runs []*v1alpha1.NodeRun) string {
	names := slices.Sorted(maps.Keys(nodesOf(runs)))
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), more)
	}
	return strings.Join(names, ", ")
}

// bounded cuts text to at most limit bytes.
func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-3], "") + "..."
}
