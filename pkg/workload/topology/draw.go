// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

const (
	drawWidth  = 80
	coreIndent = "    "
)

// Draw writes the machine as text of at most 80 columns: NUMA nodes, in them
// last-level caches, in them cores, each as the CPUs that are threads of it.
func (m *Machine) Draw(w io.Writer) error {
	var b strings.Builder
	smt := "no SMT"
	if m.SMT() {
		smt = "SMT"
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s, %s, %s\n", m.Shape(), count(len(m.Nodes), "NUMA node"),
		count(len(m.LLCs), "last-level cache"), count(m.Cores(), "core"), count(len(m.CPUs), "CPU"), smt)
	b.WriteString("each [ ] is a core with its CPUs\n")
	for i := range m.Nodes {
		m.drawNode(&b, &m.Nodes[i])
	}
	if len(m.Warnings) > 0 {
		b.WriteByte('\n')
	}
	for _, warning := range m.Warnings {
		drawWords(&b, "note: ", strings.Fields(warning))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (m *Machine) drawNode(b *strings.Builder, n *Node) {
	fmt.Fprintf(b, "\nnode %d: %s", n.ID, n.memoryText())
	if n.MemoryOnly() {
		b.WriteString(", without CPUs")
	}
	b.WriteByte('\n')
	if len(m.Nodes) > 1 {
		drawWords(b, "  distances:", m.distanceWords(n))
	}
	for i := range m.LLCs {
		llc := &m.LLCs[i]
		here := llc.CPUs.Intersection(n.CPUs)
		if here.IsEmpty() {
			continue
		}
		b.WriteString("  " + llc.title(here) + "\n")
		drawWords(b, coreIndent, coreWords(llc, here))
	}
}

func (n *Node) memoryText() string {
	if n.MemoryTotalKiB == 0 {
		return "memory unknown"
	}
	return sizeText(n.MemoryTotalKiB) + " of memory"
}

// distanceWords are the distances to the other nodes.
func (m *Machine) distanceWords(from *Node) []string {
	var words []string
	for i, d := range from.Distances {
		if m.Nodes[i].ID != from.ID {
			words = append(words, fmt.Sprintf("%d to node %d,", d, m.Nodes[i].ID))
		}
	}
	words[len(words)-1] = strings.TrimSuffix(words[len(words)-1], ",")
	return words
}

// title describes a cache of which the CPUs here are drawn.
func (l *LLC) title(here cpuset.CPUSet) string {
	title := fmt.Sprintf("LLC %d", l.ID)
	switch {
	case l.Level == 0:
		title += " (assumed)"
	case l.SizeKiB == 0:
		title += fmt.Sprintf(" (L%d)", l.Level)
	default:
		title += fmt.Sprintf(" (L%d, %s)", l.Level, sizeText(l.SizeKiB))
	}
	if !here.Equals(l.CPUs) {
		title += ", shared with another node"
	}
	return title
}

func coreWords(l *LLC, here cpuset.CPUSet) []string {
	var words []string
	for _, core := range l.Cores {
		threads := core.CPUs.Intersection(here).List()
		if len(threads) == 0 {
			continue
		}
		ids := make([]string, 0, len(threads))
		for _, id := range threads {
			ids = append(ids, strconv.Itoa(id))
		}
		words = append(words, "["+strings.Join(ids, " ")+"]")
	}
	return words
}

// drawWords writes words after a prefix and breaks lines between them; further
// lines are indented as far as the prefix is.
func drawWords(b *strings.Builder, prefix string, words []string) {
	line := strings.TrimRight(prefix, " ")
	indent := strings.Repeat(" ", max(len(line), len(coreIndent)-1))
	if line == "" {
		line = indent
	}
	empty := true
	for _, word := range words {
		if !empty && len(line)+1+len(word) > drawWidth {
			b.WriteString(line + "\n")
			line = indent
		}
		line += " " + word
		empty = false
	}
	b.WriteString(line + "\n")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sizeText shows KiB in the largest unit that keeps a number of at least 1.
func sizeText(kib int64) string {
	switch {
	case kib >= 1<<20:
		return strconv.FormatFloat(float64(kib)/(1<<20), 'f', 1, 64) + " GiB"
	case kib >= 1<<10:
		return strconv.FormatFloat(float64(kib)/(1<<10), 'g', 4, 64) + " MiB"
	default:
		return strconv.FormatInt(kib, 10) + " KiB"
	}
}
