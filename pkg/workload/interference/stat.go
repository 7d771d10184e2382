// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package interference

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The columns of /proc/stat, in jiffies. There are two more, guest and guest_nice,
// which are inside user and nice already.
const (
	statUser = iota
	statNice
	statSystem
	statIdle
	statIOWait
	statIRQ
	statSoftIRQ
	statSteal
	statColumns
)

const (
	// statTries is how often /proc/stat is read to find the tightest reading: what
	// is not known of its time counts for every CPU.
	statTries = 3
	// statTight is tight enough to leave it at that.
	statTight = int64(time.Millisecond)
)

// cpuTimes reads the times of all CPUs together. The kernel adds them up before
// it cuts them to jiffies, so the sum is as exact for 256 CPUs as for one.
func (s *sampler) cpuTimes(out *Sample) {
	t, err := s.tightStat(out)
	if err == nil && out.cpus == 0 {
		err = errors.New("the list of online CPUs could not be read")
	}
	out.idle = t[statIdle] + t[statIOWait]
	out.busy = t[statUser] + t[statNice] + t[statSystem] + t[statIRQ] + t[statSoftIRQ]
	out.statErr = err
	out.interrupt = reading{value: t[statIRQ] + t[statSoftIRQ], err: err}
	out.steal = reading{value: t[statSteal], err: err}
}

// tightStat reads /proc/stat and when that was.
func (s *sampler) tightStat(out *Sample) (times [statColumns]int64, err error) {
	for try := range statTries {
		before, err1 := s.monotonic()
		t, err2 := s.stat()
		after, err3 := s.monotonic()
		if err := errors.Join(err1, err2, err3); err != nil {
			return times, err
		}
		if doubt := (after - before) / 2; try == 0 || doubt < out.doubt {
			times, out.at, out.doubt = t, before+doubt, doubt
		}
		if out.doubt <= statTight/2 {
			break
		}
	}
	return times, nil
}

// stat reads the first line of /proc/stat, in ns.
func (s *sampler) stat() (times [statColumns]int64, err error) {
	text, err := s.read("proc/stat")
	if err != nil {
		return times, err
	}
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 1+statColumns || fields[0] != "cpu" {
		return times, fmt.Errorf("/proc/stat does not begin with the times of all CPUs: %q", line)
	}
	for i := range times {
		n, err := strconv.ParseInt(fields[1+i], 10, 64)
		if err != nil {
			return times, fmt.Errorf("/proc/stat: %w", err)
		}
		times[i] = n * jiffy
	}
	return times, nil
}

// pressure reads how long some task of the machine has waited for a resource. A
// kernel that was booted with psi=0 has no such file, or refuses to read it.
func (s *sampler) pressure(resource string) reading {
	text, err := s.read("proc/pressure/" + resource)
	if err != nil {
		return reading{err: err}
	}
	for line := range strings.Lines(text) {
		rest, some := strings.CutPrefix(line, "some ")
		_, total, told := strings.Cut(rest, "total=")
		if !some || !told {
			continue
		}
		us, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
		if err != nil {
			return reading{err: fmt.Errorf("/proc/pressure/%s: %w", resource, err)}
		}
		return reading{value: us * 1000}
	}
	return reading{err: fmt.Errorf("/proc/pressure/%s has no total of some tasks: %q", resource, text)}
}
