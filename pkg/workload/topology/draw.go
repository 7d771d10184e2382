// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

const (
	drawWidth  = 80
	coreIndent = "    "
)

// drawing is the text of a machine while it is written.
type drawing struct {
	strings.Builder
	m *Machine
	// digits is how wide the highest CPU's number is: cores stand in columns.
	digits int
}

// Draw writes the machine as text of at most 80 columns: NUMA nodes, in them
// last-level caches, in them cores, each as the CPUs that are threads of it.
func (m *Machine) Draw(w io.Writer) error {
	d := &drawing{m: m}
	for _, c := range m.CPUs {
		d.digits = max(d.digits, len(strconv.Itoa(c.ID)))
	}
	d.summary()
	for i := range m.Nodes {
		d.node(&m.Nodes[i])
	}
	if len(m.Warnings) > 0 {
		d.WriteByte('\n')
	}
	for _, warning := range m.Warnings {
		d.words("note:", strings.Fields(warning))
	}
	_, err := io.WriteString(w, d.String())
	return err
}

// summary is what concerns the machine as a whole.
func (d *drawing) summary() {
	m := d.m
	smt := "no SMT"
	if m.SMT() {
		smt = "SMT"
	}
	fmt.Fprintf(d, "%s: %s, %s, %s, %s, %s\n", m.Shape(), count(len(m.Nodes), "NUMA node"),
		count(len(m.LLCs), "last-level cache"), count(m.Cores(), "core"), count(len(m.CPUs), "CPU"), smt)
	d.kinds()
	d.WriteString("each [ ] is a core with its CPUs\n")
}

// kinds lists the CPUs that are special, side by side. A set without a CPU is left out.
func (d *drawing) kinds() {
	type kind struct {
		title string
		cpus  cpuset.CPUSet
	}
	kinds := []kind{
		{"offline CPUs:", d.m.Offline}, {"isolated CPUs:", d.m.Isolated}, {"nohz_full CPUs:", d.m.NohzFull},
	}
	if len(d.m.Classes) > 1 {
		for _, c := range d.m.Classes {
			kinds = append(kinds, kind{c.title() + " CPUs:", c.CPUs})
		}
	}
	kinds = slices.DeleteFunc(kinds, func(k kind) bool { return k.cpus.IsEmpty() })
	width := 0
	for _, k := range kinds {
		width = max(width, len(k.title))
	}
	for _, k := range kinds {
		d.words(fmt.Sprintf("%-*s", width, k.title), strings.SplitAfter(k.cpus.String(), ","))
	}
}

func (d *drawing) node(n *Node) {
	fmt.Fprintf(d, "\nnode %d: %s", n.ID, n.memoryText())
	if n.MemoryOnly() {
		d.WriteString(", without CPUs")
	}
	d.WriteByte('\n')
	if len(d.m.Nodes) > 1 {
		d.words("  distances:", d.distanceWords(n))
	}
	for i := range d.m.LLCs {
		if here := d.m.LLCs[i].CPUs.Intersection(n.CPUs); !here.IsEmpty() {
			d.cache(i, n.ID, here)
		}
	}
}

// cache writes the part of a last-level cache that is on a node. Where CPUs
// are of several classes, each of those has lines of its own.
func (d *drawing) cache(index, node int, here cpuset.CPUSet) {
	llc := &d.m.LLCs[index]
	others := d.m.NodesOf(llc.CPUs).Difference(cpuset.New(node))
	d.words("  "+llc.title(index), sharedWords(others))
	classes := d.m.Classes
	if len(classes) < 2 {
		d.cores(coreIndent, d.coreWords(llc, here))
		return
	}
	for _, c := range classes {
		if words := d.coreWords(llc, here.Intersection(c.CPUs)); len(words) > 0 {
			d.cores(coreIndent+c.Name+": ", words)
		}
	}
}

func sharedWords(others cpuset.CPUSet) []string {
	if others.IsEmpty() {
		return nil
	}
	return []string{"shared", "with", nodesText(others)}
}

func (d *drawing) coreWords(l *LLC, here cpuset.CPUSet) []string {
	var words []string
	for _, core := range l.Cores {
		threads := core.CPUs.Intersection(here).List()
		if len(threads) == 0 {
			continue
		}
		ids := make([]string, 0, len(threads))
		for _, id := range threads {
			ids = append(ids, fmt.Sprintf("%*d", d.digits, id))
		}
		words = append(words, "["+strings.Join(ids, " ")+"]")
	}
	return words
}

// distanceWords are the distances to the other nodes, nearest first.
func (d *drawing) distanceWords(from *Node) []string {
	at := make(map[int][]int)
	for i, distance := range from.Distances {
		if to := d.m.Nodes[i].ID; to != from.ID {
			at[distance] = append(at[distance], to)
		}
	}
	var parts []string
	for _, distance := range slices.Sorted(maps.Keys(at)) {
		parts = append(parts, fmt.Sprintf("%d to %s", distance, nodesText(cpuset.New(at[distance]...))))
	}
	return strings.Split(strings.Join(parts, ",\n"), "\n")
}

// cores writes cores, which are words of about the same length, on lines of
// about the same number of them.
func (d *drawing) cores(prefix string, words []string) {
	longest := 0
	for _, word := range words {
		longest = max(longest, len(word))
	}
	perLine := max((drawWidth-len(prefix)+1)/(longest+1), 1)
	lines := (len(words) + perLine - 1) / perLine
	perLine = (len(words) + lines - 1) / lines
	for line := range slices.Chunk(words, perLine) {
		d.WriteString(prefix + strings.Join(line, " ") + "\n")
		prefix = strings.Repeat(" ", len(prefix))
	}
}

// words writes words after a prefix and breaks lines between them; further
// lines are indented as far as the prefix is.
func (d *drawing) words(prefix string, words []string) {
	line := prefix
	for i, word := range words {
		if i > 0 && len(line)+1+len(word) > drawWidth {
			d.WriteString(line + "\n")
			line = strings.Repeat(" ", len(prefix))
		}
		line += " " + word
	}
	d.WriteString(line + "\n")
}
