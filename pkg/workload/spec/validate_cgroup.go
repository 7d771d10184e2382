// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// Bounds of what the kernel takes for the files of a cgroup.
const (
	maxWeight = 10_000
	minQuota  = time.Millisecond
	maxQuota  = 1000 * time.Hour
	minPeriod = time.Millisecond
	maxPeriod = time.Second
	// minMemory is a page: a limit below it leaves no memory at all.
	minMemory   = 4 << 10
	maxMemory   = 1 << 50
	maxTasks    = 1 << 22 // of a Linux system
	maxIOLimits = 8
	maxIORate   = 1_000_000_000 // operations per second
	maxMajor    = 1<<12 - 1
	maxMinor    = 1<<20 - 1
)

// kernelFiles are what the names of the kernel's files in a cgroup begin with, up to
// the dot: the core, controllers and pressure.
var kernelFiles = []string{"cgroup", "cpu", "cpuset", "debug", "dmem", "hugetlb", "io", "irq", "memory", "misc", "perf_event", "pids", "rdma"}

func validateCgroup(c *Cgroup) error {
	if err := validateCgroupName(c.Name); err != nil {
		return err
	}
	if c.Threaded {
		switch {
		case parentOf(c.Name) == "":
			return fmt.Errorf("threaded: %q needs a cgroup above it that holds the processes: name it such as app/%s", c.Name, c.Name)
		case c.Memory != nil:
			return errors.New("memory: is not for a threaded cgroup: set it on the one above that is not threaded")
		case c.IO != nil:
			return errors.New("io: is not for a threaded cgroup: set it on the one above that is not threaded")
		}
	}
	if c.PidsMax != nil && (*c.PidsMax < 1 || *c.PidsMax > maxTasks) {
		return fmt.Errorf("pidsMax: must be 1 to %d, not %d", maxTasks, *c.PidsMax)
	}
	return errors.Join(at(c.Cpuset.validate(), "cpuset"), at(c.CPU.validate(), "cpu"), at(c.Memory.validate(), "memory"), at(c.IO.validate(), "io"))
}

