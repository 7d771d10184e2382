// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package inventory finds out what a node is and what it can do.
package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// KernelScheduler is how the kernel's own scheduler is called.
const KernelScheduler = "kernel"

const (
	releaseFile   = "proc/sys/kernel/osrelease"
	bootIDFile    = "proc/sys/kernel/random/boot_id"
	onlineFile    = "sys/devices/system/cpu/online"
	memoryFile    = "sys/devices/system/node/has_memory"
	schedExtDir   = "sys/kernel/sched_ext"
	schedExtState = schedExtDir + "/state"
	schedExtOps   = schedExtDir + "/root/ops"
)

// Bounds of the API on texts of the status.
const (
	maxName     = 128
	maxMessage  = 256
	maxList     = 1024
	maxBootID   = 64
	unknownText = "unknown"
)

// Machine reads the inventory of one machine.
type Machine struct {
	// Root is "/", or a tree of files that stands for it.
	Root string
	// CgroupMount is where cgroup v2 is mounted, and CgroupRoot the agent's own cgroup.
	CgroupMount, CgroupRoot string
}

// Read returns what a TestNode's status says of the machine, and notes on what
// the kernel did not tell.
func (m Machine) Read() (status v1alpha1.TestNodeStatus, notes []string, err error) {
	top, err := topology.Read(m.Root)
	if err != nil {
		return v1alpha1.TestNodeStatus{}, nil, err
	}
	shape, err := shapeOf(top)
	if err != nil {
		return v1alpha1.TestNodeStatus{}, nil, err
	}
	return v1alpha1.TestNodeStatus{
		BootID:       bound(m.text(bootIDFile), maxBootID),
		Kernel:       bound(m.text(releaseFile), maxName),
		Architecture: runtime.GOARCH,
		Scheduler:    m.scheduler(),
		Topology:     shape,
		Features:     m.features(len(top.Nodes)),
	}, top.Warnings, nil
}

// Fingerprint changes when something does that can change while the machine
// runs. Reading it is cheap.
func (m Machine) Fingerprint() string {
	return m.text(onlineFile) + " " + m.text(memoryFile) + " " + m.scheduler()
}

func shapeOf(top *topology.Machine) (*v1alpha1.Topology, error) {
	online, err := listOf("online CPUs", top.Online())
	if err != nil {
		return nil, err
	}
	memory, err := listOf("NUMA nodes with memory", top.MemoryNodes())
	if err != nil {
		return nil, err
	}
	return &v1alpha1.Topology{
		Shape: top.Shape(), OnlineCPUs: online, CPUs: int32(len(top.CPUs)), Cores: int32(top.Cores()),
		LLCs: int32(len(top.LLCs)), NUMANodes: int32(len(top.Nodes)), MemoryNodes: memory, SMT: top.SMT(),
	}, nil
}

// listOf is the set in the kernel's form.
func listOf(what string, set cpuset.CPUSet) (string, error) {
	list := set.String()
	if len(list) > maxList {
		return "", fmt.Errorf("the list of %s, which begins with %.40s, has %d characters; a TestNode can tell %d",
			what, list, len(list), maxList)
	}
	return list, nil
}

// scheduler is the scheduler in charge of normal tasks.
func (m Machine) scheduler() string {
	if m.text(schedExtState) != "enabled" {
		return KernelScheduler
	}
	name := m.text(schedExtOps)
	if name == "" {
		return unknownText
	}
	return bound(name, maxName)
}

// text is the content of a file, empty if it cannot be read.
func (m Machine) text(path string) string {
	content, err := m.read(path)
	if err != nil {
		return ""
	}
	return content
}

func (m Machine) read(path string) (string, error) {
	content, err := os.ReadFile(filepath.Join(m.Root, path))
	return strings.TrimSpace(string(content)), err
}

// exists says whether a file is there; an error means that nobody can tell.
func (m Machine) exists(path string) (bool, error) { return exists(filepath.Join(m.Root, path)) }

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func bound(s string, limit int) string {
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}
