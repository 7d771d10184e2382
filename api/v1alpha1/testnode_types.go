// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestNode is a machine that runs Workloads. Its agent writes the status, but for
// the condition Quarantined and status.quarantine, which are the manager's;
// people write the spec, labels and taints. Whether it is alive is told by the
// Lease of the same name, not by status writes.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=stn,categories=schedfleet
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="CPUs",type=integer,JSONPath=`.status.topology.cpus`
// +kubebuilder:printcolumn:name="Shape",type=string,JSONPath=`.status.topology.shape`
// +kubebuilder:printcolumn:name="Kernel",type=string,JSONPath=`.status.kernel`
// +kubebuilder:printcolumn:name="Scheduler",type=string,JSONPath=`.status.scheduler`
// +kubebuilder:printcolumn:name="Cordoned",type=boolean,JSONPath=`.spec.unschedulable`
// +kubebuilder:printcolumn:name="Quarantined",type=string,JSONPath=`.status.conditions[?(@.type=="Quarantined")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Why quarantined",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Quarantined")].message`
type TestNode struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people say about the node.
	//
	// +optional
	Spec TestNodeSpec `json:"spec,omitzero"`

	// status is what the agent says about the node, and the manager about its quarantine.
	//
	// +optional
	Status TestNodeStatus `json:"status,omitzero"`
}

// TestNodeList is a list of TestNodes.
//
// +kubebuilder:object:root=true
type TestNodeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []TestNode `json:"items"`
}

// TestNodeSpec is what people say about the node.
type TestNodeSpec struct {
	// unschedulable keeps new NodeRuns off the node. Those that its agent has not taken
	// yet are withdrawn, end Evicted and are repeated elsewhere; running ones go on. To
	// stop these, too, add a taint with the effect NoExecute. Default false.
	//
	// +optional
	Unschedulable bool `json:"unschedulable,omitempty"`

	// taints keep Workloads off the node that do not tolerate them.
	//
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MaxItems=32
	Taints []Taint `json:"taints,omitempty"`
}

// Taint keeps Workloads off a node.
type Taint struct {
	// key is what tolerations refer to.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`

	// value says more.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Value string `json:"value,omitempty"`

	// effect is what becomes of Workloads that do not tolerate the taint. Default NoSchedule.
	//
	// +optional
	// +default="NoSchedule"
	Effect TaintEffect `json:"effect,omitempty"`
}

// TaintEffect is what becomes of Workloads that do not tolerate a taint.
//
// +kubebuilder:validation:Enum=NoSchedule;NoExecute
type TaintEffect string

const (
	// TaintEffectNoSchedule keeps new NodeRuns off the node, as unschedulable does.
	TaintEffectNoSchedule TaintEffect = "NoSchedule"
	// TaintEffectNoExecute cancels what runs on the node, too. It ends Evicted and is
	// repeated elsewhere.
	TaintEffectNoExecute TaintEffect = "NoExecute"
)

// TestNodeStatus is what the agent says about the node, and the manager about its quarantine.
type TestNodeStatus struct {
	// observedGeneration is the generation of the spec this status is about.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are the state: Ready is the agent's, Quarantined the manager's.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// agentVersion is the agent's version.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	AgentVersion string `json:"agentVersion,omitempty"`

	// agentInstance is the start of the agent process.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	AgentInstance string `json:"agentInstance,omitempty"`

	// bootID is the kernel's id of this boot.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	BootID string `json:"bootID,omitempty"`

	// kernel is the kernel release.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Kernel string `json:"kernel,omitempty"`

	// architecture is the machine's architecture in Go's words, such as amd64.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Architecture string `json:"architecture,omitempty"`

	// scheduler is the scheduler in charge of normal tasks: "kernel", or the name
	// of the sched_ext scheduler loaded.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Scheduler string `json:"scheduler,omitempty"`

	// topology is the shape of the machine.
	//
	// +optional
	Topology *Topology `json:"topology,omitempty"`

	// features are what the node was probed for.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Features []Feature `json:"features,omitempty"`

	// fingerprint is what of hardware and software makes results comparable.
	//
	// +optional
	Fingerprint *Fingerprint `json:"fingerprint,omitempty"`

	// realtime is how much CPU time SCHED_DEADLINE may reserve. Absent where the
	// kernel does not tell.
	//
	// +optional
	Realtime *RealtimeBandwidth `json:"realtime,omitempty"`

	// quarantine is what the manager remembers about setting the node aside. Absent if it
	// never did.
	//
	// +optional
	Quarantine *Quarantine `json:"quarantine,omitempty"`

	// policy is what the node's owner lets runs do. Its agent's policy file or flags set it.
	//
	// +optional
	Policy *NodePolicy `json:"policy,omitempty"`
}

