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
	// cutShort says that it is complete without NodeRuns that were withdrawn.
	cutShort bool
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
	// noneFits says that no node is left for the NodeRuns that are still to be created.
	noneFits bool
}

// judge says whether and how a Workload has ended. NodeRuns that still run are
// waited for: two bad nodes do not throw the samples of the others away.
func judge(f facts) outcome {
	t := f.tally
	running := len(t.unfinished()) > 0
	stoppedByDeadline := f.overdue && len(t.withdrawn) > 0
	all := t.satisfied() && (!running || f.overdue)
	enough := t.enough() && (f.over() || f.overdueGrace)
	switch {
	case f.refusal != nil:
		return failure(f.refusal.Reason, f.refusal.Message)
	case (all || enough) && f.mergeErr != nil:
		return failure(v1alpha1.ReasonVoidSample, fmt.Sprintf("the results of the nodes cannot be merged: %v", f.mergeErr))
	case all:
		return outcome{complete: true, reason: v1alpha1.ReasonAllValid, message: validText(t)}
	case enough:
		return outcome{complete: true, reason: v1alpha1.ReasonEnoughValid, message: bounded(enoughText(f), maxMessage), cutShort: stoppedByDeadline}
	case !running && t.hopeless() && !stoppedByDeadline && len(t.spoilt) > 0:
		return failure(v1alpha1.ReasonVoidSample, shortText(t)+voidText(t))
	case !running && t.hopeless() && !stoppedByDeadline:
		return failure(v1alpha1.ReasonRetriesExhausted, fmt.Sprintf("%s%s; %s", shortText(t), retriesText(t), voidText(t)))
	case f.overdue && (!running || f.overdueGrace):
		return failure(v1alpha1.ReasonDeadlineExceeded, overdueText(t, f.deadline))
	default:
		return outcome{}
	}
}

// over says that nothing runs, and that no NodeRun will: none is to be created, there
// is no node for it, or no time.
func (f facts) over() bool {
	return len(f.tally.unfinished()) == 0 && (f.tally.missing() == 0 || f.noneFits || f.overdue)
}

func failure(reason, message string) outcome {
	return outcome{failed: true, reason: reason, message: bounded(message, maxMessage)}
}

func validText(t tally) string {
	return fmt.Sprintf("%d of %d nodes gave a valid sample", len(t.valid), t.desired)
}

// enoughText says what the nodes gave that did not give a valid sample.
func enoughText(f facts) string {
	t := f.tally
	text := validText(t) + policyText(t)
	if void := t.void(); len(void) > 0 {
		text += fmt.Sprintf("; %d void (%s)", len(void), reasonsText(void))
	}
	switch unfinished := t.unfinished(); {
	case f.overdue:
		text += fmt.Sprintf("; spec.deadline of %s has passed", f.deadline)
		if len(unfinished) > 0 {
			text += "; not confirmed to have stopped: " + nodeNames(unfinished)
		}
	case t.missing() > 0:
		text += fmt.Sprintf("; no node is left to repeat %d", t.missing())
	}
	return text
}

// policyText says what a success policy asks for, where that is not all nodes.
func policyText(t tally) string {
	if t.required >= t.desired {
		return ""
	}
	return fmt.Sprintf(", spec.successPolicy asks for %d", t.required)
}

// shortText begins the message of a success policy that was missed.
func shortText(t tally) string {
	if policyText(t) == "" {
		return ""
	}
	return validText(t) + policyText(t) + "; "
}

func retriesText(t tally) string {
	if t.retries == 0 {
		return "spec.retries allows no retry"
	}
	return fmt.Sprintf("all retries are used up (spec.retries is %d)", t.retries)
}

// voidText counts the void NodeRuns by reason and quotes one of the most frequent.
func voidText(t tally) string {
	void := t.void()
	_, most := reasonsOf(void)
	worst := void[slices.IndexFunc(void, func(run *v1alpha1.NodeRun) bool {
		reason, _ := voidBecause(run)
		return reason == most[0]
	})]
	_, why := voidBecause(worst)
	return fmt.Sprintf("%d of %d NodeRuns are void (%s); %s: %s", len(void), t.stands(), reasonsText(void), worst.Name, why)
}

// reasonsOf counts void NodeRuns by reason, and lists the reasons, the most frequent first.
func reasonsOf(void []*v1alpha1.NodeRun) (counts map[v1alpha1.VoidReason]int, most []v1alpha1.VoidReason) {
	counts = map[v1alpha1.VoidReason]int{}
	for _, run := range void {
		reason, _ := voidBecause(run)
		counts[reason]++
	}
	most = slices.SortedFunc(maps.Keys(counts), func(a, b v1alpha1.VoidReason) int {
		return cmp.Or(-cmp.Compare(counts[a], counts[b]), cmp.Compare(a, b))
	})
	return counts, most
}

func reasonsText(void []*v1alpha1.NodeRun) string {
	counts, most := reasonsOf(void)
	var parts []string
	for _, reason := range most {
		parts = append(parts, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	return strings.Join(parts, ", ")
}

func overdueText(t tally, after time.Duration) string {
	text := fmt.Sprintf("spec.deadline of %s has passed; %s", after, validText(t)+policyText(t))
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
