// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Step is a part of the run. It makes the cgroups and starts the groups it names,
// carries its operations out, holds, and takes both away again. Figures are told
// apart by step.
//
// +kubebuilder:validation:XValidation:rule="!has(self.repeatOpsEvery) || has(self.ops)",message="repeatOpsEvery needs ops to repeat",fieldPath=".repeatOpsEvery"
type Step struct {
	// name identifies the step in checks and reports.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// cgroups are the names of cgroups that exist during this step only: they are made
	// before everything else of the step, and removed at its end. A cgroup that
	// no step and no createCgroup names exists for the whole run.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=64
	Cgroups []string `json:"cgroups,omitempty"`

	// groups are the names of groups that run during this step only: they are started
	// before its ops, and stopped at its end. A group that no step and no startGroup
	// names runs for the whole run. A group may run in several steps, each time anew.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=12
	// +kubebuilder:validation:items:MaxLength=32
	Groups []string `json:"groups,omitempty"`

	// ops are what changes in this step, carried out in order before its hold. One that
	// fails ends the run: the sample is void, and what was measured before stands in
	// the report.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Ops []Op `json:"ops,omitempty"` //nolint:kubeapilinter // a rule holds that exactly one member is set

	// repeatOpsEvery carries the ops out again during the hold, each time this long
	// after the last time they were begun, at least 1ms.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1ms')",message="must be a duration of at least 1ms, such as 100ms"
	RepeatOpsEvery *metav1.Duration `json:"repeatOpsEvery,omitempty"`

	// hold is how long the step lasts once its ops are carried out.
	//
	// +required
	Hold Hold `json:"hold"`
}

// Hold is the length of a step. The holds of all steps together are at most the
// run's duration; what happens between them is not part of it. A hold that is cut
// short is reported as such.
//
// +kubebuilder:validation:XValidation:rule="[has(self.fixed), has(self.percent), has(self.remaining)].filter(x, x).size() == 1",message="exactly one of fixed, percent, remaining must be set"
type Hold struct {
	// fixed is a length of time; 0s carries the step's ops out and goes on.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) <= duration('24h')",message="must be a duration of at most 24h, such as 500ms, 10s or 0s"
	Fixed *metav1.Duration `json:"fixed,omitempty"`

	// percent is a share of the run's duration.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent *int32 `json:"percent,omitempty"`

	// remaining is what the holds of the other steps leave of the run's duration. One
	// step may have it.
	//
	// +optional
	Remaining *RemainingHold `json:"remaining,omitempty"`
}

// RemainingHold has no parameters.
type RemainingHold struct{}

// Op is one change.
//
// +kubebuilder:validation:XValidation:rule="[has(self.createCgroup), has(self.removeCgroup), has(self.startGroup), has(self.stopGroup), has(self.waitGroup), has(self.moveGroup), has(self.setCpuset), has(self.clearCpuset), has(self.swapCpusets), has(self.setCgroup), has(self.freezeCgroup), has(self.thawCgroup), has(self.setAffinity), has(self.setNice), has(self.setSchedulingPolicy), has(self.offlineCPUs), has(self.onlineCPUs)].filter(x, x).size() == 1",message="exactly one operation must be set; a step may have several ops"
type Op struct {
	// createCgroup makes a cgroup of the run's cgroups, with what is set in it.
	//
	// +optional
	CreateCgroup *CgroupOp `json:"createCgroup,omitempty"`

	// removeCgroup stops the groups in a cgroup and below it, whose figures are
	// kept, and removes it with the cgroups below it.
	//
	// +optional
	RemoveCgroup *CgroupOp `json:"removeCgroup,omitempty"`

	// startGroup starts a group, which then runs until stopGroup or the end of the run.
	//
	// +optional
	StartGroup *GroupOp `json:"startGroup,omitempty"`

	// stopGroup stops a group, whose figures are kept.
	//
	// +optional
	StopGroup *GroupOp `json:"stopGroup,omitempty"`

	// waitGroup waits until all programs of a group of kind exec have ended.
	//
	// +optional
	WaitGroup *WaitGroupOp `json:"waitGroup,omitempty"`

	// moveGroup moves the workers of a group to another cgroup. Threads can be moved
	// with their process, which then has to be all theirs, or within the cgroup that is
	// not threaded. Deadline tasks and programs cannot be moved.
	//
	// +optional
	MoveGroup *MoveGroupOp `json:"moveGroup,omitempty"`

	// setCpuset gives a cgroup another cpuset.
	//
	// +optional
	SetCpuset *SetCpusetOp `json:"setCpuset,omitempty"`

	// clearCpuset lets a cgroup have the CPUs and memory nodes of the cgroup above it.
	//
	// +optional
	ClearCpuset *CgroupOp `json:"clearCpuset,omitempty"`

	// swapCpusets exchanges the cpusets of two cgroups that have one.
	//
	// +optional
	SwapCpusets *SwapCpusetsOp `json:"swapCpusets,omitempty"`

	// setCgroup changes weights, quotas and limits of a cgroup.
	//
	// +optional
	SetCgroup *SetCgroupOp `json:"setCgroup,omitempty"`

	// freezeCgroup stops all tasks in a cgroup and below it until thawCgroup. Groups that
	// are stopped, and all at the end of the run, are thawed before.
	//
	// +optional
	FreezeCgroup *CgroupOp `json:"freezeCgroup,omitempty"`

	// thawCgroup lets them go on.
	//
	// +optional
	ThawCgroup *CgroupOp `json:"thawCgroup,omitempty"`

	// setAffinity restricts the workers of a group to other CPUs, relative to those that
	// its cgroup has by then. Not for programs and deadline tasks.
	//
	// +optional
	SetAffinity *SetAffinityOp `json:"setAffinity,omitempty"`

	// setNice gives the workers of a group another nice value. Not for programs.
	//
	// +optional
	SetNice *SetNiceOp `json:"setNice,omitempty"`

	// setSchedulingPolicy gives the workers of a group another scheduling policy. Not for
	// programs, and not for work that gives its workers their classes itself.
	//
	// +optional
	SetSchedulingPolicy *SetSchedulingPolicyOp `json:"setSchedulingPolicy,omitempty"`

	// offlineCPUs takes CPUs of the machine offline. The node has to allow it
	// (TestNode status.policy.cpuHotplug). They are online again when the run has
	// ended, in whatever way. No cpuset may lose its last CPU by it, and partitions and
	// exact affinities none.
	//
	// +optional
	OfflineCPUs *CPUsOp `json:"offlineCPUs,omitempty"`

	// onlineCPUs brings CPUs back that offlineCPUs has taken.
	//
	// +optional
	OnlineCPUs *CPUsOp `json:"onlineCPUs,omitempty"`
}

