// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// forkTimeout bounds the zygote, plus forkTimePerWorker for each worker.
	forkTimeout       = 10 * time.Second
	forkTimePerWorker = 10 * time.Millisecond
	// parkTimeout bounds the time from the last fork until all workers are parked.
	parkTimeout = 30 * time.Second
	// parkPoll is how often the wait for parked workers looks for dead ones.
	parkPoll = 100 * time.Millisecond
	// StopTimeout is how long workers have to leave after Stop before they are
	// killed, and how long a killed worker has to be gone.
	StopTimeout = 5 * time.Second
	KillTimeout = 3 * time.Second
)

// Config is what Spawn needs.
type Config struct {
	// Run is what to make.
	Run *spec.Resolved
	// Cgroups are descriptors of directories by the name groups use; workers of a
	// group whose name is missing are born in the runner's own cgroup.
	Cgroups map[string]*os.File
	// Stderr is where a zygote writes what goes wrong before it has an arena.
	Stderr *os.File
}

// Handle owns the workers from Spawn to Close.
type Handle struct {
	run    *spec.Resolved
	arena  *arena.Arena
	reaper *reaper
	parent chan struct{} // closed to end the thread that is the workers' parent
	ended  chan struct{} // closed when it has ended; nil before there is one
}

// Spawn makes all workers and returns when they are parked. An error leaves
// nothing behind. It names the worker and the step.
func Spawn(ctx context.Context, cfg Config) (*Handle, error) {
	h := &Handle{run: cfg.Run, parent: make(chan struct{})}
	var err error
	if h.arena, err = arena.New(h.layout()); err != nil {
		return nil, err
	}
	if err := h.populate(ctx, cfg); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Handle) layout() arena.Plan {
	var shapes []work.Shape
	var workers []int
	for i := range h.run.Groups {
		shapes = append(shapes, h.run.Groups[i].Kind.Shape())
		workers = append(workers, h.run.Groups[i].Workers)
	}
	return layoutOf(shapes, workers)
}

func (h *Handle) populate(ctx context.Context, cfg Config) error {
	forkErr := h.fork(ctx, cfg)
	// Also after an error: whatever was forked has to be ended.
	pids := make([]int, h.arena.Workers())
	for i := range pids {
		pids[i] = h.arena.Block(i).TID()
	}
	var err error
	if h.reaper, err = newReaper(pids); err != nil {
		killAll(pids)
		return errors.Join(forkErr, err)
	}
	if forkErr != nil {
		return forkErr
	}
	return h.awaitParked(ctx)
}

// killAll is the way out when there is no reaper: the children are ours and not
// reaped, so their pids are theirs.
func killAll(pids []int) {
	for _, pid := range pids {
		if pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
}

// fork runs a zygote to its end.
func (h *Handle) fork(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, forkTimeout+time.Duration(h.arena.Workers())*forkTimePerWorker)
	defer cancel()
	cmd, err := h.zygote(ctx, cfg)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	h.ended = make(chan struct{})
	go h.beParent(cmd, done)
	err = <-done
	if worker, step, errno, failed := h.arena.Control().ForkError(); failed {
		group, i := h.locate(worker)
		return fmt.Errorf("group %s, worker %d of %d: %s: %w%s", group.Name, i, group.Workers, step, errno, forkHint(errno))
	}
	if err != nil {
		return fmt.Errorf("running the zygote: %w", errors.Join(err, ctx.Err()))
	}
	return nil
}

func forkHint(errno syscall.Errno) string {
	switch errno {
	case syscall.EAGAIN:
		return " (a limit on processes is reached: RLIMIT_NPROC, pids.max or kernel.pid_max)"
	case syscall.ENOMEM:
		return " (memory is exhausted: declare fewer workers)"
	case syscall.EMFILE, syscall.ENFILE:
		return limitHint(errno)
	}
	return ""
}

func (h *Handle) zygote(ctx context.Context, cfg Config) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", ZygoteCommand)
	cmd.Args[0] = "schedfleet-runner" // what ps shows
	cmd.ExtraFiles = []*os.File{h.arena.File()}
	numbers := map[string]int{}
	for name, file := range cfg.Cgroups {
		numbers[name] = len(cmd.ExtraFiles) - 1
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	text, err := json.Marshal(newPlan(h.run, numbers, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("writing the zygote's plan: %w", err)
	}
	cmd.Stdin = bytes.NewReader(text)
	if cfg.Stderr != nil { // a nil *os.File is not a nil io.Writer
		cmd.Stderr = cfg.Stderr
	}
	cmd.Env = zygoteEnv
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// beParent runs the zygote on a thread of its own and keeps that thread until
// Close: it is the parent of the workers, and its end is what kills them.
func (h *Handle) beParent(cmd *exec.Cmd, done chan<- error) {
	defer close(h.ended)
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	done <- cmd.Run()
	<-h.parent
}

// locate finds the group of a worker and its number in it.
func (h *Handle) locate(worker int) (*spec.ResolvedGroup, int) {
	for i := range h.run.Groups {
		g := &h.run.Groups[i]
		if worker < g.Workers {
			return g, worker
		}
		worker -= g.Workers
	}
	return &spec.ResolvedGroup{Name: "?"}, worker
}

// awaitParked returns when every worker is parked with all set-up steps done.
func (h *Handle) awaitParked(ctx context.Context) error {
	deadline := time.Now().Add(parkTimeout)
	for h.arena.Control().AwaitParked(parkPoll) < h.arena.Workers() {
		select {
		case <-h.reaper.early:
			return h.setupErrors()
		default:
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for workers to park: %w", err)
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("not all workers were ready within %v", parkTimeout), h.setupErrors())
		}
	}
	return h.setupErrors()
}

const maxNamedErrors = 3

// setupErrors names the first workers of which something cannot be had, nil if there are none.
func (h *Handle) setupErrors() error {
	var errs []error
	more := 0
	exits := h.reaper.snapshot()
	for i := range h.arena.Workers() {
		block := h.arena.Block(i)
		group, n := h.locate(i)
		var what []string
		for _, e := range block.SetupErrors() {
			what = append(what, fmt.Sprintf("%s: %v%s", e.Step, e.Errno, setupHint(e.Step, e.Errno)))
		}
		if len(what) == 0 && exits[i].Reaped {
			what = []string{fmt.Sprintf("ended while %s: %s", block.Stage(), exits[i])}
		}
		for _, w := range what {
			if len(errs) == maxNamedErrors {
				more++
				continue
			}
			errs = append(errs, fmt.Errorf("group %s, worker %d of %d: %s", group.Name, n, group.Workers, w))
		}
	}
	if more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

func setupHint(step arena.SetupStep, errno syscall.Errno) string {
	if errno != syscall.EPERM && errno != syscall.EACCES {
		return ""
	}
	switch step {
	case arena.StepPolicy, arena.StepNice:
		return " (the node needs CAP_SYS_NICE, and real-time bandwidth for a real-time class)"
	}
	return ""
}
