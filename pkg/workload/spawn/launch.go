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

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// forkTimeout bounds the zygotes, plus forkTimePerWorker for each worker and
	// the time to write their files at fileBytesPerSecond.
	forkTimeout        = 10 * time.Second
	forkTimePerWorker  = 10 * time.Millisecond
	fileBytesPerSecond = 20 << 20
	// maxZygotes make the processes side by side, where there are CPUs for them and
	// each has minShare to make.
	maxZygotes = 8
	minShare   = 128
)

// fork runs the zygotes to their end.
func (h *Handle) fork(ctx context.Context, zygotes []*exec.Cmd) error {
	ctx, cancel := context.WithTimeout(ctx, h.forkLimit())
	defer cancel()
	said, err := newTranscript()
	if err != nil {
		return err
	}
	besides := zygotes[0].Stderr
	for _, zygote := range zygotes {
		zygote.Stderr = said.file
	}
	done := make(chan error, 1)
	h.ended = make(chan struct{})
	go h.beParent(ctx, zygotes, done)
	err = <-done
	text := said.end(besides)
	if worker, step, errno, failed := h.arena.Control().ForkError(); failed {
		return fmt.Errorf("%s: %s: %w%s", h.name(worker), step, errno, forkHint(errno))
	}
	if err != nil {
		if text != "" {
			text = ": " + text
		}
		return fmt.Errorf("running the zygote: %w%s", err, text)
	}
	return nil
}

// forkLimit is how long the zygotes may take.
func (h *Handle) forkLimit() time.Duration {
	limit := forkTimeout + time.Duration(h.arena.Workers())*forkTimePerWorker
	for i := range h.run.Groups {
		limit += FilesTime(h.run.Groups[i].Kind, h.run.Groups[i].Workers)
	}
	return limit
}

// FilesTime is how long the files of a group's workers may take to be written.
func FilesTime(kind work.Kind, workers int) time.Duration {
	file := kind.Shape().Opens.File
	if file == nil {
		return 0
	}
	return time.Duration(workers) * (time.Duration(file.Bytes) * time.Second / fileBytesPerSecond)
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

// zygotes are the commands that make the processes side by side, each its share.
func (h *Handle) zygotes(p *plan, files []*os.File, stderr *os.File) ([]*exec.Cmd, error) {
	cpus, err := allowed.CPUs(0) // not runtime.NumCPU: the runner may have been started on fewer
	if err != nil {
		return nil, err
	}
	n := max(1, min(cpus.Size(), len(h.processes)/minShare, maxZygotes))
	var list []*exec.Cmd
	for _, p.To = range sharesOf(h.processes, n) {
		zygote, err := h.zygote(p, files, stderr)
		if err != nil {
			return nil, err
		}
		list = append(list, zygote)
		p.From = p.To
	}
	return list, nil
}

func (h *Handle) zygote(p *plan, files []*os.File, stderr *os.File) (*exec.Cmd, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("writing the zygote's plan: %w", err)
	}
	cmd := exec.Command("/proc/self/exe", ZygoteCommand)
	cmd.Args[0] = "schedfleet-runner" // what ps shows
	cmd.ExtraFiles = append([]*os.File{h.arena.File()}, files...)
	cmd.Stdin = bytes.NewReader(text)
	if stderr != nil { // a nil *os.File is not a nil io.Writer
		cmd.Stderr = stderr
	}
	cmd.Env = zygoteEnv
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// beParent runs the zygotes on a thread of its own and keeps that thread until
// Close: it is the parent of the workers, and its end is what kills them.
func (h *Handle) beParent(ctx context.Context, zygotes []*exec.Cmd, done chan<- error) {
	defer close(h.ended)
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	err := h.leavePlace()
	if err == nil {
		err = runUntil(ctx, zygotes)
	}
	done <- err
	<-h.parent
}

// leavePlace gives the calling thread, and what it starts, the CPUs of the workers: the runner may have
// stepped aside.
func (h *Handle) leavePlace() error {
	if h.cpus.IsEmpty() {
		return nil
	}
	if err := allowed.SetCPUs(0, h.cpus); err != nil {
		return fmt.Errorf("going to the CPUs of the workers: %w", err)
	}
	return nil
}

// runUntil runs commands side by side, started by the calling thread, and kills them
// when ctx is done.
func runUntil(ctx context.Context, cmds []*exec.Cmd) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var errs []error
	for i, cmd := range cmds {
		if err := cmd.Start(); err != nil {
			cmds, errs = cmds[:i], append(errs, err)
			break
		}
	}
	stop := context.AfterFunc(ctx, func() {
		for _, cmd := range cmds {
			_ = cmd.Process.Kill()
		}
	})
	defer stop()
	for _, cmd := range cmds {
		errs = append(errs, cmd.Wait())
	}
	return errors.Join(append(errs, ctx.Err())...)
}
