// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"k8s.io/utils/cpuset"
)

// fifo is SCHED_FIFO.
const fifo = 1

// machine is what the figures depend on.
type machine struct {
	cpus    cpuset.CPUSet // that this process may use
	model   string
	kernel  string
	virtual bool
	// load is how many tasks ran or wanted to, on average of the minute before.
	load string
}

// pairing is the CPUs of a pair of workers.
type pairing [2]int

// thisMachine asks the kernel.
func thisMachine() (machine, error) {
	var m machine
	allowed, err := field("/proc/self/status", "Cpus_allowed_list")
	if err != nil {
		return m, err
	}
	if m.cpus, err = cpuset.Parse(allowed); err != nil {
		return m, fmt.Errorf("reading the CPUs to use: %w", err)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	m.kernel, _, _ = strings.Cut(strings.TrimSpace(string(release)), "-")
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return m, err
	}
	m.load, _, _ = strings.Cut(string(load), " ")
	// Not every architecture tells model and flags.
	m.model, err = field("/proc/cpuinfo", "model name")
	if err != nil {
		m.model = "unknown"
	}
	flags, _ := field("/proc/cpuinfo", "flags")
	m.virtual = strings.Contains(" "+flags+" ", " hypervisor ")
	return m, nil
}

// field is the first value of a key in a file of "key: value" lines.
func field(path, key string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value), nil
		}
	}
	return "", errors.Join(fmt.Errorf("%s has no line %s", path, key), lines.Err())
}

// pairings are one CPU for both workers, and one for each; or why that cannot be.
func (m machine) pairings() (same, apart pairing, noApart string) {
	cpus := m.cpus.List()
	same = pairing{cpus[0], cpus[0]}
	if len(cpus) < 2 {
		return same, same, "there is only one CPU to use"
	}
	return same, pairing{cpus[0], cpus[1]}, ""
}

// timerCPU is the second CPU, away from interrupts that are bound to the first.
func (m machine) timerCPU() int {
	cpus := m.cpus.List()
	return cpus[min(1, len(cpus)-1)]
}

// noRealTime says why there is no real-time class to be had; empty if there is.
func (m machine) noRealTime() string {
	if os.Geteuid() != 0 {
		return "SCHED_FIFO needs root"
	}
	return ""
}

func (m machine) describe() string {
	kind := "machine"
	if m.virtual {
		kind = "virtual machine"
	}
	return fmt.Sprintf("%s with %d CPUs to use (%s), Linux %s", kind, m.cpus.Size(), m.model, m.kernel)
}
