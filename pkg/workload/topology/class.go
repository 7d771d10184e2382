// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"k8s.io/utils/cpuset"
)

// Names of classes the kernel has no name for.
const (
	classUniform = "uniform" // all CPUs of a machine that has one kind
	classOther   = "other"   // CPUs of a machine with classes that are in none of those
)

// hybridClasses are the kinds of cores of x86 processors, in the order of what
// they can do. Each is a performance monitoring unit named cpu_<kind>, which
// lists its online CPUs.
var hybridClasses = []string{"core", "atom", "lowpower"}

// classes tells the kinds of CPUs apart: by name where the kernel names them,
// by capacity where it measures that.
func (r *reader) classes(online cpuset.CPUSet) []Class {
	capacity := make(map[int]int)
	for _, id := range online.List() {
		if c := r.number(path.Join(r.cpu(id), "cpu_capacity"), 0); c > 0 {
			capacity[id] = c
		}
	}
	classes := r.hybrid(online, capacity)
	if len(classes) == 0 {
		classes = byCapacity(online, capacity)
	}
	slices.SortStableFunc(classes, func(a, b Class) int { return cmp.Compare(b.Capacity, a.Capacity) })
	return classes
}

// hybrid is nil on a machine whose kernel has no such names. The capacity of
// a class is that of its best CPU, since single cores may be favoured.
func (r *reader) hybrid(online cpuset.CPUSet, capacity map[int]int) []Class {
	var classes []Class
	left := online
	add := func(name string, cpus cpuset.CPUSet) {
		if cpus.IsEmpty() {
			return
		}
		best := 0
		for _, id := range cpus.UnsortedList() {
			best = max(best, capacity[id])
		}
		classes = append(classes, Class{Name: name, Capacity: best, CPUs: cpus})
		left = left.Difference(cpus)
	}
	for _, kind := range hybridClasses {
		add(kind, r.list("sys/devices/cpu_"+kind+"/cpus").Intersection(left))
	}
	if len(classes) > 0 {
		add(classOther, left)
	}
	return classes
}

func byCapacity(online cpuset.CPUSet, capacity map[int]int) []Class {
	members := make(map[int][]int)
	for _, id := range online.List() {
		members[capacity[id]] = append(members[capacity[id]], id)
	}
	var classes []Class
	for value, ids := range members {
		class := Class{Name: capacityName(value), Capacity: value, CPUs: cpuset.New(ids...)}
		switch {
		case len(members) == 1:
			class.Name = classUniform // whether or not the kernel gives a capacity
		case value == 0:
			class.Name = classOther
		}
		classes = append(classes, class)
	}
	return classes
}

func capacityName(capacity int) string { return fmt.Sprintf("capacity %d", capacity) }
