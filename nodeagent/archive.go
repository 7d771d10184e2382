// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/nodeagent/spool"
	"github.com/schedfleet/schedfleet/pkg/sink"
)

const (
	// sinkTimeout bounds one try, during which no run starts; partingTimeout that of an
	// agent which is told to stop.
	sinkTimeout    = 30 * time.Second
	partingTimeout = 5 * time.Second
	// sinkShare bounds the time that a sink which does not answer takes from runs: the
	// pause after a try is at least this many times as long as the try.
	sinkShare = 9
)

// Why a raw report is nowhere, as notes of the result.
const (
	noteUnwritten = "the raw report could not be written"
	noteDropped   = "the raw report was dropped: the node's spool was full, or lost it"
	noteNoSink    = "the raw report was dropped: the node's agent has no report sink any more"
	noteRefused   = "the raw report was refused: another content has its name in the report sink"
)

// ReportSink keeps raw reports. A sink.Sink is one.
type ReportSink interface {
	Put(ctx context.Context, name string, data []byte) (sink.Reference, error)
}

// archive brings raw reports from the spool to the sink. It belongs to the worker.
type archive struct {
	sink    ReportSink // nil: there is none
	spool   *spool.Spool
	timings *Timings
	log     logr.Logger

	failures  int       // in a row
	downSince time.Time // when the first of them was
	next      time.Time // when it is tried again
	// parting says that the agent is about to end: nothing waits any more.
	parting bool
}

// take brings the raw report of a letter to the sink, if it is time to try, and writes
// the reference into the letter. What fails is tried again later.
func (a *archive) take(ctx context.Context, l *letter) {
	switch {
	case l.RawBytes == 0 || a.failures > 0 && (a.parting || time.Now().Before(a.next)):
		return
	case a.sink == nil:
		a.giveUp(l, noteNoSink, nil)
		return
	}
	raw, err := a.raw(l)
	if err != nil {
		a.giveUp(l, noteDropped, err)
		return
	}
	began := time.Now()
	ref, err := a.put(ctx, l, raw)
	switch {
	case err == nil:
		a.failures = 0
		a.log.Info("raw report stored", "nodeRun", l.key().String(), "url", ref.URL, "sha256", ref.SHA256)
		l.refer(ref)
	case errors.Is(err, sink.ErrConflict):
		a.giveUp(l, noteRefused, err)
	default:
		a.failed(l, err, began)
	}
}

func (a *archive) put(ctx context.Context, l *letter, raw []byte) (sink.Reference, error) {
	limit := sinkTimeout
	if a.parting {
		limit = partingTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %v", limit))
	defer cancel()
	return a.sink.Put(ctx, rawName(l.Entry), raw)
}

func (a *archive) raw(l *letter) ([]byte, error) {
	if l.unspooled != nil {
		return l.unspooled, nil
	}
	return a.spool.Raw(l.UID)
}

func (a *archive) failed(l *letter, err error, began time.Time) {
	if a.failures == 0 {
		a.downSince = began
	}
	a.failures++
	now := time.Now()
	pause := max(a.timings.backoff(a.failures), sinkShare*now.Sub(began))
	a.next = now.Add(pause)
	a.log.Error(err, "the raw report stays in the spool", "nodeRun", l.key().String(), "tryingAgainIn", pause.String(), "failures", a.failures)
}

// giveUp ends the wait of a letter whose raw report cannot be stored, ever.
func (a *archive) giveUp(l *letter, note string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Error(err, "a raw report is given up", "nodeRun", l.key().String())
	} else {
		a.log.Info("a raw report is given up", "nodeRun", l.key().String(), "why", note)
	}
	l.RawBytes, l.unspooled = 0, nil
	addNote(l.Status.Result, note)
}

// awaited says whether a letter is to wait for the sink. The status does so for a bounded
// time, and not at all with a sink that has been away for that long.
func (a *archive) awaited(l *letter) bool {
	if l.RawBytes == 0 {
		return false
	}
	return l.published || !a.parting && a.patience(l) > 0
}

// patience is how long the status of a letter may wait yet.
func (a *archive) patience(l *letter) time.Duration {
	waited := time.Since(l.since)
	if end := l.Status.CompletionTime; end != nil {
		waited = max(waited, time.Since(end.Time)) // an earlier agent waited, too
	}
	if a.failures > 0 {
		waited = max(waited, time.Since(a.downSince))
	}
	return a.timings.SinkWait - waited
}

// pause is how long there is nothing to do for any of the letters, at most limit.
func (a *archive) pause(letters pending, limit time.Duration) time.Duration {
	for _, l := range letters {
		if l.RawBytes == 0 {
			continue
		}
		limit = min(limit, max(time.Until(a.next), 0))
		// One that waits no longer is with the API, which has pauses of its own.
		if patience := a.patience(l); !l.published && patience > 0 {
			limit = min(limit, patience)
		}
	}
	return limit
}

// keepInMemory keeps a raw report that the disk does not take, one at most, and spools
// its letter without it.
func (a *Agent) keepInMemory(l *letter, raw []byte) {
	for _, other := range a.pending {
		if other.unspooled != nil {
			a.archive.giveUp(other, noteDropped, nil)
		}
	}
	if _, err := a.spool.Save(l.Entry, nil); err != nil {
		a.log.Error(err, "the report is kept in memory only")
	}
	l.RawBytes, l.unspooled = len(raw), raw
}

// refer writes into a letter where its raw report is.
func (l *letter) refer(ref sink.Reference) {
	l.RawBytes, l.unspooled = 0, nil
	if l.Status.Result != nil {
		l.Status.Result.Report = &v1alpha1.ReportReference{URL: ref.URL, SHA256: ref.SHA256, Bytes: ref.Bytes}
	}
}

// rawName is what the raw report of a run is called in a sink. A run has one name, so
// that it can be delivered twice.
func rawName(e *spool.Entry) string {
	runID := strings.Map(func(r rune) rune {
		if sink.CheckName("x"+string(r)) != nil || r == '/' {
			return '_'
		}
		return r
	}, e.RunID)
	return e.Namespace + "/" + e.Workload + "/" + e.Name + "-" + runID + ".json"
}
