// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import "strings"

// Definition is what is known of a program: how it is called for a run, how it is told
// to stop, and where its figures are.
type Definition struct {
	// Name is that of the program, and the one under which nodes offer it.
	Name string
	// About says in a line what it does when it is called with Args.
	About string
	Args  []string
	// StopSignal is empty for TERM.
	StopSignal string
	Metrics    []Metric
}

// Find is the definition of a name, nil if there is none.
func Find(name string) *Definition {
	for i := range definitions {
		if definitions[i].Name == name {
			return &definitions[i]
		}
	}
	return nil
}

// Definitions are all there are.
func Definitions() []Definition { return definitions }

// Names are those of all definitions, in order.
func Names() []string {
	var names []string
	for i := range definitions {
		names = append(names, definitions[i].Name)
	}
	return names
}

// All of them end by themselves, those that take a duration soon after the common stop:
// they have a grace for that.
var definitions = []Definition{schbench, fio, stressNG, hackbench, cyclictest}

var schbench = Definition{
	Name:  "schbench",
	About: "the original schbench: a message thread, and as many workers as the group has CPUs",
	// The short options: the names of some long ones differ between versions.
	Args: []string{"-m", "1", "-t", "$(CPUS)", "-r", "$(DURATION_SECONDS)"},
	Metrics: []Metric{
		schbenchPercentile("wakeupP50", "Wakeup Latencies", "50.0", "us", LowerIsBetter),
		schbenchPercentile("wakeupP99", "Wakeup Latencies", "99.0", "us", LowerIsBetter),
		schbenchPercentile("wakeupP999", "Wakeup Latencies", "99.9", "us", LowerIsBetter),
		schbenchPercentile("requestP50", "Request Latencies", "50.0", "us", LowerIsBetter),
		schbenchPercentile("requestP99", "Request Latencies", "99.0", "us", LowerIsBetter),
		schbenchPercentile("requestP999", "Request Latencies", "99.9", "us", LowerIsBetter),
		schbenchPercentile("rpsP50", "RPS", "50.0", "1/s", HigherIsBetter),
		{Name: "rps", From: Stderr, Pattern: `^average rps: ([0-9.]+)$`, Unit: "1/s", Polarity: HigherIsBetter},
	},
}

// schbenchPercentile is a line below a heading, in the last of the blocks that schbench writes.
func schbenchPercentile(name, heading, percentile, unit string, polarity Polarity) Metric {
	return Metric{
		Name: name, From: Stderr, Unit: unit, Polarity: polarity,
		Pattern: `^` + heading + ` percentiles .*\n(?:[ \t*]+[0-9.]+th: .*\n)*?[ \t*]+` + percentile + `th: +([0-9]+)`,
	}
}

var fio = Definition{
	Name:  "fio",
	About: "reads of 4 KiB from memory by a system call each; give args for files and devices",
	Args: []string{
		"--name=schedfleet", "--ioengine=psync", "--filename=/dev/zero", "--size=1g", "--rw=randread", "--bs=4k",
		"--time_based", "--runtime=$(DURATION_MILLISECONDS)ms", "--group_reporting", "--output-format=json",
	},
	StopSignal: "INT",
	Metrics: []Metric{
		{Name: "readIOPS", From: Stdout, JSON: "jobs.0.read.iops", Unit: "1/s", Polarity: HigherIsBetter},
		{Name: "readBytes", From: Stdout, JSON: "jobs.0.read.bw_bytes", Unit: "B/s", Polarity: HigherIsBetter},
		{Name: "readP50", From: Stdout, JSON: `jobs.0.read.clat_ns.percentile.50\.000000`, Unit: "ns", Polarity: LowerIsBetter},
		{Name: "readP99", From: Stdout, JSON: `jobs.0.read.clat_ns.percentile.99\.000000`, Unit: "ns", Polarity: LowerIsBetter},
		{Name: "readP999", From: Stdout, JSON: `jobs.0.read.clat_ns.percentile.99\.900000`, Unit: "ns", Polarity: LowerIsBetter},
		{Name: "writeIOPS", From: Stdout, JSON: "jobs.0.write.iops", Unit: "1/s", Polarity: HigherIsBetter},
		{Name: "writeBytes", From: Stdout, JSON: "jobs.0.write.bw_bytes", Unit: "B/s", Polarity: HigherIsBetter},
		{Name: "writeP50", From: Stdout, JSON: `jobs.0.write.clat_ns.percentile.50\.000000`, Unit: "ns", Polarity: LowerIsBetter},
		{Name: "writeP99", From: Stdout, JSON: `jobs.0.write.clat_ns.percentile.99\.000000`, Unit: "ns", Polarity: LowerIsBetter},
		{Name: "writeP999", From: Stdout, JSON: `jobs.0.write.clat_ns.percentile.99\.900000`, Unit: "ns", Polarity: LowerIsBetter},
		{Name: "contextSwitches", From: Stdout, JSON: "jobs.0.ctx", Polarity: Neither},
		{Name: "userCPU", From: Stdout, JSON: "jobs.0.usr_cpu", Unit: "%", Polarity: Neither},
		{Name: "systemCPU", From: Stdout, JSON: "jobs.0.sys_cpu", Unit: "%", Polarity: Neither},
	},
}

