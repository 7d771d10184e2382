// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// DistributionMetric is what the values of a distribution are.
//
// +kubebuilder:validation:Enum=WakeLatency;TimerLatency;IterationCost;ResponseTime;RequestRate
type DistributionMetric string

const (
	// MetricWakeLatency is the time from blocking to running again. What exactly
	// it spans depends on the kind of work: the sample says it.
	MetricWakeLatency DistributionMetric = "WakeLatency"
	// MetricTimerLatency is the time from an absolute deadline to running.
	MetricTimerLatency DistributionMetric = "TimerLatency"
	// MetricIterationCost is the time that a fixed amount of computation took.
	MetricIterationCost DistributionMetric = "IterationCost"
	// MetricResponseTime is the time from when a request was due to its completion.
	MetricResponseTime DistributionMetric = "ResponseTime"
	// MetricRequestRate is requests per second, one value for each second.
	MetricRequestRate DistributionMetric = "RequestRate"
)

// DistributionSample is what exactly one value of a distribution is.
//
// +kubebuilder:validation:Enum=RoundTrip;Wait;Wakeup;LockWait;Sleep;Overshoot;Yield;Reap;Sync;Read;Convoy;Lateness;Computation;Request;Arrival;Second
type DistributionSample string

// DistributionUnit is what the values of a distribution count.
//
// +kubebuilder:validation:Enum=ns;1/s
type DistributionUnit string

const (
	// UnitNanoseconds is that of all times.
	UnitNanoseconds DistributionUnit = "ns"
	// UnitPerSecond is that of rates.
	UnitPerSecond DistributionUnit = "1/s"
)

// Distribution is a population of values that mean the same. The percentiles are
// computed from the histogram, which keeps every value to within 0.8 %; to merge
// distributions of one metric and one sample, merge histograms.
type Distribution struct {
	// metric is what the values are about.
	// WakeLatency: a time from blocking to running again.
	// TimerLatency: the time from an absolute deadline to running.
	// IterationCost: the time that a fixed amount of computation took.
	// ResponseTime: the time from when a request was due to its completion.
	// RequestRate: requests per second.
	//
	// +required
	Metric DistributionMetric `json:"metric"`

	// sample is what exactly one value is. Values of different samples are never put
	// together.
	// RoundTrip: from handing over to a partner to having the turn back.
	// Wait: from beginning to wait for another worker to running again, with the
	// other's work in it.
	// Wakeup: from the moment the waker notes before it wakes to the woken worker
	// running.
	// LockWait: one wait for a lock that another holds.
	// Sleep: a whole sleep as it was observed.
	// Overshoot: what a sleep took longer than asked.
	// Yield: one sched_yield, until running again.
	// Reap: waiting for a child process to end.
	// Sync: a data sync of a file.
	// Read: a read of a file.
	// Convoy: a write to and a read from a file, now and then with a data sync.
	// Lateness: from a deadline on a fixed grid to running.
	// Computation: a fixed amount of computation.
	// Request: from the begin of a request's work to its end.
	// Arrival: from when a request was due by its schedule to its end, also where
	// the worker was late to begin.
	// Second: what was done in one second.
	//
	// +required
	Sample DistributionSample `json:"sample"`

	// unit is what min to max count: ns, or 1/s for a RequestRate.
	//
	// +required
	Unit DistributionUnit `json:"unit"`

	// count is the number of values.
	//
	// +required
	Count int64 `json:"count"`

	// min is the smallest value, exact.
	//
	// +required
	Min int64 `json:"min"`

	// p50 is the median.
	//
	// +required
	P50 int64 `json:"p50"`

	// p90 is the 90th percentile.
	//
	// +required
	P90 int64 `json:"p90"`

	// p99 is the 99th percentile.
	//
	// +required
	P99 int64 `json:"p99"`

	// p999 is the 99.9th percentile.
	//
	// +required
	P999 int64 `json:"p999"`

	// max is the largest value, exact.
	//
	// +required
	Max int64 `json:"max"`

	// histogram holds all values in HdrHistogram's compressed V2 encoding, base64,
	// two significant digits, in the unit. Absent where it would have made
	// the status too large; histogramTruncated says so.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Histogram string `json:"histogram,omitempty"`
}

// NodePages is a number of pages on a NUMA node.
type NodePages struct {
	// node is the kernel's number of the NUMA node.
	//
	// +required
	Node int32 `json:"node"`

	// pages is how many pages of the base size there are.
	//
	// +required
	Pages int64 `json:"pages"`
}

