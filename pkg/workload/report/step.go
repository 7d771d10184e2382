// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/schedfleet/schedfleet/pkg/workload/interference"

// Step is what happened in one step. Times count from the common start, in ns.
type Step struct {
	Name string `json:"name"`
	// Begin is when the step began, Start when its ops were carried out and its hold
	// began, End when the hold ended.
	Begin int64 `json:"beginNanoseconds"`
	Start int64 `json:"startNanoseconds"`
	End   int64 `json:"endNanoseconds"`
	// Planned is how long the hold was to be, Truncated why it was shorter.
	Planned   int64  `json:"plannedNanoseconds"`
	Truncated string `json:"truncated,omitempty"`
	Ops       []Op   `json:"ops,omitempty"`
	// Groups are those that were there during the whole hold, Frozen those of them
	// that an op had frozen for some of it.
	Groups []string `json:"groups,omitempty"`
	Frozen []string `json:"frozenGroups,omitempty"`
	// Cgroups are what the cgroups used during the hold, and what was in force at its end.
	Cgroups []Cgroup `json:"cgroups,omitempty"`
	// Interference is what else the machine did during the hold.
	Interference *interference.Figures `json:"interference,omitempty"`
	// NUMAPagesMigrated is how many pages the machine moved between NUMA nodes.
	NUMAPagesMigrated *uint64 `json:"numaPagesMigrated,omitempty"`
}

// Op is an operation that was carried out.
type Op struct {
	// Name is its member in the manifest, such as setCpuset, and Target what it was
	// about, Detail what was set.
	Name   string `json:"name"`
	Target string `json:"target,omitempty"`
	Detail string `json:"detail,omitempty"`
	// At is when it was first begun, Took how long it took altogether in Times times.
	At    int64 `json:"atNanoseconds"`
	Took  int64 `json:"tookNanoseconds"`
	Times int   `json:"times"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
}

// Restored is something of the machine that the run changed and put back.
type Restored struct {
	// What it is, such as "CPU 3 online".
	What string `json:"what"`
	// Before, During and After are what was there before the change, by it, and
	// what was read after it had been put back.
	Before string `json:"before"`
	During string `json:"during"`
	After  string `json:"after"`
	// Verified says that After is Before.
	Verified bool `json:"verified"`
}
