// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/utils/cpuset"
)

// defaultPeriod is the kernel's period of cpu.max.
const defaultPeriod = 100 * time.Millisecond

// knob is one write to a file of a cgroup, and what reading it must then give.
type knob struct {
	file, value string
	// holds says whether what was read is what was asked for; nil: it is the
	// value. What was read has no newline at its end.
	holds func(got string) bool
}

// knobs are the writes of the settings in the order they are made.
func (s *Settings) knobs() []knob { return s.knobsWith(cpuset.New()) }

// knobsWith are the knobs of a cgroup that also has to set CPUs aside for
// partitions at it or below it.
func (s *Settings) knobsWith(exclusive cpuset.CPUSet) []knob {
	return slices.Concat(s.cpusetKnobs(exclusive), s.CPU.knobs(), s.Memory.knobs(), s.IO.knobs(), s.pidsKnobs())
}

// cpusetKnobs are, but for the partition, judged by what is in force and not by
// what the files hold: see verify.
func (s *Settings) cpusetKnobs(exclusive cpuset.CPUSet) []knob {
	var knobs []knob
	if !s.CPUs.IsEmpty() {
		knobs = append(knobs, knob{file: "cpuset.cpus", value: s.CPUs.String()})
	}
	if !s.Mems.IsEmpty() {
		knobs = append(knobs, knob{file: "cpuset.mems", value: s.Mems.String()})
	}
	if !exclusive.IsEmpty() {
		knobs = append(knobs, knob{file: exclusiveFile, value: exclusive.String()})
	}
	if s.Partition != "" {
		knobs = append(knobs, knob{file: partitionFile, value: s.Partition})
	}
	return knobs
}

func (s *CPUSettings) knobs() []knob {
	var knobs []knob
	if s.Weight != nil {
		knobs = append(knobs, knob{file: "cpu.weight", value: strconv.Itoa(*s.Weight)})
	}
	if s.Idle {
		knobs = append(knobs, knob{file: "cpu.idle", value: "1"})
	}
	if s.Quota != 0 || s.Period != 0 {
		knobs = append(knobs, knob{file: "cpu.max", value: s.max()})
	}
	if s.Burst != 0 {
		knobs = append(knobs, knob{file: "cpu.max.burst", value: strconv.FormatInt(s.Burst.Microseconds(), 10)})
	}
	if s.UclampMinPercent != nil {
		knobs = append(knobs, uclamp("cpu.uclamp.min", *s.UclampMinPercent))
	}
	if s.UclampMaxPercent != nil {
		knobs = append(knobs, uclamp("cpu.uclamp.max", *s.UclampMaxPercent))
	}
	return knobs
}

func (s *CPUSettings) max() string {
	period := s.Period
	if period == 0 {
		period = defaultPeriod
	}
	if s.Quota == 0 {
		return fmt.Sprintf("max %d", period.Microseconds())
	}
	return fmt.Sprintf("%d %d", s.Quota.Microseconds(), period.Microseconds())
}

// uclamp is a percentage with two decimals. The kernel shows 100 as max.
func uclamp(file string, percent int) knob {
	value := fmt.Sprintf("%d.00", percent)
	if percent == 100 {
		value = "max"
	}
	return knob{file: file, value: value}
}

func (s *MemorySettings) knobs() []knob {
	var knobs []knob
	if s.Max != nil || s.High != nil || s.Low != nil {
		knobs = append(knobs, bytesKnob("memory.max", s.Max, "max"), bytesKnob("memory.high", s.High, "max"), bytesKnob("memory.low", s.Low, "0"))
	}
	if s.Min != nil {
		knobs = append(knobs, bytesKnob("memory.min", s.Min, ""))
	}
	if s.SwapMax != nil {
		knobs = append(knobs, bytesKnob("memory.swap.max", s.SwapMax, ""))
	}
	return knobs
}

// bytesKnob is an amount of memory, of which the kernel keeps whole pages. It
// shows more than it can count as max.
func bytesKnob(file string, bytes *int64, unset string) knob {
	if bytes == nil {
		return knob{file: file, value: unset}
	}
	page := int64(os.Getpagesize())
	kept := *bytes / page * page
	return knob{file: file, value: strconv.FormatInt(*bytes, 10), holds: func(got string) bool {
		return got == strconv.FormatInt(kept, 10) || got == "max" && kept/page >= math.MaxInt64/page
	}}
}

func (s *IOSettings) knobs() []knob {
	var knobs []knob
	if s.Weight != nil {
		weight := fmt.Sprintf("default %d", *s.Weight)
		knobs = append(knobs, knob{file: "io.weight", value: weight, holds: func(got string) bool {
			first, _, _ := strings.Cut(got, "\n")
			return first == weight
		}})
	}
	for i := range s.Limits {
		knobs = append(knobs, s.Limits[i].knob())
	}
	return knobs
}

// knob is the line of a device in io.max. The kernel shows it with every limit,
// in an order of its own, beside those of other devices.
func (l *IOLimit) knob() knob {
	var limits []string
	for _, limit := range []struct {
		key   string
		value *int64
	}{
		{"rbps", l.ReadBytesPerSecond},
		{"wbps", l.WriteBytesPerSecond},
		{"riops", l.ReadOperationsPerSecond},
		{"wiops", l.WriteOperationsPerSecond},
	} {
		if limit.value != nil {
			limits = append(limits, fmt.Sprintf("%s=%d", limit.key, *limit.value))
		}
	}
	device := l.Device
	return knob{file: "io.max", value: strings.Join(append([]string{device}, limits...), " "), holds: func(got string) bool {
		for line := range strings.Lines(got) {
			fields := strings.Fields(line)
			if len(fields) > 0 && fields[0] == device {
				return len(without(limits, fields[1:])) == 0
			}
		}
		return false
	}}
}

func (s *Settings) pidsKnobs() []knob {
	if s.PidsMax == nil {
		return nil
	}
	return []knob{{file: "pids.max", value: strconv.FormatInt(*s.PidsMax, 10)}}
}

// whyMissing says what a kernel lacks that does not have a file although the
// controller is on.
func whyMissing(file string) string {
	switch file {
	case "memory.swap.max":
		return "the kernel has no swap accounting"
	case "io.weight":
		return "the kernel has it with CONFIG_BLK_CGROUP_IOCOST, or where a disk uses the I/O scheduler BFQ"
	case "io.max":
		return "the kernel has it with CONFIG_BLK_DEV_THROTTLING"
	case "cpu.uclamp.min", "cpu.uclamp.max":
		return "the kernel has it with CONFIG_UCLAMP_TASK_GROUP"
	case "cpu.idle":
		return "Linux 5.15 or later has it"
	case "cpu.max.burst":
		return "Linux 5.14 or later has it, with CONFIG_CFS_BANDWIDTH"
	case "cpu.max":
		return "the kernel has it with CONFIG_CFS_BANDWIDTH"
	case exclusiveFile:
		return "Linux 6.7 or later has it; before, only a child of a partition or of the top cgroup can be a partition"
	}
	return "this kernel does not have it"
}
