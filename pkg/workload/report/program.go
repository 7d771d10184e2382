// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
)

// Program is a program that a worker became. It counts for itself: its worker has no
// iterations and no work units, and its figures are the metrics.
type Program struct {
	// Name is that under which the node offers it, Path where it was, Digest the SHA-256 of it.
	Name   string `json:"name"`
	Path   string `json:"path"`
	Digest string `json:"sha256"`
	// Worker is the number of its worker in the group.
	Worker int          `json:"worker"`
	Exit   payload.Exit `json:"exit"`
	// Ran is how long it ran, in ns.
	Ran int64 `json:"runNanoseconds"`
	// Stdout and Stderr are the beginning and the end of what it wrote; Truncated says that there
	// was more.
	Stdout    string `json:"stdout,omitempty"`
	Stderr    string `json:"stderr,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	// Note is what is to be known of its output beside that.
	Note    string          `json:"note,omitempty"`
	Metrics []payload.Value `json:"metrics,omitempty"`
}

func newProgram(w spawn.Worker) Program {
	p := w.Program
	out := Program{Name: p.Name, Path: p.Path, Digest: p.Digest, Worker: w.Index, Exit: p.Exit, Ran: p.Ran, Metrics: p.Values}
	var cut [2]bool
	out.Stdout, cut[0] = p.Stdout.Show()
	out.Stderr, cut[1] = p.Stderr.Show()
	out.Truncated = cut[0] || cut[1]
	if p.Cut {
		out.Note = "something it started was still there when it had ended, and may have written more"
	}
	return out
}
