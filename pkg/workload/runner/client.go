// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	// overhead bounds everything but what limitOf counts by itself: spawning and parking.
	overhead = 60 * time.Second
	// stopGrace is how long a runner that was told to stop may take before it is
	// killed: the stop of the workers with all its escalations, and the removal.
	stopGrace = spawn.StopTimeout + 2*spawn.KillTimeout + removeTimeout
	// stderrTail is how much of the runner's last words is kept.
	stderrTail = 2 << 10
)

// Client starts runners.
type Client struct {
	// Path is the runner's binary.
	Path string
	// Stderr gets a copy of the runner's standard error; nil discards it.
	Stderr io.Writer
}

// Run carries a job out in a runner process of its own and returns its report.
// Cancelling ctx ends the work early; the report then says so. Whatever happens
// it returns in bounded time, and then nothing of the run is alive.
//
// A *SetupError means that the run could not be set up, any other error that the
// runner failed.
func (c Client) Run(ctx context.Context, job Job, onEvent func(Event)) (*report.Report, error) {
	job.Synchronized = job.StartAt != nil
	p, err := c.start(job)
	if err != nil {
		return nil, err
	}
	bound := limitOf(&job.Run)
	if job.Synchronized {
		bound += 2 * StartTimeout // until the time is known, and until it has come
	}
	limit := time.AfterFunc(bound, p.stop)
	defer limit.Stop()
	unhook := context.AfterFunc(ctx, p.stop)
	defer unhook()

	starting := p.starter(ctx, job.StartAt)
	last, readErr := p.events(func(ev Event) {
		if ev.Type == EventPrepared {
			starting.begin()
		}
		if onEvent != nil {
			onEvent(ev)
		}
	})
	waitErr, startErr := p.wait(), starting.end()
	switch {
	case startErr != nil && last.Type != EventReport:
		return nil, errors.Join(startErr, removeLeftovers(job.Cgroup))
	case last.Type == EventReport && last.Report != nil && last.Report.RunID == job.RunID:
		return last.Report, nil
	case last.Type == EventError:
		return nil, errors.Join(&SetupError{Message: last.Error}, removeLeftovers(job.Cgroup))
	default:
		return nil, errors.Join(p.failure(readErr, waitErr), removeLeftovers(job.Cgroup))
	}
}

// process is a started runner.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	tail   tail

	// grace is stopGrace, and what many processes add to each of its parts.
	grace time.Duration

	mu   sync.Mutex
	kill *time.Timer // set by stop
}

func (c Client) start(job Job) (*process, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("writing the job: %w", err)
	}
	p := &process{cmd: exec.Command(c.Path, Command), tail: tail{copyTo: c.Stderr}, grace: stopGrace}
	for i := range job.Run.Groups {
		p.grace += 3 * time.Duration(atMost(&job.Run.Groups[i])) * spawn.EndTimePerProcess
	}
	if len(job.Run.Steps) > 0 {
		p.grace += stopGrace // an op may be about to stop a group, or to remove a cgroup
	}
	p.grace += graceOf(&job.Run)
	p.cmd.Stderr = &p.tail
	// A group of its own: a Ctrl-C at the terminal reaches the parent, which ends the runner in good order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A worker may hold standard error a moment longer than the runner lives.
	p.cmd.WaitDelay = spawn.KillTimeout
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the runner: %w", err)
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("starting the runner: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the runner: %w", err)
	}
	p.stdin = stdin
	// An error here means that the runner has ended, which its events will tell.
	_, _ = stdin.Write(append(text, '\n'))
	return p, nil
}

// limitOf is how long a run may take before its runner is told to stop.
func limitOf(run *spec.Run) time.Duration {
	return run.Duration.D() + overhead + graceOf(run) + filesTimeOf(run) + allowanceOf(run)
}

// filesTimeOf is how long the files of a run's workers may take to be written.
func filesTimeOf(run *spec.Run) time.Duration {
	var limit time.Duration
	for i := range run.Groups {
		if kind, err := run.Groups[i].Work.Kind(); err == nil && kind.Validate() == nil { // else it is refused soon enough
			limit += spawn.FilesTime(kind, atMost(&run.Groups[i]))
		}
	}
	return limit
}

// graceOf is how long a run's programs may take to end by themselves.
func graceOf(run *spec.Run) time.Duration {
	var longest time.Duration
	for i := range run.Groups {
		if e := run.Groups[i].Work.Exec; e != nil {
			longest = max(longest, e.GraceTime())
		}
	}
	return longest
}

// atMost is about how many workers a group can have on this machine.
func atMost(g *spec.Group) int {
	return max(g.Workers, (g.WorkersPercent/100+1)*runtime.NumCPU())
}

// events reads until the runner closes its output and returns the last event.
func (p *process) events(onEvent func(Event)) (Event, error) {
	var last Event
	in := json.NewDecoder(p.stdout)
	for {
		var ev Event
		if err := in.Decode(&ev); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return last, err
		}
		last = ev
		onEvent(ev)
	}
}

// starter tells a runner when to start its workers.
type starter struct {
	begin func()
	// end returns when nothing of it goes on any more, with why no time was told.
	end func() error
}

// starter asks startAt for the time while the events are read, so that a runner that
// dies meanwhile is noticed.
func (p *process) starter(ctx context.Context, startAt func(context.Context) (time.Time, error)) starter {
	if startAt == nil {
		return starter{begin: func() {}, end: func() error { return nil }}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var failed error
	tell := func() {
		at, err := startAt(ctx)
		if err == nil {
			// An error here means that the runner has ended, which its events will tell.
			_ = json.NewEncoder(p.stdin).Encode(Start{At: at})
			return
		}
		if ctx.Err() == nil { // else somebody else has stopped it, and why is known
			failed = err
		}
		p.stop()
	}
	return starter{
		begin: sync.OnceFunc(func() { wg.Go(tell) }),
		end: func() error {
			cancel()
			wg.Wait()
			return failed
		},
	}
}

// stop asks the runner to stop and kills it when it does not.
func (p *process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kill == nil {
		_ = p.stdin.Close()
		p.kill = time.AfterFunc(p.grace, func() { _ = p.cmd.Process.Kill() })
	}
}

func (p *process) wait() error {
	p.stop() // it has closed its output: bound what may still come
	ended := make(chan error, 1)
	go func() { // ends with the process, which stop bounds
		sys.StepDown()
		ended <- p.cmd.Wait()
	}()
	err := <-ended
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill.Stop()
	return err
}

func (p *process) failure(readErr, waitErr error) error {
	err := errors.New("the runner ended without a report")
	if waitErr != nil {
		err = fmt.Errorf("%w: %w", err, waitErr)
	}
	if readErr != nil {
		err = fmt.Errorf("%w: reading its output: %w", err, readErr)
	}
	if said := p.tail.String(); said != "" {
		err = fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// removeLeftovers ends what a runner left that could not clean up. Its workers
// have a death signal; this is for what else there may be, for the directories, and for the CPUs it took offline
// where its watchdog is gone too.
func removeLeftovers(path string) error {
	if path == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	err := cgroup.RemoveAll(ctx, path)
	_, recoverErr := hotplug.Recover(hostRoot)
	return errors.Join(err, recoverErr)
}

// tail keeps the end of what is written to it.
type tail struct {
	copyTo io.Writer
	mu     sync.Mutex
	kept   []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if extra := len(t.kept) - stderrTail; extra > 0 {
		t.kept = t.kept[extra:]
	}
	if t.copyTo != nil {
		return t.copyTo.Write(b)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
