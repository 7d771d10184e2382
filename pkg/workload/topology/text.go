// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strconv"

	"k8s.io/utils/cpuset"
)

// title is what a class is called, with its capacity where the name lacks it.
func (c *Class) title() string {
	if c.Capacity == 0 || c.Name == capacityName(c.Capacity) {
		return c.Name
	}
	return fmt.Sprintf("%s (%s)", c.Name, capacityName(c.Capacity))
}

// title is what the cache at an index is called. Manifests name caches by index.
func (l *LLC) title(index int) string {
	title := fmt.Sprintf("LLC %d ", index)
	if l.Level == 0 {
		return title + "(assumed)"
	}
	title += fmt.Sprintf("(L%d", l.Level)
	if l.SizeKiB > 0 {
		title += ", " + sizeText(l.SizeKiB)
	}
	if l.ID != index {
		title += fmt.Sprintf(", id %d", l.ID)
	}
	return title + ")"
}

func (n *Node) memoryText() string {
	if n.MemoryTotalKiB == 0 {
		return "no known memory"
	}
	return sizeText(n.MemoryTotalKiB) + " of memory"
}

func nodesText(nodes cpuset.CPUSet) string {
	if nodes.Size() == 1 {
		return "node " + nodes.String()
	}
	return "nodes " + nodes.String()
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