// GroupResult is what a group of workers did. Sums are over workers; rates and
// percentiles are computed from the sums and histograms, never averaged.
type GroupResult struct {
	// name is the group's name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name"`

	// kind is the kind of work.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Kind string `json:"kind"`

	// cloneMode is what its workers are to the kernel.
	//
	// +optional
	CloneMode CloneMode `json:"cloneMode,omitempty"`

	// workers is how many workers there were, over all starts of the group.
	//
	// +required
	Workers int32 `json:"workers"`

	// completed is how many of them worked until they were told to stop.
	//
	// +required
	Completed int32 `json:"completed"`

	// iterations is the number of passes of the work's outer loop, summed. It is 0
	// for exec, as are workUnits, migrations and maxGapNanoseconds: programs do not
	// say what they do, and programMetrics are what was read from their output.
	//
	// +required
	Iterations int64 `json:"iterations"`

	// workUnits is the number of work units, summed. What a unit is depends on the kind.
	//
	// +required
	WorkUnits int64 `json:"workUnits"`

	// wallNanoseconds is the time from a worker's first instruction of work to its last, summed.
	//
	// +required
	WallNanoseconds int64 `json:"wallNanoseconds"`

	// cpuNanoseconds is the CPU time by the workers' own thread clocks, summed.
	//
	// +required
	CPUNanoseconds int64 `json:"cpuNanoseconds"`

	// runDelayNanoseconds is the time spent runnable but waiting for a CPU
	// (schedstat), summed. Absent where the kernel does not tell.
	//
	// +optional
	RunDelayNanoseconds *int64 `json:"runDelayNanoseconds,omitempty"`

	// voluntarySwitches is how often a worker gave its CPU up, to block or sleep, summed.
	//
	// +required
	VoluntarySwitches int64 `json:"voluntarySwitches"`

	// involuntarySwitches is how often a worker's CPU was taken from it, summed.
	//
	// +required
	InvoluntarySwitches int64 `json:"involuntarySwitches"`

	// migrations is the number of CPU changes seen at checkpoints, summed.
	//
	// +required
	Migrations int64 `json:"migrations"`

	// migrationsByDistance are the same, by how far they went. Absent where there
	// were none, or where it would have made the status too large.
	//
	// +optional
	MigrationsByDistance *MigrationDistances `json:"migrationsByDistance,omitempty"`

	// policy is the scheduling policy the workers ran under, such as "other", "fifo 50"
	// or "deadline 1ms/10ms/10ms". Only in a NodeRun. Absent where it would have made
	// the status too large.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Policy string `json:"policy,omitempty"`

	// allowedCPUs is the list of CPUs that the kernel said the workers could use, over
	// all of them. Only in a NodeRun, like cpusUsed.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	AllowedCPUs string `json:"allowedCPUs,omitempty"`

	// cpusUsed is the list of CPUs seen at checkpoints. Only in a NodeRun, since
	// CPU numbers of different nodes do not compare. Absent where it would have
	// made the status too large.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	CPUsUsed string `json:"cpusUsed,omitempty"`

	// pagesByNode are the resident pages of memory that the workers mapped for
	// themselves, by NUMA node, when their work ended: where their memory policy
	// put it. In a NodeRun only; absent where the kind of work maps nothing.
	//
	// +optional
	// +listType=map
	// +listMapKey=node
	// +kubebuilder:validation:MaxItems=64
	PagesByNode []NodePages `json:"pagesByNode,omitempty"`

	// maxGapNanoseconds is the longest time between two checkpoints of one worker.
	//
	// +required
	MaxGapNanoseconds int64 `json:"maxGapNanoseconds"`

	// maxGapCPU is the CPU that gap began on. Only in a NodeRun, like cpusUsed.
	//
	// +optional
	MaxGapCPU *int32 `json:"maxGapCPU,omitempty"`

	// distributions are what the group recorded.
	//
	// +optional
	// +listType=map
	// +listMapKey=metric
	// +listMapKey=sample
	// +kubebuilder:validation:MaxItems=4
	Distributions []Distribution `json:"distributions,omitempty"`

	// programMetrics are the figures that programs wrote, of kind exec.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ProgramMetrics []ProgramMetric `json:"programMetrics,omitempty"`
}

// ProgramMetric is a figure that programs wrote, each of them at most once: how
// many of them, their sum and the extremes. The mean is sum / count.
type ProgramMetric struct {
	// name is its name in the work's metrics.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// unit is its unit, such as 1/s; empty if it has none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Unit string `json:"unit,omitempty"`

	// polarity is which values are better.
	//
	// +required
	Polarity MetricPolarity `json:"polarity"`

	// count is how many programs wrote it.
	//
	// +required
	Count int64 `json:"count"`

	// sum is the sum over programs, a decimal number, as are min and max. It is exact to
	// 50 digits, in whatever order programs and nodes were added.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	Sum string `json:"sum"`

	// min is the smallest value.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Min string `json:"min"`

	// max is the largest value.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Max string `json:"max"`
}

// MetricPolarity is which values of a figure are better.
//
// +kubebuilder:validation:Enum=HigherIsBetter;LowerIsBetter;Neither
type MetricPolarity string

const (
	// PolarityHigher is that of a throughput.
	PolarityHigher MetricPolarity = "HigherIsBetter"
	// PolarityLower is that of a latency.
	PolarityLower MetricPolarity = "LowerIsBetter"
	// PolarityNeither is that of a figure that only describes.
	PolarityNeither MetricPolarity = "Neither"
)

// MigrationDistances tells migrations apart by how far they went. Their sum is
// that of all migrations; a distance that none was seen to go is absent.
type MigrationDistances struct {
	// smt are those to another hardware thread of the same core.
	//
	// +optional
	SMT *int64 `json:"smt,omitempty"`

	// llc are those to another core at the same last-level cache.
	//
	// +optional
	LLC *int64 `json:"llc,omitempty"`

	// node are those to another last-level cache of the same NUMA node.
	//
	// +optional
	Node *int64 `json:"node,omitempty"`

	// remote are those to another NUMA node.
	//
	// +optional
	Remote *int64 `json:"remote,omitempty"`

	// unknown are those of which the machine's topology does not tell.
	//
	// +optional
	Unknown *int64 `json:"unknown,omitempty"`
}

// WorkerResult is one worker, told apart because it did not do what was asked.
type WorkerResult struct {
	// group is the group's name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`

	// index is the worker's number in its group, from 0.
	//
	// +required
	Index int32 `json:"index"`

	// stage is how far it came: Declared, Forked, Parked, Running, Stopped.
	//
	// +required
	// +kubebuilder:validation:MaxLength=16
	Stage string `json:"stage"`

	// outcome is how it ended, such as "exited 0" or "killed by signal 9 (killed)".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Outcome string `json:"outcome,omitempty"`

	// iterations is what it had done by then.
	//
	// +required
	Iterations int64 `json:"iterations"`

	// problem is what is wrong with it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Problem string `json:"problem,omitempty"`
}
