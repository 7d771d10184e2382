// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// What a result takes of notes.
const (
	maxNotes = 4
	maxNote  = 128
)

// rawReport is a report's JSON of at most limit bytes. One that is larger goes without
// the last rows of workers that got on; the note says so, there and in the status. Figures
// of groups have all workers.
func rawReport(rep *report.Report, limit int) (text []byte, note string, err error) {
	text, err = json.Marshal(rep)
	for rows := len(rep.Workers); err == nil && len(text) > limit; {
		if rows == 0 {
			return nil, "", fmt.Errorf("the report has %d bytes without a row for any worker; %d may be stored", len(text), limit)
		}
		// What is left of rows as large as these, and a tenth less, as they differ.
		rows = min(rows-1, rows*limit/len(text)*9/10)
		note = fmt.Sprintf("the raw report has rows for %d of %d workers, to be no larger than %d MiB", rows, len(rep.Workers), limit>>20)
		small := *rep
		small.Workers = fewer(rep.Workers, rows)
		small.Notes = append(slices.Clone(rep.Notes), note)
		text, err = json.Marshal(&small)
	}
	if err != nil {
		return nil, "", fmt.Errorf("writing the raw report: %w", err)
	}
	return text, note, nil
}

// fewer are so many of the rows, in their order: the first ones, but before all others those
// that make a sample void, so that whoever reads the report finds it void, too.
func fewer(all []report.Worker, rows int) []report.Worker {
	others := rows
	for i := range all {
		if !gotOn(&all[i]) {
			others--
		}
	}
	kept := make([]report.Worker, 0, rows)
	for i := range all {
		switch {
		case len(kept) == rows:
			return kept
		case !gotOn(&all[i]):
		case others <= 0:
			continue
		default:
			others--
		}
		kept = append(kept, all[i])
	}
	return kept
}

// gotOn says whether a worker worked until its stop and made progress in every hold.
func gotOn(w *report.Worker) bool {
	return w.Completed && w.State == "" && !slices.ContainsFunc(w.Phases, func(p report.Phase) bool { return p.State != "" })
}

// addNote adds a note to a result, in place of its last one if there is no room.
func addNote(result *v1alpha1.RunResult, note string) {
	if result == nil || note == "" {
		return
	}
	keep := min(len(result.Notes), maxNotes-1)
	result.Notes = append(slices.Clone(result.Notes[:keep]), cut(note, maxNote))
}
