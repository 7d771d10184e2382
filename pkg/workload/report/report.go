// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package report is what a run says of itself: figures per worker and per group,
// and how it came about. Groups keep sums and whole populations, so that reports
// of several nodes merge exactly; rates and percentiles are computed last.
package report

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// SchemaVersion is the version of the report's JSON.
const SchemaVersion = 1

// Report is one run on one machine. Times are in nanoseconds.
type Report struct {
	Schema      int       `json:"schema"`
	RunID       string    `json:"runID"`
	Kernel      string    `json:"kernel"`
	CloneMethod string    `json:"cloneMethod"`
	StartedAt   time.Time `json:"startedAt"` // wall clock, for correlation only
	// Planned is how long the workers were to work, Hold how long they did.
	Planned int64 `json:"plannedNanoseconds"`
	Hold    int64 `json:"holdNanoseconds"`
	// StartSkew is from the common start to the last worker's first instruction of work.
	StartSkew int64 `json:"startSkewNanoseconds"`
	// SupervisorCPU is the runner's own CPU time during the hold.
	SupervisorCPU int64 `json:"supervisorCPUNanoseconds"`
	// SupervisorClass is the scheduling class the runner had.
	SupervisorClass string `json:"supervisorClass"`
	// Cancelled says that the run was told to end early.
	Cancelled bool     `json:"cancelled,omitempty"`
	Groups    []Group  `json:"groups"`
	Workers   []Worker `json:"workers"`
	// Notes say what was not as usual but does not make the sample void.
	Notes []string `json:"notes,omitempty"`
}

// Group sums up the workers of a group.
type Group struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Workers    int    `json:"workers"`
	Completed  int    `json:"completed"`
	Iterations uint64 `json:"iterations"`
	WorkUnits  uint64 `json:"workUnits"`
	Migrations uint64 `json:"migrations"`
	Wall       int64  `json:"wallNanoseconds"`
	CPU        int64  `json:"cpuNanoseconds"`
	// RunDelay is nil when no worker's kernel told.
	RunDelay *int64 `json:"runDelayNanoseconds,omitempty"`
	MaxGap   int64  `json:"maxGapNanoseconds"`
	// Quiet is how long a worker's counters may stand still by design.
	Quiet         int64          `json:"quietNanoseconds"`
	CPUs          string         `json:"cpusUsed"`
	Distributions []Distribution `json:"distributions,omitempty"`
}

// Distribution is a population of durations.
type Distribution struct {
	Metric    work.Metric          `json:"metric"`
	Histogram *telemetry.Histogram `json:"-"`
}

// distributionJSON is a Distribution as it is written.
type distributionJSON struct {
	Metric    work.Metric `json:"metric"`
	Count     uint64      `json:"count"`
	Min       uint64      `json:"minNanoseconds"`
	Max       uint64      `json:"maxNanoseconds"`
	Histogram string      `json:"histogram"`
}

// MarshalJSON writes the histogram in its exchange format.
func (d Distribution) MarshalJSON() ([]byte, error) {
	h := d.Histogram
	text, err := h.Encode()
	if err != nil {
		return nil, err
	}
	return json.Marshal(distributionJSON{d.Metric, h.Count(), h.Min(), h.Max(), text})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Distribution) UnmarshalJSON(data []byte) error {
	var w distributionJSON
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	h, err := telemetry.Decode(w.Histogram, w.Min, w.Max)
	if err != nil {
		return err
	}
	if h.Count() != w.Count {
		return fmt.Errorf("%s: the histogram holds %d values, not %d", w.Metric, h.Count(), w.Count)
	}
	d.Metric, d.Histogram = w.Metric, h
	return nil
}

// Worker is what one worker did.
type Worker struct {
	Group      string `json:"group"`
	Index      int    `json:"index"`
	TID        int    `json:"tid"`
	Stage      string `json:"stage"`
	Exit       string `json:"exit"`
	Completed  bool   `json:"completed"` // it worked until the stop
	Iterations uint64 `json:"iterations"`
	WorkUnits  uint64 `json:"workUnits"`
	Migrations uint64 `json:"migrations"`
	Wall       int64  `json:"wallNanoseconds"`
	CPU        int64  `json:"cpuNanoseconds"`
	RunDelay   *int64 `json:"runDelayNanoseconds,omitempty"`
	MaxGap     int64  `json:"maxGapNanoseconds"`
	MaxGapCPU  int    `json:"maxGapCPU"`
	CPUs       string `json:"cpusUsed"`
	// Problem is why it did not complete.
	Problem string `json:"problem,omitempty"`
}
