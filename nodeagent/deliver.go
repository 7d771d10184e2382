// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/nodeagent/spool"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// maxConflicts bounds how often one delivery is tried against a NodeRun that
// keeps changing; after that it has to wait like others.
const maxConflicts = 4

// letter is the end of a run on its way to the API. While RawBytes is not 0 its raw
// report waits for the sink.
type letter struct {
	*spool.Entry
	// resourceVersion is the last one known of the NodeRun, if any.
	resourceVersion string
	// reduced says that the result was left out because the API refused it.
	reduced bool
	// since is when this agent got it.
	since time.Time
	// unspooled is the raw report, if the disk did not take it.
	unspooled []byte
	// published says that the API has the status, which wants nothing but the reference.
	published bool
}

// pending are the letters that the API has not taken yet, the oldest first.
// They are in the spool as well, as long as the disk takes them.
type pending []*letter

var (
	// errRefused says that the API will never take a letter.
	errRefused = errors.New("the report is not wanted")
	// errDelivered says that the API has taken a letter without our knowing.
	errDelivered = errors.New("the report was delivered before")
)

// openSpool takes over what an earlier agent could not deliver.
func (a *Agent) openSpool() error {
	s, err := spool.Open(a.opts.SpoolDir)
	if err != nil {
		return err
	}
	a.spool = s
	a.archive = archive{sink: a.opts.ReportSink, spool: s, timings: &a.opts.Timings, log: a.log}
	entries, damaged, err := s.Load()
	if err != nil {
		a.log.Error(err, "reports in the spool cannot be read")
	}
	if len(damaged) > 0 {
		a.log.Info("removed damaged reports from the spool", "files", damaged)
	}
	for _, e := range entries {
		a.inbox.settleAhead(e.UID)
		a.pending = append(a.pending, &letter{Entry: e, since: time.Now()})
	}
	a.metrics.waiting.Set(float64(len(a.pending)))
	if len(entries) > 0 {
		a.log.Info("found reports in the spool", "reports", len(entries))
	}
	return nil
}

// finish settles how a run ended. From here on it is a matter of delivery.
func (a *Agent) finish(run *v1alpha1.NodeRun, v verdict, rep *report.Report) {
	result, raw := a.summarize(run, rep)
	status := run.Status
	if status.AgentInstance == "" {
		status.AgentInstance = a.instance
	}
	a.metrics.ended(v)
	a.inbox.settle(run.UID)
	a.post(&letter{resourceVersion: run.ResourceVersion, since: time.Now(), Entry: &spool.Entry{
		Namespace: run.Namespace, Name: run.Name, UID: run.UID, RunID: run.Spec.RunID, Workload: run.Spec.Workload.Name,
		Status: ended(status, run.Generation, v, result, time.Now()),
	}}, raw)
}

// summarize returns the result for the status, and the raw report for the sink, if there
// is one. A report of another run gives neither.
func (a *Agent) summarize(run *v1alpha1.NodeRun, rep *report.Report) (*v1alpha1.RunResult, []byte) {
	if rep == nil || rep.RunID != run.Spec.RunID {
		return nil, nil
	}
	if a.opts.ReportSink == nil {
		return manifest.Result(rep), nil
	}
	raw, note, err := rawReport(rep, spool.MaxRaw)
	if err != nil {
		a.log.Error(err, "the raw report cannot be written", "runID", run.Spec.RunID)
		note = noteUnwritten
	}
	result := manifest.Result(rep)
	addNote(result, note)
	return result, raw
}

// post puts a letter into the spool and among the pending ones. A disk that
// does not take it costs the letter's safety, not the letter.
func (a *Agent) post(l *letter, raw []byte) {
	dropped, err := a.spool.Save(l.Entry, raw)
	if err != nil && len(raw) > 0 {
		a.log.Error(err, "the raw report is kept in memory only")
		a.keepInMemory(l, raw)
	} else if err != nil {
		a.log.Error(err, "the report is kept in memory only")
	}
	if dropped.Any() {
		a.log.Info("the spool is full: dropped the oldest", "rawReports", dropped.Raw, "reports", dropped.Entries)
	}
	a.pending = append(a.pending, l)
	defer func() { a.metrics.waiting.Set(float64(len(a.pending))) }()
	if excess := len(a.pending) - spool.MaxEntries; excess > 0 {
		a.log.Info("too many reports wait: dropped the oldest", "reports", excess)
		a.pending = a.pending[excess:]
	}
}

