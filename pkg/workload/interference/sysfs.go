// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package interference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/utils/cpuset"
)

const cpuDir = "sys/devices/system/cpu"

// frequencyBudget bounds the time for frequencies: some drivers ask firmware for
// each, which takes a millisecond and more.
const frequencyBudget = int64(3 * time.Millisecond)

// layout is which files there are to read. It stays the same as long as the same
// CPUs are online.
type layout struct {
	cpus int
	// policies are groups of CPUs that share their frequency.
	policies  []policy
	policyErr error
	// throttled are the counters of thermal throttling, one of each core and one
	// of each package.
	throttled []string
}

type policy struct {
	current string // the file
	highest int64  // the highest frequency its CPUs can have, in kHz
}

func (s *sampler) lookAround(online string) *layout {
	set, err := cpuset.Parse(online)
	if err != nil {
		set = cpuset.New()
	}
	l := &layout{cpus: set.Size(), throttled: s.throttleCounts(set)}
	l.policies, l.policyErr = s.policies()
	return l
}

func (s *sampler) policies() ([]policy, error) {
	entries, err := os.ReadDir(filepath.Join(s.root, cpuDir, "cpufreq"))
	if err != nil {
		return nil, fmt.Errorf("the kernel does not scale the CPUs' frequency: %w", err)
	}
	var list []policy
	for _, e := range entries {
		// What is no policy has no such file.
		dir := cpuDir + "/cpufreq/" + e.Name()
		if highest, err := s.number(dir + "/cpuinfo_max_freq"); err == nil && highest > 0 {
			list = append(list, policy{current: dir + "/scaling_cur_freq", highest: highest})
		}
	}
	return list, nil
}

// throttleCounts are the counters to add up. Each thread of a core counts the
// events of the core and each CPU of a package those of the package, so only
// the lowest of them is read.
func (s *sampler) throttleCounts(online cpuset.CPUSet) (counters []string) {
	cores, packages := map[int]bool{}, map[int64]bool{}
	for _, id := range online.List() {
		dir := cpuDir + "/cpu" + strconv.Itoa(id)
		core := dir + "/thermal_throttle/core_throttle_count"
		if cores[id] || !s.has(core) {
			continue
		}
		counters = append(counters, core)
		for _, sibling := range s.siblings(dir) {
			cores[sibling] = true
		}
		pkg, err := s.number(dir + "/topology/physical_package_id")
		if whole := dir + "/thermal_throttle/package_throttle_count"; err == nil && !packages[pkg] && s.has(whole) {
			packages[pkg] = true
			counters = append(counters, whole)
		}
	}
	return counters
}

// siblings are the threads of a CPU's core.
func (s *sampler) siblings(dir string) []int {
	list, err := s.read(dir + "/topology/core_cpus_list")
	if err != nil {
		if list, err = s.read(dir + "/topology/thread_siblings_list"); err != nil {
			return nil
		}
	}
	set, err := cpuset.Parse(list)
	if err != nil {
		return nil
	}
	return set.List()
}

// frequency is the lowest current frequency of the online CPUs, in percent of
// the highest those CPUs can have. The note says if there was not time for all.
func (s *sampler) frequency(l *layout) (lowest reading, note string) {
	if l.policyErr != nil {
		return reading{err: l.policyErr}, ""
	}
	start, err := s.monotonic()
	if err != nil {
		return reading{err: err}, ""
	}
	lowest.err = errors.New("the kernel does not tell the frequency of any CPU")
	for i, p := range l.policies {
		if now, err := s.monotonic(); i > 0 && (err != nil || now-start > frequencyBudget) {
			return lowest, fmt.Sprintf("the frequencies of %d of %d groups of CPUs were looked at: there was no time for more", i, len(l.policies))
		}
		// A policy of which all CPUs are offline refuses to tell.
		kHz, err := s.number(p.current)
		if percent := kHz * 100 / p.highest; err == nil && (lowest.err != nil || percent < lowest.value) {
			lowest = reading{value: percent}
		}
	}
	return lowest, ""
}

// thermal is how often cores and packages began to be throttled for their heat.
func (s *sampler) thermal(l *layout) (sum reading) {
	if len(l.throttled) == 0 {
		return reading{err: errors.New("the kernel does not count thermal throttling: it does so for processors of Intel only")}
	}
	for _, counter := range l.throttled {
		n, err := s.number(counter)
		if err != nil {
			return reading{err: err}
		}
		sum.value += n
	}
	return sum
}

func (s *sampler) has(path string) bool {
	_, err := os.Lstat(filepath.Join(s.root, path))
	return err == nil
}

// number reads a file that holds one number.
func (s *sampler) number(path string) (int64, error) {
	text, err := s.read(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}