var stressNG = Definition{
	Name:  "stress-ng",
	About: "the CPU stressor, as many as the group has CPUs; of several stressors, the last one's figures are taken",
	// Versions before 0.15.08 write to stderr unless they are told otherwise.
	Args: []string{"--stdout", "--cpu", "$(CPUS)", "--timeout", "$(DURATION_SECONDS)s", "--metrics-brief"},
	Metrics: []Metric{
		{Name: "bogoOps", From: Stdout, Pattern: stressNGRow(0), Polarity: HigherIsBetter},
		{Name: "bogoOpsPerSecond", From: Stdout, Pattern: stressNGRow(4), Unit: "1/s", Polarity: HigherIsBetter},
		{Name: "bogoOpsPerCPUSecond", From: Stdout, Pattern: stressNGRow(5), Unit: "1/s", Polarity: HigherIsBetter},
		{Name: "userTime", From: Stdout, Pattern: stressNGRow(2), Unit: "s", Polarity: Neither},
		{Name: "systemTime", From: Stdout, Pattern: stressNGRow(3), Unit: "s", Polarity: Neither},
	},
}

// stressNGRow is a column of the table of metrics, behind the name of the stressor.
func stressNGRow(column int) string {
	return `^stress-ng: metrc: \[[0-9]+\] \S+` + strings.Repeat(` +[0-9.]+`, column) + ` +([0-9.]+)`
}

var hackbench = Definition{
	Name:    "hackbench",
	About:   "1000 messages from each of 20 senders to each of 20 receivers, in a group for each CPU; it ends when they are through",
	Args:    []string{"--groups=$(CPUS)", "--loops=1000"},
	Metrics: []Metric{{Name: "time", From: Stdout, Pattern: `^Time: ([0-9.]+)$`, Unit: "s", Polarity: LowerIsBetter}},
}

var cyclictest = Definition{
	Name:  "cyclictest",
	About: "one thread that wakes each millisecond, in SCHED_FIFO; it sets its policy itself, whatever the group's is",
	Args: []string{
		"--quiet", "--nsecs", "--default-system", "--threads=1", "--policy=fifo", "--priority=80",
		"--interval=1000", "--duration=$(DURATION_SECONDS)", "--json=/dev/stdout",
	},
	Metrics: []Metric{
		{Name: "minLatency", From: Stdout, JSON: "thread.0.min", Unit: "ns", Polarity: LowerIsBetter},
		{Name: "meanLatency", From: Stdout, JSON: "thread.0.avg", Unit: "ns", Polarity: LowerIsBetter},
		{Name: "maxLatency", From: Stdout, JSON: "thread.0.max", Unit: "ns", Polarity: LowerIsBetter},
		{Name: "cycles", From: Stdout, JSON: "thread.0.cycles", Polarity: HigherIsBetter},
	},
}