// Quarantine is what there is to remember about setting a node aside, beside the
// condition Quarantined.
type Quarantine struct {
	// times is how often in a row the node was set aside, without a valid sample in
	// between. Each time doubles the back-off.
	//
	// +required
	Times int32 `json:"times"`

	// until is when a NodeRun is let through on trial.
	//
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// release is the value of the annotation schedfleet.dev/release-quarantine that was
	// last acted on. Another value there releases the node again.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Release string `json:"release,omitempty"`
}

// NodePolicy is what a node lets runs do.
type NodePolicy struct {
	// dangerousWork says whether the node takes runs with allowDangerousWork whose work is dangerous.
	//
	// +required
	DangerousWork DangerousWork `json:"dangerousWork"`

	// programs are the names of the programs that exec may start here.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	Programs []string `json:"programs,omitempty"`

	// devices are the block devices whose content runs may destroy, such as /dev/vdb.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=255
	Devices []string `json:"devices,omitempty"`

	// cpuHotplug says whether the node takes runs that take its CPUs offline; unset, it
	// does not.
	//
	// +optional
	CPUHotplug CPUHotplug `json:"cpuHotplug,omitempty"`

	// userIDs are the users that workers may be, such as 1000-1999,65534; unset, all. A group
	// without a uid has the agent's, 0.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	UserIDs string `json:"userIDs,omitempty"`

	// groupIDs are the groups that workers may be in; unset, all. A group without a gid has the
	// agent's, 0.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	GroupIDs string `json:"groupIDs,omitempty"`

	// maxRealtimePriority is the highest priority of fifo and roundRobin; 0 forbids both, unset, all
	// are allowed.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=98
	MaxRealtimePriority *int32 `json:"maxRealtimePriority,omitempty"`

	// deadline says whether the node takes runs with SCHED_DEADLINE; unset, it does.
	//
	// +optional
	Deadline DeadlinePermission `json:"deadline,omitempty"`

	// minNice is the lowest nice value; unset, all are allowed.
	//
	// +optional
	// +kubebuilder:validation:Minimum=-20
	// +kubebuilder:validation:Maximum=19
	MinNice *int32 `json:"minNice,omitempty"`

	// maxMemory is what a run may use in all; unset, it is not bounded.
	//
	// +optional
	MaxMemory *resource.Quantity `json:"maxMemory,omitempty"`

	// maxWorkers is the most workers of a run; unset, it is what holds everywhere.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxWorkers *int32 `json:"maxWorkers,omitempty"`

	// maxDuration is the longest duration of a run; unset, it is what holds everywhere.
	//
	// +optional
	MaxDuration *metav1.Duration `json:"maxDuration,omitempty"`
}

// DeadlinePermission says whether a node lets runs use SCHED_DEADLINE.
//
// +kubebuilder:validation:Enum=Allowed;Forbidden
type DeadlinePermission string

const (
	// DeadlineAllowed lets runs use SCHED_DEADLINE.
	DeadlineAllowed DeadlinePermission = "Allowed"
	// DeadlineForbidden keeps such runs off the node.
	DeadlineForbidden DeadlinePermission = "Forbidden"
)

// CPUHotplug says whether a node lets runs take CPUs offline.
//
// +kubebuilder:validation:Enum=Allowed;Forbidden
type CPUHotplug string

const (
	// CPUHotplugAllowed lets runs take CPUs of the machine offline for their length.
	CPUHotplugAllowed CPUHotplug = "Allowed"
	// CPUHotplugForbidden keeps such runs off the node.
	CPUHotplugForbidden CPUHotplug = "Forbidden"
)

// DangerousWork says whether a node takes dangerous work.
//
// +kubebuilder:validation:Enum=Allowed;Forbidden
type DangerousWork string

const (
	// DangerousWorkAllowed lets runs do what can harm what else runs on the machine.
	DangerousWorkAllowed DangerousWork = "Allowed"
	// DangerousWorkForbidden keeps such runs off the node.
	DangerousWorkForbidden DangerousWork = "Forbidden"
)

// FeatureState is what a probe found.
//
// +kubebuilder:validation:Enum=Present;Absent;Unknown
type FeatureState string

const (
	// FeaturePresent: the probe found it.
	FeaturePresent FeatureState = "Present"
	// FeatureAbsent: the probe found that it is not there.
	FeatureAbsent FeatureState = "Absent"
	// FeatureUnknown: the probe could not tell.
	FeatureUnknown FeatureState = "Unknown"
)

// Feature is something a node was probed for.
type Feature struct {
	// name is the feature's name, such as CgroupV2, CgroupCPU, Realtime, SchedExt.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// state is what the probe found.
	//
	// +required
	State FeatureState `json:"state"`

	// message says why it is absent or unknown.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`
}

// Class tells which test nodes compare: they do if it is the same. It is the digest
// of the node's fingerprint as LabelClass holds it, empty for a node that has
// published none.
func (n *TestNode) Class() string {
	if n.Status.Fingerprint == nil {
		return ""
	}
	return fit(n.Status.Fingerprint.Digest, maxLabelValue)
}