// deliver tries once to bring every pending letter to the sink and to the API. It is
// called between runs only, so that nothing of it goes on during one.
func (a *Agent) deliver(ctx context.Context) error {
	var errs []error
	var kept pending
	for _, l := range a.pending {
		a.archive.take(ctx, l)
		if a.archive.awaited(l) {
			kept = append(kept, l)
			continue
		}
		switch err := a.send(ctx, l); {
		case err == nil, errors.Is(err, errDelivered):
			a.metrics.deliveries.WithLabelValues(delivered).Inc()
			a.log.Info("report delivered", "nodeRun", l.key().String(), "runID", l.RunID)
			if l.RawBytes > 0 {
				l.published = true
				kept = append(kept, l)
				continue
			}
		case errors.Is(err, errRefused):
			a.metrics.deliveries.WithLabelValues(dropped).Inc()
			a.log.Info("report dropped", "nodeRun", l.key().String(), "runID", l.RunID, "why", err.Error())
		default:
			a.metrics.deliveries.WithLabelValues(failed).Inc()
			errs = append(errs, err)
			kept = append(kept, l)
			continue
		}
		if err := a.spool.Remove(l.UID); err != nil {
			a.log.Error(err, "a delivered report stays in the spool")
		}
	}
	a.pending = kept
	a.metrics.waiting.Set(float64(len(kept)))
	return errors.Join(errs...)
}

// send writes the status a letter holds, unless the NodeRun has ended otherwise.
func (a *Agent) send(ctx context.Context, l *letter) error {
	at := version{key: l.key(), uid: l.UID, resourceVersion: l.resourceVersion}
	if l.published {
		at.resourceVersion = "" // our own write made another
	}
	if seen := a.inbox.get(l.UID); seen != nil && seen.Started() {
		at.resourceVersion = seen.ResourceVersion
	}
	var err error
	for range maxConflicts {
		if at.resourceVersion == "" {
			if at.resourceVersion, err = a.wanted(ctx, l); err != nil {
				return err
			}
		}
		_, err = a.api.applyRunStatus(ctx, at, &l.Status)
		switch {
		case err == nil:
			return nil
		case apierrors.IsConflict(err), gone(err):
			at.resourceVersion, l.resourceVersion = "", ""
		case unacceptable(err) && !l.reduced && !l.published:
			a.log.Error(err, "the API refuses the result; sending the end of the run without it", "nodeRun", l.key().String())
			l.reduce(err)
		case unacceptable(err):
			return fmt.Errorf("%w: %w", errRefused, err)
		default:
			return err
		}
	}
	return err
}

// wanted looks at the NodeRun as it stands, and returns its resource version if
// it waits for this letter.
func (a *Agent) wanted(ctx context.Context, l *letter) (resourceVersion string, err error) {
	live, err := a.api.nodeRun(ctx, l.key())
	switch {
	case gone(err):
		return "", fmt.Errorf("%w: the NodeRun is gone", errRefused)
	case err != nil:
		return "", err
	case live.UID != l.UID:
		return "", fmt.Errorf("%w: another NodeRun has its name now", errRefused)
	case live.Finished() && sameTime(live.Status.CompletionTime, l.Status.CompletionTime):
		if l.addsTo(live) {
			return live.ResourceVersion, nil
		}
		return "", errDelivered
	case live.Finished():
		reason, _ := live.VoidBecause()
		return "", fmt.Errorf("%w: it comes too late, the NodeRun has ended (%s)", errRefused, reason)
	case live.Spec.RunID != l.RunID:
		a.inbox.unsettle(l.UID)
		return "", fmt.Errorf("%w: the NodeRun is run %s now", errRefused, live.Spec.RunID)
	}
	return live.ResourceVersion, nil
}

// addsTo says whether a letter tells more than the status of its NodeRun that has
// arrived: where the raw report is, or why it is nowhere.
func (l *letter) addsTo(live *v1alpha1.NodeRun) bool {
	ours, theirs := l.Status.Result, live.Status.Result
	return ours != nil && theirs != nil && (ours.Report != nil && theirs.Report == nil ||
		slices.ContainsFunc(ours.Notes, func(note string) bool { return !slices.Contains(theirs.Notes, note) }))
}

// sameTime compares times as the API keeps them.
func sameTime(a, b *metav1.MicroTime) bool {
	return a != nil && b != nil && a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
}

// unacceptable says whether the API refuses an object for what is in it.
func unacceptable(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// reduce makes a letter that says no more than that the run is void.
func (l *letter) reduce(why error) {
	l.reduced = true
	meta.RemoveStatusCondition(&l.Status.Conditions, v1alpha1.ConditionComplete)
	l.Status = ended(l.Status, l.Status.ObservedGeneration, verdict{
		v1alpha1.VoidRunnerFailed, "the API server refuses the result: " + why.Error(),
	}, nil, l.Status.CompletionTime.Time)
}

func (l *letter) key() types.NamespacedName {
	return types.NamespacedName{Namespace: l.Namespace, Name: l.Name}
}
