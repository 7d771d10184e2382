// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package inventory finds out what a node is and what it can do.
package inventory

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/probe"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const (
	releaseFile = "proc/sys/kernel/osrelease"
	bootIDFile  = "proc/sys/kernel/random/boot_id"
	onlineFile  = "sys/devices/system/cpu/online"
	memoryFile  = "sys/devices/system/node/has_memory"
)

// Bounds of the API on texts of the status.
const (
	maxName   = 128
	maxBootID = 64
)

// Machine reads the inventory of one machine.
type Machine struct {
	// Root is "/", or a tree of files that stands for it.
	Root string
	// CgroupMount is where cgroup v2 is mounted, and CgroupRoot the agent's own cgroup.
	CgroupMount, CgroupRoot string
	// CPUs are those that runs may use. Empty: the agent's own.
	CPUs cpuset.CPUSet
	// MemoryNodes are the NUMA nodes whose memory runs may use. Empty: all.
	MemoryNodes cpuset.CPUSet
	// Policy is what the node lets runs do. Nil: nothing that needs to be allowed.
	Policy *spec.Policy
}

// Read returns what a TestNode's status says of the machine, and notes on what
// the kernel did not tell. It probes, and so must not be called during a run.
func (m Machine) Read() (status v1alpha1.TestNodeStatus, notes []string, err error) {
	top, err := topology.Read(m.Root)
	if err != nil {
		return v1alpha1.TestNodeStatus{}, nil, err
	}
	shape, err := manifest.Topology(top)
	if err != nil {
		return v1alpha1.TestNodeStatus{}, nil, err
	}
	if err := manifest.Allow(shape, top, m.CPUs, m.MemoryNodes); err != nil {
		return v1alpha1.TestNodeStatus{}, nil, err
	}
	host := probe.Host{Root: m.Root, CgroupMount: m.CgroupMount, CgroupParent: m.CgroupRoot, CPUs: m.CPUs}
	return v1alpha1.TestNodeStatus{
		BootID:       bound(m.text(bootIDFile), maxBootID),
		Kernel:       bound(m.text(releaseFile), maxName),
		Architecture: runtime.GOARCH,
		Scheduler:    m.scheduler(),
		Topology:     shape,
		Features:     manifest.Features(host.Probe()),
		Fingerprint:  manifest.Fingerprint(fingerprint.Read(m.Root, top)),
		Realtime:     manifest.Realtime(host.RealtimeBandwidth()),
		Policy:       manifest.NodePolicy(m.Policy),
	}, top.Warnings, nil
}

// Signature changes when something does that can change while the machine runs:
// its CPUs, its memory, its scheduler, its settings. Reading it is cheap and changes
// nothing.
func (m Machine) Signature() string {
	return strings.Join([]string{m.text(onlineFile), m.text(memoryFile), m.scheduler(), fingerprint.Settings(m.Root)}, " ")
}

// scheduler is the scheduler in charge of normal tasks.
func (m Machine) scheduler() string { return bound(fingerprint.Scheduler(m.Root), maxName) }

// text is the content of a file, empty if it cannot be read.
func (m Machine) text(path string) string {
	content, err := os.ReadFile(filepath.Join(m.Root, path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

func bound(s string, limit int) string {
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}
