// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quarantine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Bounds of texts, whatever NodeRuns and people say.
const (
	maxQuote       = 200
	maxReleaseWord = 256
)

// streakText says which NodeRuns brought the node into quarantine.
func streakText(spoilt []*v1alpha1.NodeRun) string {
	counts := map[string]int{}
	for _, run := range spoilt {
		reason, _ := run.VoidBecause()
		counts[string(reason)]++
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	return fmt.Sprintf("no valid sample for %d Workloads in a row (%s); NodeRun %s is void %s",
		len(spoilt), strings.Join(parts, ", "), nameOf(spoilt[0]), becauseText(spoilt[0]))
}

func becauseText(run *v1alpha1.NodeRun) string {
	reason, message := run.VoidBecause()
	return fmt.Sprintf("(%s: %s)", reason, bounded(message, maxQuote))
}

func asideText(why string, until metav1.Time) string {
	return fmt.Sprintf("%s; on trial from %s, or released by a new value of the annotation %s",
		why, until.UTC().Format(time.RFC3339), v1alpha1.AnnotationReleaseQuarantine)
}

func trialText(next time.Duration) string {
	return fmt.Sprintf("the next NodeRun decides: a valid sample releases the node, one that it spoils sets it aside for %s", next)
}

func withheldText(v view, spoilt []*v1alpha1.NodeRun) string {
	return fmt.Sprintf("not set aside, since %d of %d nodes are already and the cause may be what they have in common: %s",
		v.aside, v.fleet, streakText(spoilt))
}

// releaseWord is the value by which a person last asked to release the node.
func releaseWord(n *v1alpha1.TestNode) string {
	return bounded(n.Annotations[v1alpha1.AnnotationReleaseQuarantine], maxReleaseWord)
}

// bounded cuts text to at most limit bytes.
func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-3], "") + "..."
}
