// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CheckMetric is a figure that a check can bound.
//
// +kubebuilder:validation:Enum=Starvation;MaxGap;Isolation;OffCPUSpread;ThroughputCV;WorkRate;IterationRate;MigrationRatio;RunDelay;WakeLatency;TimerLatency;IterationCost;ResponseTime;RequestRate;PageLocality;CrossNodeMigration;ProgramMetric;CPUShare;CPUPressure;MemoryPressure;IOPressure;Throttling
type CheckMetric string

// CheckStatistic is what a check takes of a distribution.
//
// +kubebuilder:validation:Enum=Percentile;Max;CV
type CheckStatistic string

// CheckExpectation is what a check is expected to say.
//
// +kubebuilder:validation:Enum=Pass;Fail
type CheckExpectation string

// MigrationDistance is how far a migration goes.
//
// +kubebuilder:validation:Enum=SMT;LLC;Node;Remote
type MigrationDistance string

// Check bounds one figure. Where two checks bound the same figure of the same
// group, cgroup or worker in the same step, the more specific one holds: one that
// names steps before one that does not, then one that names groups or cgroups
// before one that does not, then the later one.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.max) || has(self.min)) || !(self.metric in ['Starvation', 'Isolation'])",message="Starvation and Isolation have no limit: a worker either breaks them or does not",fieldPath=".max"
// +kubebuilder:validation:XValidation:rule="has(self.max) || has(self.min) || self.metric in ['Starvation', 'Isolation', 'MaxGap', 'OffCPUSpread', 'CPUShare']",message="a max or a min must be set: this metric has no default",fieldPath=".max"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !(self.metric in ['MaxGap', 'OffCPUSpread', 'CPUShare'])",message="MaxGap, OffCPUSpread and CPUShare take max only: the smaller the better",fieldPath=".min"
// +kubebuilder:validation:XValidation:rule="!has(self.max) || self.metric in ['Starvation', 'Isolation'] || (self.metric in ['OffCPUSpread', 'RunDelay', 'PageLocality', 'CPUShare', 'CPUPressure', 'MemoryPressure', 'IOPressure', 'Throttling'] ? self.max.endsWith('%') : self.metric in ['MaxGap', 'WakeLatency', 'TimerLatency', 'IterationCost', 'ResponseTime'] && !(has(self.statistic) && self.statistic == 'CV') ? self.max.matches('[a-zµ]$') : self.max.matches('[0-9]$'))",message="must be a percentage such as 15% for OffCPUSpread, RunDelay, PageLocality, CPUShare, CPUPressure, MemoryPressure, IOPressure, Throttling; a duration such as 500us for MaxGap, WakeLatency, TimerLatency, IterationCost, ResponseTime; a number such as 0.25 for the other metrics and the statistic CV",fieldPath=".max"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || self.metric in ['Starvation', 'Isolation'] || (self.metric in ['OffCPUSpread', 'RunDelay', 'PageLocality', 'CPUShare', 'CPUPressure', 'MemoryPressure', 'IOPressure', 'Throttling'] ? self.min.endsWith('%') : self.metric in ['MaxGap', 'WakeLatency', 'TimerLatency', 'IterationCost', 'ResponseTime'] && !(has(self.statistic) && self.statistic == 'CV') ? self.min.matches('[a-zµ]$') : self.min.matches('[0-9]$'))",message="must be a percentage such as 15% for OffCPUSpread, RunDelay, PageLocality, CPUShare, CPUPressure, MemoryPressure, IOPressure, Throttling; a duration such as 500us for MaxGap, WakeLatency, TimerLatency, IterationCost, ResponseTime; a number such as 0.25 for the other metrics and the statistic CV",fieldPath=".min"
// +kubebuilder:validation:XValidation:rule="self.metric in ['WakeLatency', 'TimerLatency', 'IterationCost', 'ResponseTime', 'RequestRate'] || !(has(self.statistic) || has(self.percentile))",message="only WakeLatency, TimerLatency, IterationCost, ResponseTime and RequestRate are distributions",fieldPath=".statistic"
// +kubebuilder:validation:XValidation:rule="!(self.metric in ['WakeLatency', 'TimerLatency', 'IterationCost', 'ResponseTime', 'RequestRate']) || has(self.percentile) == (!has(self.statistic) || self.statistic == 'Percentile')",message="must be set for the statistic Percentile, which is the default, and not for Max and CV",fieldPath=".percentile"
// +kubebuilder:validation:XValidation:rule="!has(self.distance) || self.metric == 'MigrationRatio'",message="is for MigrationRatio",fieldPath=".distance"
// +kubebuilder:validation:XValidation:rule="has(self.programMetric) == (self.metric == 'ProgramMetric')",message="must be set for the metric ProgramMetric, and for no other",fieldPath=".programMetric"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || !(self.metric in ['CPUShare', 'CPUPressure', 'MemoryPressure', 'IOPressure', 'Throttling'])",message="this metric is one of cgroups: name cgroups",fieldPath=".groups"
// +kubebuilder:validation:XValidation:rule="!has(self.cgroups) || self.metric in ['CPUShare', 'CPUPressure', 'MemoryPressure', 'IOPressure', 'Throttling']",message="this metric is one of groups: name groups",fieldPath=".cgroups"
// +kubebuilder:validation:XValidation:rule="!has(self.steps) || self.metric != 'ProgramMetric'",message="programs write their figures once, so that they belong to no step",fieldPath=".steps"
type Check struct {
	// name identifies the check in reports.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// metric is the figure. In brackets: whose it is, its unit, and the limit where it has a default.
	// Starvation: a worker made no progress. [worker]
	// MaxGap: the longest time between two checkpoints. [worker; duration; max 2s]
	// Isolation: a worker ran on a CPU outside of those it could have by every cpuset and affinity in force at the time. [worker]
	// OffCPUSpread: the largest less the smallest share of the time that workers were off their CPUs. [group; percent; max 15%]
	// ThroughputCV: standard deviation by mean of the workers' work units per second of CPU time. [group; number]
	// WorkRate: work units per second of CPU time. [worker; number]
	// IterationRate: iterations per second. [worker; number]
	// MigrationRatio: migrations per iteration, of at least the distance. [group; number]
	// RunDelay: the share of the time that workers waited for a CPU. [group; percent]
	// WakeLatency, TimerLatency, IterationCost, ResponseTime: the statistic of that distribution. [group; duration, or a number for CV]
	// RequestRate: the percentile of requests per second. [group; number]
	// PageLocality: the share of pages on the NUMA nodes of the CPUs in force. [group; percent]
	// CrossNodeMigration: pages that the machine moved between NUMA nodes, by the pages of the workers. [group; number]
	// ProgramMetric: a figure that programs wrote, their mean. [group; number]
	// CPUShare: how far the CPU time of a cgroup is off the share that weights promise it against its siblings. [cgroup; percent of that share; max 10%]
	// CPUPressure, MemoryPressure, IOPressure: the share of the time in which some task waited. [cgroup; percent]
	// Throttling: the share of quota periods in which the quota was used up. [cgroup; percent]
	//
	// +required
	Metric CheckMetric `json:"metric"`

	// groups are the names of the groups it is about. Unset, every group that has the figure.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=12
	// +kubebuilder:validation:items:MaxLength=32
	Groups []string `json:"groups,omitempty"`

	// cgroups are the names of the cgroups it is about, for a metric of cgroups.
	// Unset, every cgroup that has the figure.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=64
	Cgroups []string `json:"cgroups,omitempty"`

	// steps are the names of the steps in whose hold it must hold, each for itself.
	// Unset, the hold of every step, or of a run without steps the whole run.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=32
	Steps []string `json:"steps,omitempty"`

	// statistic is what is taken of a distribution. Percentile: the percentile. Max: the largest
	// value. CV: standard deviation by mean. Default Percentile.
	//
	// +optional
	Statistic CheckStatistic `json:"statistic,omitempty"`

	// percentile is which percentile of a distribution is meant, such as "99.9". Required
	// for the statistic Percentile.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:Pattern=`^([0-9]|[1-9][0-9])([.][0-9]{1,4})?$|^100$`
	Percentile string `json:"percentile,omitempty"`

	// distance is the least distance of the migrations that count for MigrationRatio.
	// Default SMT, which is all of them.
	//
	// +optional
	Distance MigrationDistance `json:"distance,omitempty"`

	// programMetric is the name of the figure, for ProgramMetric.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ProgramMetric string `json:"programMetric,omitempty"`

	// max is the largest value that passes: a duration such as 500us, a percentage
	// such as 15%, or a number such as 0.25, as the metric has it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[0-9]+([.][0-9]+)?(%|ns|us|µs|ms|s|m|h)?$`
	Max string `json:"max,omitempty"`

	// min is the smallest value that passes.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[0-9]+([.][0-9]+)?(%|ns|us|µs|ms|s|m|h)?$`
	Min string `json:"min,omitempty"`

	// expect is what the check is expected to say. Fail makes a check that fails a pass,
	// and one that passes a failure. Default Pass.
	//
	// +optional
	Expect CheckExpectation `json:"expect,omitempty"`
}

