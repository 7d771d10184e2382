// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package runner runs one job: the supervisor that does it in a process of its
// own, the protocol spoken with that process, and the client that starts it.
//
// The client writes one Job to the runner's standard input and keeps it open. Its
// end, for whatever reason, means to stop. A synchronized Job is followed by one Start
// once the workers are parked. The runner writes Events to standard
// output, one JSON value a line: prepared, started, and at last either report or
// error. By then nothing of the run is left on the machine.
package runner

import (
	"context"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Command is the argument with which the runner's binary runs a job.
const Command = "run"

// Job is what to run.
type Job struct {
	// RunID stands in the report.
	RunID string `json:"runID"`
	// Name is that of the Workload and Node that of the machine, for the report.
	Name string `json:"name,omitempty"`
	Node string `json:"node,omitempty"`
	// Cgroup is the directory of the run's cgroup, which the runner makes and
	// removes. Empty, the workers stay in the runner's own.
	Cgroup string `json:"cgroup,omitempty"`
	// CPUs is the list of CPUs the run may use. Empty, they are those of the runner's parent.
	CPUs string `json:"cpus,omitempty"`
	// Policy is what the node lets runs do; nil, nothing is refused.
	Policy *spec.Policy `json:"policy,omitempty"`
	// Run is what to execute.
	Run spec.Run `json:"run"`
	// Synchronized says that a Start follows. The client sets it where there is a StartAt.
	Synchronized bool `json:"synchronized,omitempty"`
	// StartAt is asked, once all workers are parked, when they are to start on the wall
	// clock. Nil: at once. An error ends the run before anything was measured.
	StartAt func(context.Context) (time.Time, error) `json:"-"`
}

// Start is when the workers of a synchronized Job start.
type Start struct {
	At time.Time `json:"at"`
}

// scratch is the directory of scratch files, empty for the system's.
func (j *Job) scratch() string {
	if j.Policy == nil {
		return ""
	}
	return j.Policy.Scratch
}

// programs are the paths of programs that runs may execute, by name.
func (j *Job) programs() map[string]string {
	if j.Policy == nil {
		return nil
	}
	return j.Policy.Programs
}

// maxMemory is what the run may use in all, nil for no limit.
func (j *Job) maxMemory() *int64 {
	if j.Policy == nil || j.Policy.MaxMemory == nil {
		return nil
	}
	return new(int64(*j.Policy.MaxMemory))
}

// EventType tells events apart.
type EventType string

const (
	// EventPrepared: all workers are parked with their set-up done.
	EventPrepared EventType = "prepared"
	// EventStarted: the workers are working.
	EventStarted EventType = "started"
	// EventReport is the last event of a run that was carried out.
	EventReport EventType = "report"
	// EventError is the last event of a run that could not be set up.
	EventError EventType = "error"
)

// Event is what the runner says.
type Event struct {
	Type   EventType      `json:"type"`
	Report *report.Report `json:"report,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// SetupError is a run that could not be set up as asked. Nothing was measured.
type SetupError struct{ Message string }

func (e *SetupError) Error() string { return e.Message }
