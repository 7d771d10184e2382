// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package report is what a run says of itself: figures per worker and per group,
// and how it came about. Groups keep sums and whole populations, so that reports
// of several nodes merge exactly; rates and percentiles are computed last.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// SchemaVersion is the version of the report's JSON.
const SchemaVersion = 2

// Report is one run on one machine. Times are in nanoseconds.
type Report struct {
	Schema int    `json:"schema"`
	RunID  string `json:"runID"`
	// Workload is the name of what was run, Node that of the machine; empty where the runner was not told.
	Workload    string    `json:"workload,omitempty"`
	Node        string    `json:"node,omitempty"`
	Kernel      string    `json:"kernel"`
	CloneMethod string    `json:"cloneMethod"`
	StartedAt   time.Time `json:"startedAt"` // wall clock, for correlation only
	// Synchronized is about the start of a run that was to start at a given time.
	Synchronized *Synchronized `json:"synchronized,omitempty"`
	// Seed is what random choices of the run were made with.
	Seed int64 `json:"seed"`
	// Planned is how long the workers were to work, Hold how long they did.
	Planned int64 `json:"plannedNanoseconds"`
	Hold    int64 `json:"holdNanoseconds"`
	// StartSkew is from the common start to the last worker's first instruction of work.
	StartSkew int64 `json:"startSkewNanoseconds"`
	// SupervisorCPU is the runner's own CPU time during the hold.
	SupervisorCPU int64 `json:"supervisorCPUNanoseconds"`
	// SupervisorClass is the scheduling class the runner had.
	SupervisorClass string `json:"supervisorClass"`
	// Run is what was asked for.
	Run *spec.Run `json:"run,omitempty"`
	// Host is what the machine was before the start.
	Host *Host `json:"host,omitempty"`
	// Interference is what else the machine did during the hold, Limits what was allowed.
	Interference *interference.Figures `json:"interference,omitempty"`
	Limits       *spec.Interference    `json:"limits,omitempty"`
	// NUMAPagesMigrated is how many pages the whole machine moved between NUMA
	// nodes from the common start to the stop. Absent where the kernel does not count it.
	NUMAPagesMigrated *uint64 `json:"numaPagesMigrated,omitempty"`
	// Cancelled says that the run was told to end early.
	Cancelled bool `json:"cancelled,omitempty"`
	// Steps are what happened in each step that was begun; none in a run without steps.
	// StepCount is how many there were to be.
	Steps     []Step `json:"steps,omitempty"`
	StepCount int    `json:"stepCount,omitempty"`
	// StepError is why the run ended within a step: which, which op, and the error.
	StepError string `json:"stepError,omitempty"`
	// Verdict is what the checks say together, Checks what each says, and Findings what
	// they found, the worst first, at most MaxFindings.
	Verdict  Verdict   `json:"verdict"`
	Checks   []Check   `json:"checks,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Restored is what the run changed of the machine beside its own cgroups, and put back.
	Restored []Restored `json:"restored,omitempty"`
	// Cgroups are the run's cgroups, in the order they are declared. The one of
	// groups that name none comes first, with an empty name.
	Cgroups []Cgroup `json:"cgroups,omitempty"`
	Groups  []Group  `json:"groups"`
	Workers []Worker `json:"workers"`
	// Notes say what was not as usual but does not make the sample void.
	Notes []string `json:"notes,omitempty"`
}

// Synchronized is how a run kept to the time it was to start at.
type Synchronized struct {
	// Planned is that time on the wall clock. Late is from then to the common start, by this machine's clock.
	Planned time.Time `json:"planned"`
	Late    int64     `json:"lateNanoseconds"`
}

// Figures are what one worker did, or the sum over several. Times are in
// nanoseconds. What the kernel did not tell is absent.
type Figures struct {
	Iterations uint64 `json:"iterations"`
	WorkUnits  uint64 `json:"workUnits"`
	// Migrations are changes of CPU seen at checkpoints, MigrationsBy the same by distance.
	Migrations   uint64            `json:"migrations"`
	MigrationsBy map[string]uint64 `json:"migrationsByDistance,omitempty"`
	Wall         int64             `json:"wallNanoseconds"`
	CPU          int64             `json:"cpuNanoseconds"`
	// RunDelay, SchedCPU and TimesScheduled are from schedstat.
	RunDelay       *int64  `json:"runDelayNanoseconds,omitempty"`
	SchedCPU       *int64  `json:"schedstatCPUNanoseconds,omitempty"`
	TimesScheduled *uint64 `json:"timesScheduled,omitempty"`
	// Voluntary and Involuntary are context switches.
	Voluntary   uint64 `json:"voluntarySwitches"`
	Involuntary uint64 `json:"involuntarySwitches"`
	// MaxGap is the longest time between two checkpoints of one worker, MaxGapCPU
	// the CPU it began on, MaxGapAt its end, counted from the common start.
	MaxGap    int64  `json:"maxGapNanoseconds"`
	MaxGapCPU int    `json:"maxGapCPU"`
	MaxGapAt  int64  `json:"maxGapAtNanoseconds"`
	CPUs      string `json:"cpusUsed"`
	// Pages are resident pages of memory that workers mapped for themselves, by NUMA node.
	Pages map[int]uint64 `json:"pagesByNode,omitempty"`
}

// Host is what decides whether runs compare, read before the start.
type Host struct {
	// Shape is that of the topology, such as 1n2l4c2t.
	Shape string `json:"shape"`
	fingerprint.Fingerprint
	// Topology is where its CPUs are; absent where it could not be read.
	Topology *topology.Machine `json:"topology,omitempty"`
	// Changed are facts that were others after the stop.
	Changed []fingerprint.Change `json:"changed,omitempty"`
}

// Cgroup is a cgroup of the run: what was in force in it, by the kernel's own
// words, and what it used from the start to the stop. What the kernel does not
// tell, or has no controller for, is absent.
type Cgroup struct {
	Name string `json:"name"`
	// CPUs and Mems are the effective ones.
	CPUs      string `json:"cpus,omitempty"`
	Mems      string `json:"mems,omitempty"`
	Type      string `json:"type,omitempty"`
	Partition string `json:"partition,omitempty"`
	// Files are the knobs that were set, as they read.
	Files map[string]string `json:"files,omitempty"`
	// CPU is the CPU time used in it and below it.
	CPU *int64 `json:"cpuNanoseconds,omitempty"`
	// Periods are those of its quota, Throttled those it used up, ThrottledTime how
	// long its tasks were held back for that.
	Periods       *uint64 `json:"periods,omitempty"`
	Throttled     *uint64 `json:"throttledPeriods,omitempty"`
	ThrottledTime *int64  `json:"throttledNanoseconds,omitempty"`
	MemoryPeak    *int64  `json:"memoryPeakBytes,omitempty"`
	OOMKills      *uint64 `json:"oomKills,omitempty"`
	PIDsPeak      *int64  `json:"pidsPeak,omitempty"`
	// CPUPressure, MemoryPressure and IOPressure are how long some task of it waited for the resource.
	CPUPressure    *int64 `json:"cpuPressureNanoseconds,omitempty"`
	MemoryPressure *int64 `json:"memoryPressureNanoseconds,omitempty"`
	IOPressure     *int64 `json:"ioPressureNanoseconds,omitempty"`
}

// Phase is what a worker, or a group, did in the hold of one step.
type Phase struct {
	// Step is the number of the step, from 0.
	Step int `json:"step"`
	// Allowed are the CPUs that were in force at some time of the hold: for a worker by cpusets and its
	// affinity, for a group those of its workers together.
	Allowed string `json:"allowedCPUs,omitempty"`
	// State is the worker's at the end of the hold, as /proc has it, if it made no progress in it.
	State string `json:"state,omitempty"`
	// Workers is how many workers of a group were there, PerWorker how they were spread. Only of a group.
	Workers int `json:"workers,omitempty"`
	Figures
	PerWorker     PerWorker      `json:"perWorker,omitzero"`
	Distributions []Distribution `json:"distributions,omitempty"`
}

// Setup is a step of setting workers up, and for how many of them it was taken.
// A run of which a step fails for any worker is not started.
type Setup struct {
	Step    string `json:"step"`
	Workers int    `json:"workers"`
}

// Group sums up the workers of a group.
type Group struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// CloneMode is what its workers are to the kernel.
	CloneMode string `json:"cloneMode"`
	// Policy is the scheduling policy with its parameters, such as "fifo 50".
	Policy string `json:"policy"`
	// MemoryBound says that the memory policy keeps the pages of its workers to NUMA nodes.
	MemoryBound bool `json:"memoryBound,omitempty"`
	// AskedCPUs are the CPUs its workers were to have, together: of their affinity, or
	// of the cgroup. AllowedCPUs are those the kernel then let them use.
	AskedCPUs   string `json:"askedCPUs"`
	AllowedCPUs string `json:"allowedCPUs"`
	// Workers is how many there were, over all starts of the group, which Starts counts.
	Workers   int `json:"workers"`
	Completed int `json:"completed"`
	Starts    int `json:"starts"`
	Figures
	// PerWorker is how the figures of its workers were spread.
	PerWorker PerWorker `json:"perWorker,omitzero"`
	// Progress is the counter that moves while a worker gets on.
	Progress work.Progress `json:"progress"`
	// Quiet is how long a worker's counters may stand still by design.
	Quiet int64 `json:"quietNanoseconds"`
	// Counters are what the kind of work counts of its own.
	Counters map[string]uint64 `json:"counters,omitempty"`
	// Roles sum up the workers by what they are in their sets; none where all are alike.
	Roles []Role `json:"roles,omitempty"`
	// Programs are those that the workers became, at most 1024 of them, and ProgramMetrics their
	// figures over all of them.
	Programs       []Program       `json:"programs,omitempty"`
	ProgramMetrics []payload.Total `json:"programMetrics,omitempty"`
	Setup          []Setup         `json:"setup,omitempty"`
	Distributions  []Distribution  `json:"distributions,omitempty"`
	Phases         []Phase         `json:"phases,omitempty"`
}

// Role sums up the workers of a group that are the same in their sets.
type Role struct {
	Name    string `json:"name"`
	Workers int    `json:"workers"`
	// Policy is their scheduling policy: the role's, or the group's.
	Policy string `json:"policy"`
	// MayStarve says that no progress is a result of theirs, and no fault.
	MayStarve bool `json:"mayStarve,omitempty"`
	Figures
}

// Distribution is a population of values of one kind: durations, or what the
// metric says.
type Distribution struct {
	work.Measure
	Histogram *telemetry.Histogram `json:"-"`
}

// distributionJSON is a Distribution as it is written.
type distributionJSON struct {
	work.Measure
	// Unit is that of the values: ns, or 1/s for rates.
	Unit      string `json:"unit"`
	Count     uint64 `json:"count"`
	Min       uint64 `json:"min"`
	Max       uint64 `json:"max"`
	Histogram string `json:"histogram"`
}

// MarshalJSON writes the histogram in its exchange format.
func (d Distribution) MarshalJSON() ([]byte, error) {
	h := d.Histogram
	text, err := h.Encode()
	if err != nil {
		return nil, err
	}
	return json.Marshal(distributionJSON{d.Measure, d.Metric.Unit(), h.Count(), h.Min(), h.Max(), text})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Distribution) UnmarshalJSON(data []byte) error {
	var w distributionJSON
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(&w); err != nil {
		return err
	}
	if w.Unit != w.Metric.Unit() {
		return fmt.Errorf("%s: its unit is %.16q, not %s", w.Metric, w.Unit, w.Metric.Unit())
	}
	h, err := telemetry.Decode(w.Histogram, w.Min, w.Max)
	if err != nil {
		return err
	}
	if h.Count() != w.Count {
		return fmt.Errorf("%s: the histogram holds %d values, not %d", w.Metric, h.Count(), w.Count)
	}
	d.Measure, d.Histogram = w.Measure, h
	return nil
}

// Worker is what one worker did.
type Worker struct {
	Group string `json:"group"`
	Index int    `json:"index"`
	// Role is what it was in its set.
	Role string `json:"role,omitempty"`
	// PID is its process and TID its task; threads of one host share the process.
	PID       int    `json:"pid"`
	TID       int    `json:"tid"`
	Stage     string `json:"stage"`
	Exit      string `json:"exit"`
	Completed bool   `json:"completed"` // it worked until the stop
	// Start is which start of its group it belongs to, from 0, where the group was started several times.
	Start int `json:"start,omitempty"`
	// Began and Ended are counted from the common start; absent where it did not come to that.
	Began *int64 `json:"beganNanoseconds,omitempty"`
	Ended *int64 `json:"endedNanoseconds,omitempty"`
	// Affinity is the CPUs it asked to be restricted to; empty, it did not. Allowed
	// are those the kernel let it use at the start.
	Affinity string `json:"affinity,omitempty"`
	Allowed  string `json:"allowed"`
	// State is its state at the end of the hold, as /proc has it, if it made no progress in it.
	State string `json:"state,omitempty"`
	Figures
	Phases []Phase `json:"phases,omitempty"`
	// MigrationLog are its first migrations, of which a report keeps some
	// thousands in all; Migrations counts every one.
	MigrationLog []Migration `json:"migrationLog,omitempty"`
	// Problem is why it did not complete.
	Problem string `json:"problem,omitempty"`
}

// Migration is a change of CPU.
type Migration struct {
	// At is the time from the common start, in ns.
	At       int64  `json:"atNanoseconds"`
	From     uint32 `json:"fromCPU"`
	To       uint32 `json:"toCPU"`
	Distance string `json:"distance"`
}
