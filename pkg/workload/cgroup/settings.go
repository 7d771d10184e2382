// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"slices"
	"strings"
	"time"

	"k8s.io/utils/cpuset"
)

// Definition is a cgroup to make: its name relative to the root of its tree,
// which may hold slashes to nest, and its settings. The root itself has no name.
type Definition struct {
	Name string
	Settings
	// Later says that NewTree only prepares it: Make makes it.
	Later bool
	// Needs are controllers that it needs for changes to come, beyond those of its settings.
	Needs []string
}

// Settings are what is written to the files of a cgroup. The zero value of each
// writes nothing.
type Settings struct {
	// Threaded makes the cgroup one of threads: cgroup.type. It has the
	// controllers cpu, cpuset and pids only.
	Threaded bool
	// CPUs and Mems are cpuset.cpus and cpuset.mems.
	CPUs, Mems cpuset.CPUSet
	// Partition is "root", "isolated" or empty: cpuset.cpus.partition. It needs CPUs.
	Partition string
	CPU       CPUSettings
	Memory    MemorySettings
	IO        IOSettings
	PidsMax   *int64
}

// CPUSettings are those of the controller cpu.
type CPUSettings struct {
	Weight *int // not with Idle
	Idle   bool
	// Quota in each Period; without a Period that of the kernel, 100 ms.
	// Without a Quota there is no limit.
	Quota, Period, Burst               time.Duration
	UclampMinPercent, UclampMaxPercent *int
}

// MemorySettings are those of the controller memory, in bytes. Where one of
// Max, High and Low is set, the other two are reset.
type MemorySettings struct{ Min, Low, High, Max, SwapMax *int64 }

// IOSettings are those of the controller io.
type IOSettings struct {
	Weight *int
	Limits []IOLimit
}

// IOLimit limits what a cgroup reads and writes on a device, major:minor.
type IOLimit struct {
	Device                                            string
	ReadBytesPerSecond, WriteBytesPerSecond           *int64
	ReadOperationsPerSecond, WriteOperationsPerSecond *int64
}

// threadedControllers are those that can tell threads of a process apart.
var threadedControllers = []string{"cpu", "cpuset", "perf_event", "pids"}

// Controllers returns the controllers that the settings need, ascending.
func (s *Settings) Controllers() []string {
	var controllers []string
	for _, k := range s.knobs() {
		controllers = append(controllers, k.controller())
	}
	return distinct(controllers)
}

// String lists the files that are written, with what is.
func (s *Settings) String() string {
	var list []string
	for _, k := range s.knobs() {
		list = append(list, k.file+"="+k.value)
	}
	return strings.Join(list, ", ")
}

// controller is the one a file belongs to: the first part of its name.
func (k *knob) controller() string {
	name, _, _ := strings.Cut(k.file, ".")
	return name
}

// distinct sorts names and drops what stands twice.
func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// without returns the names that are not among others.
func without(names, others []string) []string {
	var left []string
	for _, name := range names {
		if !slices.Contains(others, name) {
			left = append(left, name)
		}
	}
	return left
}
