// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

// cache is the last-level cache of one CPU. Two CPUs share it if key is equal.
type cache struct {
	key     cacheKey
	id      int
	sizeKiB int64
}

// cacheKey tells caches apart: by the lowest CPU of those that share it or, if
// the kernel does not list those, by its id, which is then taken to be unique
// in the package only. What does not tell is -1.
type cacheKey struct{ level, lowest, pkg, id int }

// unknownCache is where CPUs belong for which the kernel describes no cache.
var unknownCache = cacheKey{lowest: -1, pkg: -1, id: -1}

// lastLevelCache describes the CPU's cache of the highest level.
func (r *reader) lastLevelCache(id int) cache {
	dir := path.Join(r.cpu(id), "cache")
	var best string
	level := 0
	for _, i := range r.numbered(dir, "index") {
		index := path.Join(dir, "index"+strconv.Itoa(i))
		if l := r.number(path.Join(index, "level"), 0); l > level {
			best, level = index, l
		}
	}
	if best == "" {
		r.assume(id, "no cache described: they are taken to share one")
		return cache{key: unknownCache, id: -1}
	}
	c := r.cacheIdentity(id, best)
	c.key.level = level
	c.sizeKiB = r.cacheSize(path.Join(best, "size"))
	return c
}

// cacheIdentity names a cache and says who shares it. Who shares it is taken
// from the list of CPUs first: ids start anew in every package on some
// machines, and the packages of some arm64 machines are clusters under one cache.
func (r *reader) cacheIdentity(cpu int, index string) cache {
	id := r.number(path.Join(index, "id"), -1)
	content, err := fs.ReadFile(r.files, path.Join(index, "shared_cpu_list"))
	if err == nil {
		if set, err := parseList(string(content)); err == nil && set.Contains(cpu) {
			lowest := set.List()[0]
			if id < 0 {
				id = lowest
			}
			return cache{key: cacheKey{lowest: lowest, pkg: -1, id: -1}, id: id}
		}
	}
	if id < 0 {
		r.assume(cpu, "the last-level cache has neither an id nor a list of CPUs: id 0 is taken")
		id = 0
	}
	pkg := r.number(path.Join(r.cpu(cpu), "topology/physical_package_id"), -1)
	return cache{key: cacheKey{lowest: -1, pkg: pkg, id: id}, id: id}
}

// cacheSize reads a size such as 32768K, 32M or 4194304, rounded up to KiB; 0 if it cannot.
func (r *reader) cacheSize(file string) int64 {
	content, err := fs.ReadFile(r.files, file)
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
		first := members[0]
		llc := LLC{
			ID: first.cache.id, Level: key.level, Node: first.node, SizeKiB: first.cache.sizeKiB,
			CPUs: idsOf(members), Cores: buildCores(members),
		}
		if key == unknownCache {
			llc.ID = first.id
		}
		llcs = append(llcs, llc)
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
