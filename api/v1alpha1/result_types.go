// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// DistributionMetric is what the values of a distribution are.
//
// +kubebuilder:validation:Enum=WakeLatency;TimerLatency
type DistributionMetric string

const (
	// MetricWakeLatency is the time from blocking to running again. What exactly
	// it spans depends on the kind of work, so kinds are never pooled.
	MetricWakeLatency DistributionMetric = "WakeLatency"
	// MetricTimerLatency is the time from an absolute deadline to running.
	MetricTimerLatency DistributionMetric = "TimerLatency"
)

// Distribution is a population of durations. The percentiles are computed from
// the histogram, which keeps every value to within 0.8 %; to merge
// distributions, merge histograms.
type Distribution struct {
	// metric is what the values are.
	//
	// +required
	Metric DistributionMetric `json:"metric"`

	// count is the number of values.
	//
	// +required
	Count int64 `json:"count"`

	// minNanoseconds is the smallest value, exact.
	//
	// +required
	MinNanoseconds int64 `json:"minNanoseconds"`

	// p50Nanoseconds is the median.
	//
	// +required
	P50Nanoseconds int64 `json:"p50Nanoseconds"`

	// p90Nanoseconds is the 90th percentile.
	//
	// +required
	P90Nanoseconds int64 `json:"p90Nanoseconds"`

	// p99Nanoseconds is the 99th percentile.
	//
	// +required
	P99Nanoseconds int64 `json:"p99Nanoseconds"`

	// p999Nanoseconds is the 99.9th percentile.
	//
	// +required
	P999Nanoseconds int64 `json:"p999Nanoseconds"`

	// maxNanoseconds is the largest value, exact.
	//
	// +required
	MaxNanoseconds int64 `json:"maxNanoseconds"`

	// histogram holds all values in HdrHistogram's compressed V2 encoding, base64,
	// two significant digits, unit nanoseconds. Absent where it would have made
	// the status too large; histogramTruncated says so.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Histogram string `json:"histogram,omitempty"`
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

	// workers is how many workers were declared.
	//
	// +required
	Workers int32 `json:"workers"`

	// completed is how many of them worked until the common stop.
	//
	// +required
	Completed int32 `json:"completed"`

	// iterations is the number of passes of the work's outer loop, summed.
	//
	// +required
	Iterations int64 `json:"iterations"`

	// workUnits is the number of work units, summed. What a unit is depends on the kind.
	//
	// +required
	WorkUnits int64 `json:"workUnits"`

	// wallNanoseconds is the time from the common start to a worker's end, summed over workers.
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

	// maxGapNanoseconds is the longest time between two checkpoints of one worker.
	//
	// +required
	MaxGapNanoseconds int64 `json:"maxGapNanoseconds"`

	// maxGapCPU is the CPU that gap began on. Only in a NodeRun, like cpusUsed.
	//
	// +optional
	MaxGapCPU *int32 `json:"maxGapCPU,omitempty"`

	// distributions are the latencies the group recorded.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	Distributions []Distribution `json:"distributions,omitempty"`
}

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
