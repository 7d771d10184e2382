// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

// Distances the kernel uses where the firmware does not tell.
const (
	localDistance  = 10
	remoteDistance = 20
)

// nodes builds the NUMA nodes: those of the CPUs, and those sysfs lists
// besides, which may have memory only.
func (r *reader) nodes(facts []cpuFacts) []Node {
	ids := r.numbered(nodeDir, "node")
	for _, f := range facts {
		if !slices.Contains(ids, f.node) {
			ids = append(ids, f.node)
		}
	}
	slices.Sort(ids)
	nodes := make([]Node, 0, len(ids))
	for _, id := range ids {
		total, free := r.memory(id)
		nodes = append(nodes, Node{ID: id, CPUs: cpusOfNode(facts, id), MemoryTotalKiB: total, MemoryFreeKiB: free})
	}
	r.setDistances(nodes)
	return nodes
}

func cpusOfNode(facts []cpuFacts, node int) cpuset.CPUSet {
	var members []cpuFacts
	for _, f := range facts {
		if f.node == node {
			members = append(members, f)
		}
	}
	return idsOf(members)
}

// memory is MemTotal and MemFree of a node's meminfo, 0 where it does not tell.
func (r *reader) memory(id int) (totalKiB, freeKiB int64) {
	content, err := fs.ReadFile(r.files, path.Join(nodeDir, "node"+strconv.Itoa(id), "meminfo"))
	if err != nil {
		return 0, 0
	}
	return parseMeminfo(string(content))
}

// parseMeminfo reads lines such as "Node 0 MemTotal:  9791700 kB".
func parseMeminfo(content string) (totalKiB, freeKiB int64) {
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		n, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil || n < 0 {
			continue
		}
		switch fields[2] {
		case "MemTotal:":
			totalKiB = n
		case "MemFree:":
			freeKiB = n
		}
	}
	return totalKiB, freeKiB
}

// setDistances fills in the matrix of distances. If a row is bad, all of it is
// what the kernel would assume.
func (r *reader) setDistances(nodes []Node) {
	rows, err := r.distances(nodes)
	if err != nil {
		if len(nodes) > 1 {
			r.notes = append(r.notes, fmt.Sprintf("NUMA distances: %v: %d to the node itself and %d to others are taken",
				err, localDistance, remoteDistance))
		}
		rows = assumedDistances(len(nodes))
	}
	for i := range nodes {
		nodes[i].Distances = rows[i]
	}
}

func (r *reader) distances(nodes []Node) ([][]int, error) {
	rows := make([][]int, 0, len(nodes))
	for _, n := range nodes {
		file := path.Join(nodeDir, "node"+strconv.Itoa(n.ID), "distance")
		content, err := fs.ReadFile(r.files, file)
		if err != nil {
			return nil, err
		}
		var row []int
		for field := range strings.FieldsSeq(string(content)) {
			d, err := strconv.Atoi(field)
			if err != nil || d <= 0 {
				return nil, fmt.Errorf("%s: %q is not a distance", file, field)
			}
			row = append(row, d)
		}
		if len(row) != len(nodes) {
			return nil, fmt.Errorf("%s: %d distances for %d nodes", file, len(row), len(nodes))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func assumedDistances(n int) [][]int {
	rows := make([][]int, n)
	for i := range rows {
		rows[i] = slices.Repeat([]int{remoteDistance}, n)
		rows[i][i] = localDistance
	}
	return rows
}
