// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bounds of a message, whatever the number of nodes and of their culprits.
const (
	maxCulprits      = 5
	maxCulpritLength = 160
)

// tooFewFit says how many nodes fit and what is wrong with the others. It
// changes only when nodes do, so it holds no times.
func tooFewFit(d Demand, s *surveyed) string {
	wanted := max(d.Nodes, least(d))
	more := ""
	if d.Begun {
		more = " more"
	}
	asked := fmt.Sprintf("%d%s %s asked for", wanted, more, isAre(wanted))
	if s.total == 0 {
		return "there are no test nodes, " + asked
	}
	head := fmt.Sprintf("%d of %s fit, %s", len(s.fitting), number(s.total, "test node", "test nodes"), asked)
	if len(s.culprits) == 0 {
		return head
	}
	return head + ": " + s.culprits.String()
}

// culprits are what is wrong with nodes, each with how many nodes it is about.
type culprits map[string]*culprit

type culprit struct {
	nodes int
	// detail is what these nodes have instead, empty if that differs.
	detail string
}

// detailBegins separates what is wrong with a node from what it has instead, which
// other nodes with the same culprit need not have.
const detailBegins = " (it has "

func (c culprits) add(text string) {
	reason, detail := text, ""
	if i := strings.LastIndex(text, detailBegins); i >= 0 {
		reason, detail = text[:i], text[i:]
	}
	known, ok := c[reason]
	if !ok {
		known = &culprit{detail: detail}
		c[reason] = known
	}
	if known.nodes++; known.detail != detail {
		known.detail = ""
	}
}

// String names the most frequent culprits first.
func (c culprits) String() string {
	reasons := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		return cmp.Or(-cmp.Compare(c[a].nodes, c[b].nodes), cmp.Compare(a, b))
	})
	var parts []string
	for _, reason := range reasons[:min(len(reasons), maxCulprits)] {
		n := c[reason].nodes
		parts = append(parts, fmt.Sprintf("%d %s", n, plural(n, shorten(reason+c[reason].detail))))
	}
	if rest := reasons[len(parts):]; len(rest) > 0 {
		n := 0
		for _, reason := range rest {
			n += c[reason].nodes
		}
		parts = append(parts, fmt.Sprintf("%d %s for other reasons", n, plural(n, "does not fit")))
	}
	return strings.Join(parts, "; ")
}

// tooFewFree says what keeps the nodes that fit, of which so many are claimed.
func tooFewFree(d Demand, s *surveyed, kept claims, wanted, claimed int) string {
	busy, ahead, spare := 0, 0, -claimed
	for _, n := range s.fitting {
		switch {
		case n.Busy:
			busy++
		case kept[n.Name] != nil:
			ahead++
		default:
			spare++
		}
	}
	text := fmt.Sprintf("%s %s awaited; of %d that fit, %d %s busy",
		number(wanted-claimed, "test node", "test nodes"), isAre(wanted-claimed), len(s.fitting), busy, isAre(busy))
	if ahead > 0 {
		text += fmt.Sprintf(" and %d %s kept for Workloads ahead in the queue", ahead, isAre(ahead))
	}
	if spare > 0 {
		text += fmt.Sprintf(" and %d %s of classes that have their share (placement.spread)", spare, isAre(spare))
	}
	if d.Workload.Spec.Placement.Gang && claimed > 0 {
		text += fmt.Sprintf("; %d %s free and kept for it, as all begin together (placement.gang)", claimed, isAre(claimed))
	}
	return text
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func isAre(n int) string { return plural(n, "is") }

// plural makes the verb a phrase begins with agree with n. Phrases are in the singular.
func plural(n int, phrase string) string {
	if n == 1 {
		return phrase
	}
	verb, rest, _ := strings.Cut(phrase, " ")
	switch verb {
	case "is":
		verb = "are"
	case "has":
		verb = "have"
	case "does":
		verb = "do"
	case "publishes":
		verb = "publish"
	case "cannot":
	default:
		verb = strings.TrimSuffix(verb, "s")
	}
	return strings.TrimSpace(verb + " " + strings.Replace(rest, detailBegins, " (they have ", 1))
}

func shorten(text string) string {
	if len(text) <= maxCulpritLength {
		return text
	}
	return strings.ToValidUTF8(text[:maxCulpritLength-3], "") + "..."
}