func validateCgroupName(name string) error {
	if name == "" || path.IsAbs(name) || path.Clean(name) != name {
		return fmt.Errorf("name: must be a relative path without empty parts, not %q", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.ContainsRune(part, 0) {
			return fmt.Errorf("name: no part may begin with a dot or hold a zero byte: %q", name)
		}
		if kind, _, dotted := strings.Cut(part, "."); dotted && slices.Contains(kernelFiles, kind) {
			return fmt.Errorf("name: no part may begin with %q, as files of the kernel do: %q", kind+".", name)
		}
	}
	return nil
}

func (c *Cpuset) validate() error {
	if c == nil {
		return nil
	}
	ways := count(c.Exact != "", c.LLC != nil, c.NUMANode != nil, c.Range != nil, c.Disjoint != nil, c.Overlap != nil)
	if ways > 1 {
		return fmt.Errorf("exact: at most one of exact, llc, numaNode, range, disjoint and overlap can be set, not %d", ways)
	}
	if ways == 0 && c.Mems == "" && c.Partition == "" {
		return errors.New("exact: neither it nor llc, numaNode, range, disjoint, overlap or mems is set")
	}
	if _, err := parseList(c.Exact, maxCPU); err != nil {
		return fmt.Errorf("exact: must be a list of CPUs such as 0-3,8, not %q", c.Exact)
	}
	if _, err := parseList(c.Mems, maxNode); err != nil {
		return fmt.Errorf("mems: must be a list of NUMA nodes of 0 to %d, such as 0-1,3, not %q", maxNode, c.Mems)
	}
	switch {
	case c.Partition != "" && c.Partition != PartitionRoot && c.Partition != PartitionIsolated:
		return fmt.Errorf("partition: must be %s or %s, not %q", PartitionRoot, PartitionIsolated, c.Partition)
	case c.Partition != "" && (ways == 0 || c.Overlap != nil):
		return errors.New("partition: needs CPUs that no other has: set exact, llc, numaNode, range or disjoint")
	}
	return errors.Join(within("llc", c.LLC, 0, maxCPU), within("numaNode", c.NUMANode, 0, maxNode), c.validateParts())
}

// validateParts checks what is relative to the usable CPUs.
func (c *Cpuset) validateParts() error {
	if r := c.Range; r != nil && (r.StartPercent < 0 || r.StartPercent >= r.EndPercent || r.EndPercent > 100) {
		return fmt.Errorf("range: must be 0 <= startPercent < endPercent <= 100, not %d and %d", r.StartPercent, r.EndPercent)
	}
	if d := c.Disjoint; d != nil {
		return at(validatePart(d.Index, d.Of), "disjoint")
	}
	if o := c.Overlap; o != nil {
		return at(errors.Join(validatePart(o.Index, o.Of), within("percent", &o.Percent, 0, 100)), "overlap")
	}
	return nil
}

func validatePart(index, of int) error {
	if of < 1 || of > maxCPU+1 {
		return fmt.Errorf("of: must be 1 to %d, not %d", maxCPU+1, of)
	}
	if index < 0 || index >= of {
		return fmt.Errorf("index: counts from 0, so it must be less than of, %d, not %d", of, index)
	}
	return nil
}

func (c *CgroupCPU) validate() error {
	if c == nil {
		return nil
	}
	if *c == (CgroupCPU{}) {
		return errors.New("weight: nothing is set: leave cpu out")
	}
	if c.Idle && c.Weight != nil {
		return errors.New("weight: not together with idle, which is the smallest weight there is")
	}
	err := errors.Join(within("weight", c.Weight, 1, maxWeight), c.validateQuota(),
		within("uclampMinPercent", c.UclampMinPercent, 0, 100), within("uclampMaxPercent", c.UclampMaxPercent, 0, 100))
	if err == nil && c.UclampMinPercent != nil && c.UclampMaxPercent != nil && *c.UclampMinPercent > *c.UclampMaxPercent {
		err = fmt.Errorf("uclampMinPercent: must be at most uclampMaxPercent, %d, not %d", *c.UclampMaxPercent, *c.UclampMinPercent)
	}
	return err
}

func (c *CgroupCPU) validateQuota() error {
	if c.Quota == nil {
		switch {
		case c.Period != nil:
			return errors.New("period: needs a quota")
		case c.Burst != nil:
			return errors.New("burst: needs a quota")
		}
		return nil
	}
	for _, t := range []struct {
		field           string
		value           *quantity.Duration
		lowest, highest time.Duration
	}{{"quota", c.Quota, minQuota, maxQuota}, {"period", c.Period, minPeriod, maxPeriod}, {"burst", c.Burst, time.Microsecond, c.Quota.D()}} {
		if t.value == nil {
			continue
		}
		if d := t.value.D(); d < t.lowest || d > t.highest || d%time.Microsecond != 0 {
			return fmt.Errorf("%s: must be %v to %v in whole microseconds, not %v", t.field, t.lowest, t.highest, d)
		}
	}
	return nil
}

// validate checks that each amount is one the kernel can hold, and that what is
// protected is within what is allowed.
func (m *CgroupMemory) validate() error {
	if m == nil {
		return nil
	}
	if *m == (CgroupMemory{}) {
		return errors.New("max: nothing is set: leave memory out")
	}
	for _, a := range []struct {
		field  string
		bytes  *quantity.Bytes
		lowest quantity.Bytes
	}{{"min", m.Min, 0}, {"low", m.Low, 0}, {"high", m.High, minMemory}, {"max", m.Max, minMemory}, {"swapMax", m.SwapMax, 0}} {
		if a.bytes != nil && (*a.bytes < a.lowest || *a.bytes > maxMemory) {
			return fmt.Errorf("%s: must be %v to %v, not %v", a.field, a.lowest, quantity.Bytes(maxMemory), *a.bytes)
		}
	}
	return errors.Join(ordered("min", m.Min, "max", m.Max), ordered("low", m.Low, "high", m.High),
		ordered("low", m.Low, "max", m.Max), ordered("high", m.High, "max", m.Max))
}

// ordered checks that an amount is at most another, where both are set.
func ordered(field string, amount *quantity.Bytes, other string, most *quantity.Bytes) error {
	if amount != nil && most != nil && *amount > *most {
		return fmt.Errorf("%s: must be at most %s, %v, not %v", field, other, *most, *amount)
	}
	return nil
}

func (c *CgroupIO) validate() error {
	if c == nil {
		return nil
	}
	if c.Weight == nil && len(c.Limits) == 0 {
		return errors.New("weight: neither it nor limits is set: leave io out")
	}
	if len(c.Limits) > maxIOLimits {
		return fmt.Errorf("limits: at most %d, not %d", maxIOLimits, len(c.Limits))
	}
	errs := []error{within("weight", c.Weight, 1, maxWeight)}
	devices := map[string]bool{}
	for i := range c.Limits {
		l := &c.Limits[i]
		errs = append(errs, at(l.validate(), "limits[%d]", i))
		if devices[l.Device] {
			errs = append(errs, fmt.Errorf("limits[%d].device: %s has limits already", i, l.Device))
		}
		devices[l.Device] = true
	}
	return errors.Join(errs...)
}

func (l *IOLimit) validate() error {
	major, minor, found := strings.Cut(l.Device, ":")
	if !found || !deviceNumber(major, maxMajor) || !deviceNumber(minor, maxMinor) {
		return fmt.Errorf("device: must be the number of a block device as major:minor, such as 8:0, not %q", l.Device)
	}
	if count(l.ReadBytesPerSecond != nil, l.WriteBytesPerSecond != nil, l.ReadOperationsPerSecond != nil, l.WriteOperationsPerSecond != nil) == 0 {
		return fmt.Errorf("device: %s has no limit", l.Device)
	}
	return errors.Join(rate("readBytesPerSecond", l.ReadBytesPerSecond, maxMemory), rate("writeBytesPerSecond", l.WriteBytesPerSecond, maxMemory),
		rate("readOperationsPerSecond", l.ReadOperationsPerSecond, maxIORate), rate("writeOperationsPerSecond", l.WriteOperationsPerSecond, maxIORate))
}

// rate checks a limit per second, which the kernel does not take if it is 0.
func rate[N ~int64](field string, n *N, highest N) error {
	if n != nil && (*n < 1 || *n > highest) {
		return fmt.Errorf("%s: must be 1 to %v, not %v", field, highest, *n)
	}
	return nil
}

// deviceNumber says whether the text is a number in its shortest form, so that
// equal devices have equal names.
func deviceNumber(text string, highest int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0 && n <= highest && strconv.Itoa(n) == text
}
