// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

// cache is the last-level cache of one CPU. Two CPUs share it if key is equal.
type cache struct {
	key     cacheKey
	sizeKiB int64
}

// cacheKey tells caches apart. Ids are unique per level only, and some
// hypervisors start them anew in every package.
type cacheKey struct{ level, pkg, id int }

// lastLevelCache describes the CPU's cache of the highest level.
func (r *reader) lastLevelCache(id int) cache {
	dir := filepath.Join(r.cpu(id), "cache")
	var best string
	level := 0
	for _, i := range numbered(dir, "index") {
		index := filepath.Join(dir, "index"+strconv.Itoa(i))
		if l := r.number(filepath.Join(index, "level"), 0); l > level {
			best, level = index, l
		}
	}
	if best == "" {
		r.assume(id, "no cache described: they are taken to share one")
		return cache{}
	}
	pkg := r.number(filepath.Join(r.cpu(id), "topology/physical_package_id"), -1)
	return cache{
		key:     cacheKey{level: level, pkg: pkg, id: r.cacheID(id, best)},
		sizeKiB: cacheSize(filepath.Join(best, "size")),
	}
}

// cacheID is the kernel's id of a cache, else the lowest CPU that shares it.
func (r *reader) cacheID(cpu int, index string) int {
	if id := r.number(filepath.Join(index, "id"), -1); id >= 0 {
		return id
	}
	content, err := os.ReadFile(filepath.Join(index, "shared_cpu_list"))
	if err == nil {
		if set, err := parseList(string(content)); err == nil && !set.IsEmpty() {
			return set.List()[0]
		}
	}
	r.assume(cpu, "the last-level cache has neither an id nor a list of CPUs: id 0 is taken")
	return 0
}

// cacheSize reads a size such as 32768K, 32M or 4194304, rounded up to KiB; 0 if it cannot.
func cacheSize(path string) int64 {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return parseSizeKiB(strings.TrimSpace(string(content)))
}

func parseSizeKiB(s string) int64 {
	number, unit := strings.TrimRight(s, "KM"), int64(1)
	switch s[len(number):] {
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "":
	default:
		return 0
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<40/unit {
		return 0
	}
	return (n*unit + 1<<10 - 1) >> 10
}

// buildLLCs groups the CPUs by last-level cache and, in it, by core.
func buildLLCs(facts []cpuFacts) []LLC {
	shared := make(map[cacheKey][]cpuFacts)
	for _, f := range facts {
		shared[f.cache.key] = append(shared[f.cache.key], f)
	}
	llcs := make([]LLC, 0, len(shared))
	for key, members := range shared {
		llcs = append(llcs, LLC{
			ID: key.id, Level: key.level, Node: members[0].node, SizeKiB: members[0].cache.sizeKiB,
			CPUs: idsOf(members), Cores: buildCores(members),
		})
	}
	slices.SortFunc(llcs, func(a, b LLC) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.CPUs.List()[0], b.CPUs.List()[0]))
	})
	return llcs
}

// buildCores groups CPUs, in ascending order, by core. Threads that are not
// online, or not under the same cache, are left out.
func buildCores(members []cpuFacts) []Core {
	present := idsOf(members)
	var cores []Core
	seen := make(map[int]bool)
	for _, f := range members {
		if seen[f.id] {
			continue
		}
		core := Core{ID: f.coreID, CPUs: f.siblings.Intersection(present)}
		for _, id := range core.CPUs.UnsortedList() {
			seen[id] = true
		}
		cores = append(cores, core)
	}
	return cores
}

func buildCPUs(facts []cpuFacts, llcs []LLC) []CPU {
	cpus := make([]CPU, 0, len(facts))
	for _, f := range facts {
		llc := slices.IndexFunc(llcs, func(l LLC) bool { return l.CPUs.Contains(f.id) })
		cpus = append(cpus, CPU{ID: f.id, Package: f.pkg, LLC: llc, Node: f.node})
	}
	return cpus
}

func idsOf(facts []cpuFacts) cpuset.CPUSet {
	ids := make([]int, 0, len(facts))
	for _, f := range facts {
		ids = append(ids, f.id)
	}
	return cpuset.New(ids...)
}