// Verdict is what checks say together: the worst of Fail, Inconclusive, Pass and Skip, in this order.
//
// +kubebuilder:validation:Enum=Fail;Inconclusive;Pass;Skip
type Verdict string

const (
	// VerdictFail: something that must hold did not.
	VerdictFail Verdict = "Fail"
	// VerdictInconclusive: what would tell was not measured, or does not count.
	VerdictInconclusive Verdict = "Inconclusive"
	// VerdictPass: all that was checked held.
	VerdictPass Verdict = "Pass"
	// VerdictSkip: nothing was checked.
	VerdictSkip Verdict = "Skip"
)

// Finding is what a check says of one worker, group or cgroup in one step.
type Finding struct {
	// check is the name of the check.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Check string `json:"check"`

	// metric is the figure it bounds.
	//
	// +required
	Metric CheckMetric `json:"metric"`

	// verdict is what it says.
	//
	// +required
	Verdict Verdict `json:"verdict"`

	// step is the name of the step; empty in a run without steps.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Step string `json:"step,omitempty"`

	// group is the name of the group.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group,omitempty"`

	// worker is the number of the worker in the group.
	//
	// +optional
	Worker *int32 `json:"worker,omitempty"`

	// cgroup is the name of the cgroup.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Cgroup string `json:"cgroup,omitempty"`

	// cpu is the CPU it happened on.
	//
	// +optional
	CPU *int32 `json:"cpu,omitempty"`

	// value is the figure, and limit what it was held against, such as 3.1s and 2s.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Value string `json:"value,omitempty"`

	// limit is what it was held against.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Limit string `json:"limit,omitempty"`

	// atNanoseconds is when it happened, counted from the common start.
	//
	// +optional
	AtNanoseconds *int64 `json:"atNanoseconds,omitempty"`

	// message says it in a sentence.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`

	// node is the test node. Only in a Workload.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node,omitempty"`
}

// VerdictCounts counts by verdict: findings in a NodeRun, nodes in a Workload.
type VerdictCounts struct {
	// fail is how many failed.
	//
	// +optional
	Fail int32 `json:"fail,omitempty"`

	// inconclusive is how many could not tell.
	//
	// +optional
	Inconclusive int32 `json:"inconclusive,omitempty"`

	// pass is how many passed.
	//
	// +optional
	Pass int32 `json:"pass,omitempty"`

	// skip is how many had nothing to check.
	//
	// +optional
	Skip int32 `json:"skip,omitempty"`
}