// CgroupOp is about a cgroup.
type CgroupOp struct {
	// cgroup is the name of an entry in cgroups.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Cgroup string `json:"cgroup"`
}

// GroupOp is about a group.
type GroupOp struct {
	// group is the name of an entry in groups.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`
}

// WaitGroupOp waits for programs.
type WaitGroupOp struct {
	// group is the name of a group of kind exec that was started before.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`

	// timeout is how long to wait at most, up to 1h. Programs that are not done by then
	// are an error of the step.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 30s"
	Timeout metav1.Duration `json:"timeout"`
}

// MoveGroupOp moves a group.
type MoveGroupOp struct {
	// group is the name of a group that runs.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`

	// cgroup is the name of the cgroup to move it to; empty or unset, the one of
	// groups that name none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Cgroup string `json:"cgroup,omitempty"`
}

// SetCpusetOp gives a cgroup a cpuset.
//
// +kubebuilder:validation:XValidation:rule="!has(self.cpuset.partition)",message="a partition cannot be made during a run: declare it in cgroups, and make that cgroup in a step",fieldPath=".cpuset"
type SetCpusetOp struct {
	// cgroup is the name of an entry in cgroups.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Cgroup string `json:"cgroup"`

	// cpuset is what it gets, all of it: what is unset in it is inherited from then on. A
	// partition cannot be made by this, and its cpuset stays as it is.
	//
	// +required
	Cpuset Cpuset `json:"cpuset"`
}

// SwapCpusetsOp exchanges the cpusets of two cgroups.
//
// +kubebuilder:validation:XValidation:rule="self.a != self.b",message="a and b must be two cgroups"
type SwapCpusetsOp struct {
	// a is the name of an entry in cgroups that has a cpuset.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	A string `json:"a"`

	// b is the name of another.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	B string `json:"b"`
}

// SetCgroupOp changes settings of a cgroup; what is unset stays as it is.
//
// +kubebuilder:validation:XValidation:rule="has(self.cpu) || has(self.memory) || has(self.io) || has(self.pidsMax)",message="at least one of cpu, memory, io, pidsMax must be set"
type SetCgroupOp struct {
	// cgroup is the name of an entry in cgroups.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Cgroup string `json:"cgroup"`

	// cpu is the CPU time it gets from now on.
	//
	// +optional
	CPU *CgroupCPU `json:"cpu,omitempty"`

	// memory is the memory it keeps and gets from now on.
	//
	// +optional
	Memory *CgroupMemory `json:"memory,omitempty"`

	// io is the input and output it gets from now on.
	//
	// +optional
	IO *CgroupIO `json:"io,omitempty"`

	// pidsMax is the most tasks in it and below it from now on.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	PidsMax *int64 `json:"pidsMax,omitempty"`
}

// SetAffinityOp restricts workers.
type SetAffinityOp struct {
	// group is the name of a group that runs.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`

	// affinity is what its workers get. A random subset is drawn anew each time.
	//
	// +required
	Affinity Affinity `json:"affinity"`
}

// SetNiceOp gives workers a nice value.
type SetNiceOp struct {
	// group is the name of a group that runs.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`

	// nice is the nice value, -20 to 19.
	//
	// +required
	// +kubebuilder:validation:Minimum=-20
	// +kubebuilder:validation:Maximum=19
	Nice int32 `json:"nice"`
}

// SetSchedulingPolicyOp gives workers a scheduling policy.
type SetSchedulingPolicyOp struct {
	// group is the name of a group that runs.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Group string `json:"group"`

	// schedulingPolicy is the name of an entry in schedulingPolicies; empty or unset, it
	// is SCHED_OTHER.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	SchedulingPolicy string `json:"schedulingPolicy,omitempty"`
}

// CPUsOp is about CPUs of the machine.
//
// +kubebuilder:validation:XValidation:rule="has(self.exact) != has(self.last)",message="exactly one of exact and last must be set"
type CPUsOp struct {
	// exact is a list of CPUs in the kernel's form, such as 2-3.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$')",message="must be a list of CPUs such as 0-3,8"
	Exact string `json:"exact,omitempty"`

	// last is how many of the CPUs that the run may use, counted from the highest
	// number down, be they online or not. At least one CPU stays online.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8192
	Last *int32 `json:"last,omitempty"`
}

// Scheduler is the CPU scheduler to run under.
type Scheduler struct {
	// name is a scheduler of the node's allow-list, or "default" for the kernel's own.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// args are its arguments.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=256
	Args []string `json:"args,omitempty"`
}
