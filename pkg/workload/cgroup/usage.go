// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a cgroup and those below it have used. What the kernel does not
// count is nil: without the controller cpu there is CPU, but no Periods.
type Usage struct {
	CPU, User, System *time.Duration
	// Periods of cpu.max that passed while something ran, and those in which
	// the quota was used up; ThrottledTime is added up over CPUs.
	Periods, Throttled                      *uint64
	ThrottledTime                           *time.Duration
	MemoryCurrent, MemoryPeak               *int64
	MemoryEvents                            map[string]uint64 // memory.events: "oom_kill"
	PIDsCurrent, PIDsPeak                   *int64
	PIDsRefused                             *uint64                      // forks refused for pids.max
	IO                                      map[string]map[string]uint64 // io.stat: by device, "rbytes"
	CPUPressure, MemoryPressure, IOPressure *Pressure
}

// Pressure is the time for which some, or all, that wanted to run had to wait.
type Pressure struct{ Some, Full *time.Duration }

// OOMKills is how many processes the kernel killed for want of memory; nil
// without the controller memory.
func (u *Usage) OOMKills() *uint64 { return number(u.MemoryEvents, "oom_kill") }

// Usage reads what a cgroup of the tree has used so far.
func (t *Tree) Usage(name string) (Usage, error) {
	d := t.Dir(name)
	if d == nil {
		return Usage{}, fmt.Errorf("there is no cgroup %q below %s", name, t.root.path)
	}
	return d.Usage()
}

// Usage reads what the cgroup has used so far.
func (d *Dir) Usage() (Usage, error) {
	var u Usage
	if err := errors.Join(d.cpuUsage(&u), d.memoryUsage(&u), d.pidsUsage(&u), d.ioUsage(&u), d.pressure(&u)); err != nil {
		return u, fmt.Errorf("reading the usage of cgroup %s: %w", d.path, err)
	}
	return u, nil
}

// CPU is the CPU time used in the cgroup and below it so far, nil where it is not counted.
func (d *Dir) CPU() (*time.Duration, error) {
	stat, err := d.flat("cpu.stat")
	return microseconds(stat, "usage_usec"), err
}

func (d *Dir) cpuUsage(u *Usage) error {
	stat, err := d.flat("cpu.stat")
	if err != nil {
		return err
	}
	u.CPU, u.User, u.System = microseconds(stat, "usage_usec"), microseconds(stat, "user_usec"), microseconds(stat, "system_usec")
	u.Periods, u.Throttled = number(stat, "nr_periods"), number(stat, "nr_throttled")
	u.ThrottledTime = microseconds(stat, "throttled_usec")
	return nil
}

func (d *Dir) memoryUsage(u *Usage) (err error) {
	if u.MemoryCurrent, err = d.count("memory.current"); err != nil {
		return err
	}
	if u.MemoryPeak, err = d.count("memory.peak"); err != nil {
		return err
	}
	u.MemoryEvents, err = d.flat("memory.events")
	return err
}

func (d *Dir) pidsUsage(u *Usage) (err error) {
	if u.PIDsCurrent, err = d.count("pids.current"); err != nil {
		return err
	}
	if u.PIDsPeak, err = d.count("pids.peak"); err != nil {
		return err
	}
	events, err := d.flat("pids.events")
	u.PIDsRefused = number(events, "max")
	return err
}

func (d *Dir) ioUsage(u *Usage) error {
	content, err := d.optional("io.stat")
	if err != nil || content == nil {
		return err
	}
	u.IO = parseNested(content)
	return nil
}

func (d *Dir) pressure(u *Usage) error {
	for _, f := range []struct {
		file string
		to   **Pressure
	}{{"cpu.pressure", &u.CPUPressure}, {"memory.pressure", &u.MemoryPressure}, {"io.pressure", &u.IOPressure}} {
		content, err := d.optional(f.file)
		if err != nil {
			return err
		}
		if *f.to, err = parsePressure(content); err != nil {
			return fmt.Errorf("reading %s: %w", d.file(f.file), err)
		}
	}
	return nil
}

// optional reads a file that this kernel or this cgroup may not have: nil then.
// Pressure is not there to read when the kernel was booted with psi=0.
func (d *Dir) optional(file string) ([]byte, error) {
	content, err := d.read(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	return content, err
}

func (d *Dir) flat(file string) (map[string]uint64, error) {
	content, err := d.optional(file)
	if err != nil || content == nil {
		return nil, err
	}
	numbers, err := parseFlat(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.file(file), err)
	}
	return numbers, nil
}

func (d *Dir) count(file string) (*int64, error) {
	content, err := d.optional(file)
	if err != nil || content == nil {
		return nil, err
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(content)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.file(file), err)
	}
	return &n, nil
}

func number(stat map[string]uint64, key string) *uint64 {
	if n, ok := stat[key]; ok {
		return &n
	}
	return nil
}

func microseconds(stat map[string]uint64, key string) *time.Duration {
	if n, ok := stat[key]; ok {
		return new(time.Duration(n) * time.Microsecond)
	}
	return nil
}

// parseNested reads the kernel's "nested keyed" format: "8:0 rbytes=1 wbytes=2".
// A line may be a device without numbers.
func parseNested(content []byte) map[string]map[string]uint64 {
	all := map[string]map[string]uint64{}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		of := map[string]uint64{}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			// Some controllers of latency add words to the numbers: depth=max.
			if n, err := strconv.ParseUint(value, 10, 64); err == nil {
				of[key] = n
			}
		}
		all[fields[0]] = of
	}
	return all
}

// parsePressure reads lines such as "some avg10=0.00 avg60=0.00 avg300=0.00 total=17",
// of which the total, in microseconds, is what can be subtracted.
func parsePressure(content []byte) (*Pressure, error) {
	var p *Pressure
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil, fmt.Errorf("line %q is not of the form some ... total=17", line)
		}
		total, ok := strings.CutPrefix(fields[len(fields)-1], "total=")
		n, err := strconv.ParseUint(total, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("line %q does not end in a total", line)
		}
		if p == nil {
			p = &Pressure{}
		}
		switch stalled := time.Duration(n) * time.Microsecond; fields[0] {
		case "some":
			p.Some = &stalled
		case "full":
			p.Full = &stalled
		}
	}
	return p, nil
}
