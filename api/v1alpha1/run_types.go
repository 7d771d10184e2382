// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RunSpec is what one node executes: the groups of workers, where and how they
// run, what happens to them over time, and what must hold.
//
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.cgroup) || (has(self.cgroups) && self.cgroups.exists(c, c.name == g.cgroup)))",message="every groups[].cgroup must be the name of an entry in cgroups"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.schedulingPolicy) || (has(self.schedulingPolicies) && self.schedulingPolicies.exists(p, p.name == g.schedulingPolicy)))",message="every groups[].schedulingPolicy must be the name of an entry in schedulingPolicies"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.memoryPolicy) || (has(self.memoryPolicies) && self.memoryPolicies.exists(p, p.name == g.memoryPolicy)))",message="every groups[].memoryPolicy must be the name of an entry in memoryPolicies"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(a, !has(a.processName) || self.groups.all(b, !has(b.processName) || a.processName != b.processName || has(a.cgroup) != has(b.cgroup) || (has(a.cgroup) && a.cgroup != b.cgroup) || (has(a.uid) == has(b.uid) && (!has(a.uid) || a.uid == b.uid) && has(a.gid) == has(b.gid) && (!has(a.gid) || a.gid == b.gid))))",message="groups of one cgroup and processName are threads of one process: uid and gid must be the same in all of them"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.work.cgroupAttachStorm) || !has(g.work.cgroupAttachStorm.destination) || (has(self.cgroups) && self.cgroups.exists(c, c.name == g.work.cgroupAttachStorm.destination)))",message="every groups[].work.cgroupAttachStorm.destination must be the name of an entry in cgroups"
// +kubebuilder:validation:XValidation:rule="(has(self.allowDangerousWork) && self.allowDangerousWork) || !has(self.groups) || !self.groups.exists(g, has(g.work.priorityInversion) || has(g.work.rtStarvation) || has(g.work.preemptStorm) || has(g.work.cgroupChurn) || has(g.work.cgroupAttachStorm) || (has(g.work.asymmetricWaker) && (g.work.asymmetricWaker.wakerClass == 'FIFO' || g.work.asymmetricWaker.wakeeClass == 'FIFO')))",message="priorityInversion, rtStarvation, preemptStorm, cgroupChurn, cgroupAttachStorm and asymmetricWaker with class FIFO can harm what else runs on the machine: set allowDangerousWork, and use nodes that allow it",fieldPath=".allowDangerousWork"
// +kubebuilder:validation:XValidation:rule="!has(self.steps) || self.steps.all(s, !has(s.groups) || s.groups.all(n, has(self.groups) && self.groups.exists(g, g.name == n)))",message="every steps[].groups must be names of entries in groups"
// +kubebuilder:validation:XValidation:rule="!has(self.steps) || self.steps.all(s, !has(s.cgroups) || s.cgroups.all(n, has(self.cgroups) && self.cgroups.exists(c, c.name == n)))",message="every steps[].cgroups must be names of entries in cgroups"
// +kubebuilder:validation:XValidation:rule="!has(self.steps) || self.steps.filter(s, has(s.hold.remaining)).size() <= 1",message="one step may have hold.remaining",fieldPath=".steps"
type RunSpec struct {
	// duration is how long the workers work, measured from the common start.
	// A Go duration above 0 and at most 24h. Default 12s.
	//
	// +optional
	// +default="12s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('24h')",message="must be a duration above 0s and at most 24h, such as 500ms, 10s or 1m30s"
	Duration metav1.Duration `json:"duration,omitzero"`

	// seed makes every random choice (random CPU subsets) repeatable. With the
	// same seed, worker and topology the choice is the same. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	Seed int64 `json:"seed,omitempty"`

	// groups are the groups of workers. A group that no step names runs for the
	// whole duration. At most 12, so that a node's results fit into its NodeRun.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=12
	Groups []Group `json:"groups"`

	// cgroups are the control groups that groups refer to by name. What they set is
	// applied, with or without a group in them.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Cgroups []Cgroup `json:"cgroups,omitempty"`

	// schedulingPolicies are the scheduling policies that groups refer to by name.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	SchedulingPolicies []SchedulingPolicy `json:"schedulingPolicies,omitempty"`

	// memoryPolicies are the NUMA memory policies that groups refer to by name. A
	// TestNode that lacks memory on one of their nodes does not fit the Workload.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	MemoryPolicies []MemoryPolicy `json:"memoryPolicies,omitempty"`

	// allowDangerousWork says that the run may hold work that can harm what else runs on
	// the machine, such as starving it of CPU time. Such work is refused without it, and
	// runs only on nodes that allow it, too (TestNode status.policy.dangerousWork). A
	// watchdog out of its reach ends the run where it gets out of hand. Default false.
	//
	// +optional
	AllowDangerousWork bool `json:"allowDangerousWork,omitempty"`

	// interference bounds what else the machine may do during the run: what exceeds
	// a limit makes the sample void. Unset, it is only reported.
	//
	// +optional
	Interference *Interference `json:"interference,omitempty"`

	// steps divide the run: each starts the groups it names, changes what its ops say,
	// holds, and stops them. Groups and cgroups that no step names are there all the
	// time. Without steps the run is one piece. The run ends with its last step. What the
	// steps do must be possible in their order, which is checked before anything starts.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Steps []Step `json:"steps,omitempty"`

	// checks are what must hold for the run to pass. Nothing is checked that is
	// not listed.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Checks []Check `json:"checks,omitempty"`

	// scheduler is the scheduler the node must run the workers under. Unset, the
	// scheduler in charge of the node is used as it is. Not supported yet.
	//
	// +optional
	Scheduler *Scheduler `json:"scheduler,omitempty"`
}
