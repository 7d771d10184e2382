// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Script is the steps of a run on a machine: what happens in which order. Names and
// shares are resolved, and what it does has been found possible by going through it.
type Script struct {
	// Crews are the groups with one life: those that are always started and stopped
	// together. Every group is in exactly one.
	Crews []Crew
	// Start are the crews that start with the run, Cgroups the names of the cgroups that
	// are made for its whole length.
	Start   []int
	Cgroups []string
	Steps   []ScriptStep
}

// Crew is groups that are started and stopped together, by their positions in Resolved.Groups.
type Crew struct {
	Groups []int
	// First and Last are the first and the last step in which it can be at work, from 0.
	First, Last int
}

// ScriptStep is a step, in the order of its members.
type ScriptStep struct {
	Name string
	// Create are the names of the cgroups to make, those above others first.
	Create []string
	// Start are the crews to start.
	Start []int
	Ops   []ScriptOp
	// RepeatEvery repeats the ops during the hold; 0 does not.
	RepeatEvery time.Duration
	Hold        time.Duration
	// Stop are the crews to stop, Remove the cgroups to remove, those below others first.
	Stop   []int
	Remove []string
}

// ScriptOp is an op with everything decided.
type ScriptOp struct {
	*Op
	// Field is its path in the manifest, such as steps[1].ops[0].setCpuset.
	Field string
	// CPUs and Mems are the sets of setCpuset, empty to inherit, and CPUs those of offlineCPUs and onlineCPUs.
	CPUs, Mems cpuset.CPUSet
	// Class is that of setSchedulingPolicy.
	Class work.Class
	// Crews are those that startGroup, stopGroup and removeCgroup start or stop.
	Crews []int
	// Remove are the cgroups that removeCgroup removes, those below others first.
	Remove []string

	// affinity is that of setAffinity.
	affinity func(repetition int) []cpuset.CPUSet
}

// Affinities are the CPUs of the workers of a setAffinity, one set for each or one for
// all. A random subset differs between repetitions, which count from 0.
func (o *ScriptOp) Affinities(repetition int) []cpuset.CPUSet { return o.affinity(repetition) }
